"""No answer: what it means depends on what the capture could have shown."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.compliance.attempts.judge import Demand
from tests.compliance_ports.judging import SNMP, judge, port_of, told
from tests.compliance_ports.made import (
    BACK,
    CLIENT,
    NEAR_MAC,
    OUT,
    ROUTED,
    ROUTER_MAC,
    SERVER,
    at,
    handshake,
    opened,
    replied,
    request,
    unanswered,
)  # fmt: skip

OTHER = "198.51.100.77"
"""Another host of the responder's network."""
FAR = "203.0.113.9"
"""A host of a third network."""
NEIGHBOUR = "192.0.2.11"
"""Another host of the initiator's network."""
FOREIGN_MAC = 0x00005E0053AA
VLAN_PATHS = (
    *ROUTED,
    {"path": 3, "interface": 1, "vlan": 7, "src_mac": ROUTER_MAC, "dst_mac": NEAR_MAC},
    {"path": 4, "interface": 1, "vlan": 0, "src_mac": FOREIGN_MAC, "dst_mac": NEAR_MAC},
    {"path": 6, "interface": 1, "vlan": 0, "src_mac": NEAR_MAC, "dst_mac": FOREIGN_MAC},
    {"path": 5, "interface": 2, "vlan": 0, "src_mac": 0, "dst_mac": 0},
)
HIDDEN: dict[str, Any] = {"orig_ttl_min": 60, "orig_ttl_max": 60}
"""An initiator behind routers: its own segment is not captured."""


def test_a_responder_that_answers_elsewhere_blocks_with_high_confidence() -> None:
    finding = port_of(unanswered(port=51443), beside=[opened(port=80)])
    assert (told(finding), finding.confidence, finding.by) == ("blocked/no-answer", "high", None)
    assert finding.detail == "7 SYNs in 63 s; answers on TCP 80"


def test_a_responder_that_answers_only_others_blocks_with_medium_confidence() -> None:
    finding = port_of(unanswered(port=51443), beside=[opened(port=80, orig=NEIGHBOUR)])
    assert (told(finding), finding.confidence) == ("blocked/no-answer", "medium")
    assert finding.detail == "7 SYNs in 63 s; answers others on TCP 80"


def test_any_address_of_the_responder_shows_that_it_lives() -> None:
    both = {address: frozenset({SERVER, OTHER}) for address in (SERVER, OTHER)}
    beside = [opened(resp=OTHER)]
    assert told(port_of(unanswered(), beside=beside, aliases=both)) == "blocked/no-answer"
    assert told(port_of(unanswered(), beside=beside)) == "unanswered/no-answer"


def test_an_icmp_error_of_the_responder_shows_that_it_lives() -> None:
    error = {"serial": 1, "t": at(1), "file": 0, "frame": 5, "sender": SERVER, "version": 4, "type": 3, "code": 3}
    beside = [request(port=69)]
    finding = port_of(unanswered(), beside=beside, icmp_errors=[{**error, "about_orig": True}])
    assert told(finding) == "blocked/no-answer"


def test_without_any_witness_silence_is_one_sided() -> None:
    finding = port_of(unanswered())
    assert (told(finding), finding.cause) == ("one-sided", None)
    assert finding.detail == "7 SYNs in 63 s"


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "unanswered/no-answer"),
        ({"resp_path": 3}, "one-sided"),
        ({"resp_path": 4}, "one-sided"),
        ({"resp_path": 5}, "one-sided"),
    ],
    ids=["same-way", "other-vlan", "other-mac", "other-interface"],
)
def test_the_responders_network_is_a_witness_only_the_same_way(facts: dict[str, Any], state: str) -> None:
    witness = opened(resp=OTHER, orig=NEIGHBOUR, **{**facts, "orig_path": 0})
    finding = port_of(unanswered(**HIDDEN), beside=[{**witness, **HIDDEN}], paths=VLAN_PATHS)
    assert told(finding) == state


def test_the_responders_network_is_the_one_of_the_site() -> None:
    beside = [opened(resp="198.51.101.5", orig=NEIGHBOUR, **HIDDEN)]
    wide = {SERVER: "198.51.100.0/22", "198.51.101.5": "198.51.100.0/22"}
    assert told(port_of(unanswered(**HIDDEN), beside=beside)) == "one-sided"
    assert told(port_of(unanswered(**HIDDEN), beside=beside, networks=wide)) == "unanswered/no-answer"


def test_anyone_through_the_same_next_hop_is_a_witness_on_the_initiators_own_segment() -> None:
    stranger = opened(orig=NEIGHBOUR, resp=FAR)
    assert told(port_of(unanswered(), beside=[stranger])) == "unanswered/no-answer"
    assert told(port_of(unanswered(**HIDDEN), beside=[{**stranger, **HIDDEN}])) == "one-sided"


