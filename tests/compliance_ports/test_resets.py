"""Resets: who sent them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compliance_ports.judging import port_of, told
from tests.compliance_ports.made import BACK, OUT, ROUTED, SERVER, asked, at, handshake, opened, refused, replied

OTHER_WAY = (*ROUTED, {"path": 3, "interface": 1, "vlan": 9, "src_mac": 5, "dst_mac": 6})


def reset(side: str, ttl: int, seconds: float = 1.0, **facts: Any) -> dict[str, Any]:
    path = BACK if side == "resp" else OUT
    made = {"nrst": 1, "rst_t": at(seconds), "rst_frame": 20, "rst_ttl": ttl, "rst_path": path}
    return {**{f"{side}_{name}": value for name, value in made.items()}, **facts}


def test_a_reset_like_the_responders_other_packets_is_its_own() -> None:
    finding = port_of(refused(port=22, ttl=60), beside=[opened(port=80)])
    assert (told(finding), finding.confidence, finding.by) == ("refused/reset-by-responder", "high", SERVER)
    assert finding.other_explanation is None
    assert finding.evidence[0].frames == (1, 2)


def test_a_reset_with_nothing_to_compare_is_doubtful() -> None:
    finding = port_of(refused())
    assert (told(finding), finding.confidence) == ("refused/reset-by-responder", "low")
    assert finding.other_explanation == "a device in the path"


def test_packets_that_came_another_way_are_nothing_to_compare_with() -> None:
    beside = [opened(port=80, resp_path=3, resp_ttl_min=55, resp_ttl_max=55)]
    assert port_of(refused(ttl=60), beside=beside, paths=OTHER_WAY).confidence == "low"


def test_a_reset_from_another_distance_was_sent_on_the_way() -> None:
    finding = port_of(refused(port=22, ttl=254), beside=[opened(port=80)])
    assert (told(finding), finding.confidence, finding.by) == ("blocked/reset-in-path", "high", None)
    assert finding.detail == "reset with TTL 254, the responder's own is 60; 1 hop away"


def test_a_distance_that_routes_may_explain_leaves_a_doubt() -> None:
    assert port_of(refused(port=22, ttl=61), beside=[opened(port=80)]).confidence == "medium"


def test_an_equal_distance_from_another_initial_ttl_leaves_a_doubt() -> None:
    finding = port_of(refused(port=22, ttl=251), beside=[opened(port=80)])
    assert (told(finding), finding.confidence) == ("blocked/reset-in-path", "medium")
    assert finding.other_explanation is not None


@pytest.mark.parametrize(("ttl", "hops"), [(31, 1), (32, 0), (62, 2), (126, 2), (250, 5)])
def test_the_distance_counts_from_the_nearest_initial_ttl(ttl: int, hops: int) -> None:
    finding = port_of(refused(port=22, ttl=ttl), beside=[opened(port=80, resp_ttl_min=57, resp_ttl_max=57)])
    assert finding.detail is not None
    assert f"{hops} hop{'' if hops == 1 else 's'} away" in finding.detail


def test_a_forged_reset_blocks_even_if_data_crossed() -> None:
    assert told(port_of(opened(orig_nfin=0, resp_nfin=0, **reset("resp", 254)))) == "blocked/reset-in-path"


def test_a_forged_reset_blocks_a_running_conversation() -> None:
    running = {"orig_nsyn": 0, "resp_nsynack": 0, "orig_nfin": 0, "resp_nfin": 0}
    assert told(port_of(opened(**running, **reset("resp", 254)))) == "blocked/reset-in-path"


def test_a_reset_may_be_forged_in_the_initiators_name() -> None:
    finding = port_of(asked(**reset("orig", 50)))
    assert told(finding) == "blocked/reset-in-path"
    assert finding.detail == "reset with TTL 50, the initiator's own is 64; 14 hops away"


def test_a_sender_that_goes_on_after_its_reset_did_not_send_it() -> None:
    went_on = {"resp_after_rst": 3, "resp_data_last_t": at(1.5)}
    finding = port_of(opened(orig_nfin=0, resp_nfin=0, **reset("resp", 60), **went_on))
    assert (told(finding), finding.confidence) == ("blocked/reset-in-path", "medium")
    assert finding.detail is not None
    assert "the responder went on sending" in finding.detail


def test_payload_overtaken_by_its_reset_is_no_proof() -> None:
    overtaken = {"resp_after_rst": 1, "resp_data_last_t": at(1.0005)}
    assert told(port_of(opened(orig_nfin=0, resp_nfin=0, **reset("resp", 60), **overtaken))) == "open"


def test_another_ip_id_counter_takes_the_doubt_away() -> None:
    near = reset("resp", 61, resp_rst_ipid=40_000, resp_ipid_last=900)
    assert port_of(asked(**near)).confidence == "high"


def test_a_reset_after_both_ends_closed_stops_nothing() -> None:
    assert told(port_of(opened(**reset("resp", 254)))) == "open"


def test_other_packets_of_the_host_with_this_ttl_leave_it_undecided() -> None:
    beside = [opened(port=80), replied(resp_ttl_min=254, resp_ttl_max=254)]
    finding = port_of(refused(port=22, ttl=254), beside=beside)
    assert (told(finding), finding.confidence) == ("refused/reset-by-responder", "low")


def test_a_doubtful_reset_of_a_handshake_is_failing_with_low_confidence() -> None:
    finding = port_of(handshake(**reset("resp", 0)))
    assert (told(finding), finding.confidence) == ("failing/closed-without-data", "low")