def test_a_router_may_answer_from_another_mac_than_the_one_it_is_asked_by() -> None:
    paths = (
        {"path": OUT, "interface": 1, "vlan": 0, "src_mac": NEAR_MAC, "dst_mac": 0x00000C07AC01},
        {"path": BACK, "interface": 1, "vlan": 0, "src_mac": ROUTER_MAC, "dst_mac": NEAR_MAC},
    )
    assert told(port_of(unanswered(), beside=[opened(resp=FAR)], paths=paths)) == "unanswered/no-answer"


def test_the_silent_attempt_itself_is_no_witness_on_one_flat_network() -> None:
    flat = "192.0.2.99"
    assert told(port_of(unanswered(resp=flat))) == "one-sided"
    assert told(port_of(unanswered(resp=flat), beside=[opened(resp=NEIGHBOUR)])) == "unanswered/no-answer"


def test_a_capture_without_macs_takes_the_interface_for_the_way() -> None:
    cooked = [{"path": path, "interface": 1, "vlan": 0, "src_mac": 0, "dst_mac": 0} for path in (OUT, BACK)]
    assert told(port_of(unanswered(), beside=[opened(resp=OTHER)], paths=cooked)) == "unanswered/no-answer"


def test_unanswered_arp_names_a_silent_host() -> None:
    asked = {"asker": "198.51.100.1", "target": SERVER, "requests": 3, "replies": 0, "frame": 77, "file": 0}
    beside = [opened(resp=OTHER)]
    finding = port_of(unanswered(), beside=beside, neighbours=[{**asked, "first_t": at(0), "last_t": at(2)}])
    assert told(finding) == "unanswered/host-silent"
    assert [item.filter for item in finding.evidence][-1] == f"arp.dst.proto_ipv4=={SERVER}"
    assert finding.evidence[-1].frames == (77,)


def test_on_the_responders_own_segment_the_request_did_arrive() -> None:
    near = {"resp_ttl_min": 128, "resp_ttl_max": 128}
    finding = port_of(unanswered(port=51443), beside=[opened(port=80, **near)])
    assert (told(finding), finding.by) == ("blocked/no-answer", SERVER)
    assert finding.other_explanation == "its own firewall, or the service does not answer"


def test_a_pending_request_blames_nobody() -> None:
    near = {"resp_ttl_min": 128, "resp_ttl_max": 128}
    finding = port_of(unanswered(port=51443, syns=1, span=0), beside=[opened(port=80, **near)], ended=1)
    assert (told(finding), finding.by, finding.other_explanation) == ("pending", None, None)


def test_a_request_seen_only_far_from_the_responders_segment_has_not_arrived() -> None:
    near = {"resp_ttl_min": 64, "resp_ttl_max": 64, "resp_path": 5}
    finding = port_of(unanswered(port=51443), beside=[opened(port=80, **near)], paths=VLAN_PATHS)
    assert (told(finding), finding.by) == ("blocked/no-answer", None)


def test_a_request_addressed_to_a_router_is_not_on_the_responders_segment() -> None:
    both_sides = [opened(port=80, resp_path=4, resp_ttl_min=64, resp_ttl_max=64), opened(resp=FAR), opened(resp=OTHER)]
    assert port_of(unanswered(port=51443), beside=both_sides, paths=VLAN_PATHS).by is None


def test_a_request_addressed_to_somebody_else_is_not_on_the_responders_segment() -> None:
    """Two files share an interface: on one the responder speaks under its MAC, on the other the request goes to another's."""
    near = {"resp_ttl_min": 64, "resp_ttl_max": 64}
    beside = [opened(port=80, resp_path=4, **near)]
    assert port_of(unanswered(port=51443), beside=beside, paths=VLAN_PATHS).by is None
    assert port_of(unanswered(port=51443, orig_path=6), beside=beside, paths=VLAN_PATHS).by == SERVER


def test_a_mac_of_its_own_beside_a_router_shows_the_responders_segment() -> None:
    own_ttl = {"resp_ttl_min": 32, "resp_ttl_max": 32}
    own = [opened(port=80, resp_path=4, **own_ttl), opened(resp=FAR), opened(resp=OTHER)]
    assert port_of(unanswered(port=51443, orig_path=6), beside=own, paths=VLAN_PATHS).by == SERVER


def test_the_mac_of_a_router_is_not_that_of_the_only_host_behind_it() -> None:
    several_behind_the_other_router = [opened(port=80), opened(orig=NEIGHBOUR)]
    assert port_of(unanswered(port=51443), beside=several_behind_the_other_router).by is None


def test_multicast_that_nobody_answers_is_not_called_blocked() -> None:
    assert told(port_of(request(resp="239.255.255.250", port=1900), beside=[opened()])) == "one-sided"


def test_a_one_way_service_is_open_when_it_was_sent() -> None:
    finding = port_of(request(resp="239.1.2.3"), demand=Demand(transport="udp", port=161, one_way=True), ended=1)
    assert (told(finding), finding.detail) == ("open", "sent; receipt not shown")


# ---------------------------------------------------------------------------------- services silent by design


def row(serial: int, *, credential: int = 5, answer: float = 0, **facts: Any) -> dict[str, Any]:
    """A request of flow ``serial``."""
    given = {
        "serial": serial, "t": at(0), "last_t": at(12), "file": 0, "frame": 31, "last_frame": 35, "sent": 5,
        "answer_t": at(answer) if answer else 0, "answer_frame": 32 if answer else 0, "repeat_after_answer": 0,
    }  # fmt: skip
    return {**given, "credential": credential, **facts}


def test_a_silent_service_is_unanswered_whatever_else_the_host_answers() -> None:
    finding = port_of(request(sent=5, span=12), beside=[opened(port=80)], demand=SNMP, requests=[row(0)])
    assert told(finding) == "unanswered/no-answer"
    assert finding.other_explanation == "a filter, a wrong community, or the agent off"
    assert finding.detail == "5 requests in 12 s; answers on TCP 80"
    assert finding.evidence[0].frames == (31, 35)


def test_what_answers_an_echo_request_answers_ping_and_no_port() -> None:
    echo = replied(proto="icmp", **{"id.orig_p": 8, "id.resp_p": 0}, port=0)
    finding = port_of(unanswered(port=51443), beside=[echo])
    assert finding.detail is not None
    assert finding.detail.endswith("; answers ping")


def test_the_same_request_answered_to_another_initiator_is_an_access_list() -> None:
    beside = [replied(orig=NEIGHBOUR)]
    finding = port_of(request(), beside=beside, demand=SNMP, requests=[row(0), row(1, answer=0.1)])
    assert (told(finding), finding.confidence) == ("blocked/no-answer", "medium")
    assert finding.other_explanation == "access list on the device"


def test_an_answer_to_another_community_only_is_a_question() -> None:
    beside = [replied(orig=NEIGHBOUR)]
    finding = port_of(request(), beside=beside, demand=SNMP, requests=[row(0), row(1, answer=0.1, credential=6)])
    assert told(finding) == "unanswered/no-answer"
    assert finding.detail is not None
    assert "community?" in finding.detail


def test_a_silent_service_needs_a_witness_and_patience_too() -> None:
    assert told(port_of(request(), demand=SNMP)) == "one-sided"
    assert told(port_of(request(), demand=SNMP, ended=2)) == "pending"


def test_without_a_rule_the_label_tells_that_a_service_may_stay_silent() -> None:
    beside = opened(port=80)
    flows = [request(service="snmp", basis="payload"), beside]
    assert judge(*flows).states["state"].to_list() == ["unanswered", "open"]
    assert judge(request(port=5000), beside).states["state"].to_list() == ["blocked", "open"]
    # A flow that no rule explains is judged in the same way when its port is looked at.
    assert told(port_of(flows[0], beside=[beside], demand=Demand(transport="udp", port=161))) == "unanswered/no-answer"


def test_a_rule_that_must_answer_blocks_where_a_silent_one_would_not() -> None:
    loud = Demand(transport="udp", port=161)
    assert told(port_of(request(), beside=[opened(port=80)], demand=loud)) == "blocked/no-answer"


def test_a_handshake_on_another_port_counts_as_an_answer() -> None:
    assert port_of(unanswered(port=1), beside=[handshake(port=80)]).confidence == "high"


def test_ipv6_networks_are_64_bits_wide_when_the_site_does_not_say() -> None:
    ours, theirs = "2001:db8:1::10", "2001:db8:2::20"
    beside = [opened(orig="2001:db8:1::11", resp="2001:db8:2::21", **HIDDEN)]
    assert told(port_of(unanswered(orig=ours, resp=theirs, **HIDDEN), beside=beside)) == "unanswered/no-answer"
    elsewhere = [opened(orig="2001:db8:1::11", resp="2001:db8:2:1::21", **HIDDEN)]
    assert told(port_of(unanswered(orig=ours, resp=theirs, **HIDDEN), beside=elsewhere)) == "one-sided"


def test_the_client_is_the_initiator_of_the_stories() -> None:
    assert port_of(opened()).evidence[0].filter.startswith(f"ip.addr=={CLIENT}")
