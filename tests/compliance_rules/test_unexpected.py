"""Unexpected flows: each reason in its order, grouping, scans, infrastructure, scope, severities."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.model.finding import UnexpectedEntry
from tests.compliance_ports.made import flow, opened, refused, replied, request, unanswered
from tests.compliance_rules.little import (
    MFD,
    OUTSIDE,
    PRINTER,
    SERVER,
    A,
    B,
    Infrastructure,
    Ports,
    Requirement,
    Scope,
    Transport,
    When,
    called,
    entries,
    host,
    judged,
    net,
    rule,
    site,
)

_PC = "203.0.113.5"
_OFFICE = net("office", "203.0.113.0/25", "workstation")
_LOCAL = rule(
    "local",
    initiator=("management", "workstation"),
    responder="terminal-server",
    ports=(9000,),
    scope=Scope.LOCALHOST,
    opened_by="remote-jmx",
    requirement=Requirement.RECOMMENDED,
)
_NEVER = rule(
    "never",
    requirement=Requirement.FORBIDDEN,
    initiator=("server", "mfd"),
    responder="workstation",
    transport=Transport.ANY,
    ports=(),
)
_DYNAMIC = rule(
    "dynamic", ports=Ports(negotiated_by="s/control", range=(1024, 65535)), requirement=Requirement.OPTIONAL
)
_CLIENT = rule("client", initiator="workstation", responder="terminal-server", subject="initiator", ports=(5555,))
_RULES = [rule(), _LOCAL, _NEVER, _DYNAMIC, _CLIENT]
_PLACE = site(SERVER, PRINTER, _OFFICE)


def unexpected(*flows: dict[str, Any], **facts: Any) -> list[UnexpectedEntry]:
    """The unexpected entries of ``flows`` in the little site of this file."""
    rules = facts.pop("rules", _RULES)
    place = facts.pop("place", _PLACE)
    return list(judged(flows, rules, place, **facts).unexpected)


@pytest.mark.parametrize(
    ("ends", "reason", "nearest"),
    [
        ({"orig": MFD, "resp": A, "port": 9000}, "localhost-only", "p/s/local"),
        ({"orig": OUTSIDE, "resp": A, "port": 9000}, "localhost-only", "p/s/local"),
        ({"orig": A, "resp": _PC, "port": 445, "service": "smb"}, "into-workstation", "p/s/never"),
        ({"orig": MFD, "resp": _PC, "port": 50000, "service": None}, "into-workstation", "p/s/never"),
        ({"orig": OUTSIDE, "resp": A, "port": 22, "service": "ssh"}, "outside-site", None),
        ({"orig": A, "resp": OUTSIDE, "port": 22, "service": "ssh"}, "outside-site", None),
        ({"orig": A, "resp": MFD, "port": 50000, "service": None}, "unannounced-dynamic-port", "p/s/dynamic"),
        ({"orig": MFD, "resp": A, "port": 443}, "wrong-direction", "p/s/r"),
        ({"orig": MFD, "resp": A, "port": 5555}, "wrong-role", "p/s/client"),
        ({"orig": A, "resp": MFD, "port": 5555, "service": None}, "wrong-role", "p/s/client"),
        ({"orig": A, "resp": MFD, "port": 8888, "service": "http"}, "not-in-matrix", None),
        ({"orig": _PC, "resp": "203.0.113.6", "port": 445, "service": "smb"}, "not-in-matrix", None),
        ({"orig": MFD, "resp": A, "port": 22, "service": "ssh"}, "not-in-matrix", None),
    ],
)
def test_the_first_reason_that_fits(ends: dict[str, Any], reason: str, nearest: str | None) -> None:
    """Localhost before workstation before outside before dynamic before direction before role before nothing."""
    found = unexpected(opened(**ends))
    assert [(str(entry.reason), entry.rule) for entry in found] == [(reason, nearest)]


def test_a_row_of_peers_that_does_not_apply_is_not_turned_round() -> None:
    """Both ends of a row have one role: the flow goes the row's way, which this site has not switched on."""
    peers = rule(initiator="management", responder="management", ports=(6020,), when=When(feature=("load-balancing",)))
    place = site(host("a", A, "management"), host("b", B, "management"))
    found = unexpected(opened(orig=A, resp=B, port=6020, service=None), rules=[peers], place=place)
    assert [str(entry.reason) for entry in found] == ["wrong-role"]
    assert "load-balancing" in found[0].sentence


def test_a_localhost_row_that_the_site_opens_is_an_ordinary_row() -> None:
    """With ``remote-jmx`` the flow is expected from the row's roles, and nothing is unexpected."""
    place = site(SERVER, _OFFICE, features=("remote-jmx",))
    judgement = judged([opened(orig=_PC, resp=A, port=9000, service="rmi")], [_LOCAL], place)
    assert judgement.unexpected == ()
    assert [str(entry.verdict) for entry in entries(judgement, "local")] == ["satisfied"]


def test_the_forbidden_row_gives_no_verdict() -> None:
    """It shows only in unexpected flows."""
    assert entries(judged([], _RULES, _PLACE), "never") == []


@pytest.mark.parametrize(
    ("story", "state", "severity"),
    [
        (opened(orig=MFD, resp=A, port=443), "open", "violation"),
        (refused(orig=MFD, resp=A, port=443), "refused", "warning"),
        (unanswered(orig=MFD, resp=A, port=443), "blocked", "notice"),
    ],
)
def test_how_far_it_came_decides_the_severity(story: dict[str, Any], state: str, severity: str) -> None:
    """Reached is a violation, turned away by the goal a warning, stopped on the way a notice."""
    life = opened(orig=A, resp=MFD)
    entry = unexpected(life, story)[0]
    assert (str(entry.state), str(entry.severity)) == (state, severity)


def test_a_workstation_that_leaves_the_site_is_a_notice() -> None:
    """Browsing is not the business of the print system."""
    entry = unexpected(opened(orig=_PC, resp=OUTSIDE))[0]
    assert (entry.reason, entry.severity) == ("outside-site", "notice")
    assert entry.responder is not None
    assert (entry.responder.name, entry.responder.address, entry.responder.roles) == (None, OUTSIDE, ())


def test_flows_are_grouped_by_ends_transport_and_port() -> None:
    """Three connections are one entry with three flows; another port is another entry."""
    flows = [opened(orig=MFD, resp=A, port=22, service="ssh", start=float(n), orig_ip_bytes=100) for n in range(3)]
    found = unexpected(*flows, opened(orig=MFD, resp=A, port=23, service=None))
    counted = {entry.port: (entry.flows, entry.bytes) for entry in found}
    assert counted == {22: (3, 300), 23: (1, 0)}
    first = next(entry for entry in found if entry.port == 22)
    assert (first.first or "") < (first.last or "")
    assert first.evidence


def test_more_than_twenty_ports_are_a_scan() -> None:
    """One entry, with lists of at most twenty, and the state of what came furthest."""
    flows = [unanswered(orig=OUTSIDE, resp=A, port=port, syns=1, span=0.0) for port in range(1, 31)]
    found = unexpected(*flows, opened(orig=OUTSIDE, resp=A, port=100, service=None))
    assert len(found) == 1
    scan = found[0].scan
    assert scan is not None
    assert (scan.hosts, scan.ports, len(scan.port_list), scan.host_list) == (1, 31, 20, (A,))
    assert 100 in scan.port_list
    assert (found[0].flows, found[0].state, found[0].severity, found[0].port) == (31, "open", "violation", None)
    assert called(found[0].responder) == "server"


def test_more_than_twenty_hosts_are_a_scan() -> None:
    """One port of many hosts: the port is known, the responder is not one."""
    flows = [unanswered(orig=OUTSIDE, resp=f"203.0.113.{n}", port=445, syns=1, span=0.0) for n in range(1, 25)]
    entry = unexpected(*flows)[0]
    assert entry.scan is not None
    assert (entry.scan.hosts, entry.scan.ports, len(entry.scan.host_list)) == (24, 1, 20)
    assert (entry.port, entry.responder) == (445, None)


def test_twenty_ports_are_no_scan_yet() -> None:
    """At the limit each port is an entry of its own."""
    flows = [refused(orig=OUTSIDE, resp=A, port=port) for port in range(1, 21)]
    assert len(unexpected(*flows)) == 20


def test_flows_of_strangers_are_out_of_scope() -> None:
    """Neither end is in the site: counted, never judged."""
    judgement = judged([opened(orig=OUTSIDE, resp="203.0.113.201")], _RULES, _PLACE)
    assert judgement.unexpected == ()
    assert (judgement.out_of_scope.flows, judgement.out_of_scope.packets) == (1, 9)


_DNS = Infrastructure(id="dns", service="dns", transport="udp", ports=(53,))
_ECHO = Infrastructure(id="echo", service="icmp", transport="icmp", ports=(8,))
_DIRECTORY = Infrastructure(id="ldap", service="ldap", transport="tcp", ports=(389,), responder=("ldap",))
_IGMP = Infrastructure(id="igmp", service="igmp", transport="igmp", ports=())
_PACK = (_DNS, _ECHO, _DIRECTORY, _IGMP)


def _named(*flows: dict[str, Any], place: Any = _PLACE, rules: Any = ()) -> dict[str, int]:
    judgement = judged(flows, rules, place, infrastructure=_PACK)
    return {note.service: note.flows for note in judgement.infrastructure}


def test_infrastructure_is_counted_and_never_judged() -> None:
    """DNS to anyone, ICMP echo, IGMP: no unexpected flow, no verdict, only a count."""
    flows = [
        replied(orig=A, resp=OUTSIDE, port=53, service="dns", basis="payload"),
        request(orig=A, resp=OUTSIDE, port=53, sport=50001),
        flow(orig=A, resp=MFD, proto="icmp", sport=8, port=0, orig_pkts=1, resp_pkts=1),
        flow(orig=A, resp="224.0.0.22", proto="igmp", sport=0, port=0, orig_pkts=1),
    ]
    assert _named(*flows) == {"dns": 2, "icmp": 1, "igmp": 1}
    assert judged(flows, (), _PLACE, infrastructure=_PACK).unexpected == ()


def test_directory_traffic_is_infrastructure_only_towards_a_directory() -> None:
    """LDAP to a printer is unexpected, to a host with the role it is not."""
    place = site(SERVER, PRINTER, host("dc", B, "ldap"))
    flows = [opened(orig=A, resp=B, port=389, service="ldap"), opened(orig=A, resp=MFD, port=389, service="ldap")]
    judgement = judged(flows, (), place, infrastructure=_PACK)
    assert [called(entry.responder) for entry in judgement.unexpected] == ["printer"]


def test_matrix_rules_come_before_infrastructure() -> None:
    """A row about port 53 would be judged, not counted away."""
    ask = rule(transport=Transport.UDP, ports=(53,))
    judgement = judged([replied(orig=A, resp=MFD, port=53)], [ask], _PLACE, infrastructure=_PACK)
    assert (judgement.infrastructure, entries(judgement)[0].verdict) == ((), "satisfied")


def test_another_protocol_on_an_infrastructure_port_is_unexpected() -> None:
    """SSH on port 53 is a tunnel, not DNS."""
    entry = Infrastructure(id="dns-tcp", service="dns", transport="tcp", ports=(53,))
    judgement = judged([opened(orig=A, resp=OUTSIDE, port=53, service="ssh")], (), _PLACE, infrastructure=[entry])
    assert [entry.service for entry in judgement.unexpected] == ["ssh"]


def test_answers_to_discovery_come_from_its_port() -> None:
    """Unicast answers to what a host had multicast belong to the question, whatever their source address."""
    ssdp = Infrastructure(id="ssdp", service="ssdp", transport="udp", ports=(1900,))
    flows = [
        request(orig=A, resp="239.255.255.250", port=1900, sport=40000, service="ssdp", basis="payload"),
        request(orig=OUTSIDE, resp=A, port=40000, sport=1900),
        request(orig=OUTSIDE, resp=A, port=40001, sport=1900),
    ]
    judgement = judged(flows, (), _PLACE, infrastructure=[ssdp])
    assert [(note.service, note.flows) for note in judgement.infrastructure] == [("ssdp", 2)]
    assert [entry.port for entry in judgement.unexpected] == [40001]


def test_icmp_messages_about_nothing_known_are_infrastructure() -> None:
    """Errors that quote no flow of the capture, and echo replies alone, are no findings."""
    flows = [flow(orig=A, resp=MFD, proto="icmp", sport=kind, port=0, orig_pkts=1) for kind in (3, 11, 0)]
    assert _named(*flows) == {"icmp": 3}


def test_a_protocol_without_ports_has_no_port() -> None:
    """GRE between the server and a stranger: the port is null, not zero."""
    entry = unexpected(flow(orig=A, resp=OUTSIDE, proto="ip-47", sport=0, port=0, orig_pkts=3, resp_pkts=2))[0]
    assert (entry.transport, entry.port, entry.state, entry.reason) == ("ip-47", None, "open", "outside-site")


def test_flows_in_the_right_roles_say_which_condition_is_not_met() -> None:
    """The row exists between these two, but its feature is not listed: the sentence tells which."""
    scan = rule(
        "scan", initiator="mfd", responder="terminal-server", ports=(25,), when=When(feature=("smtp-scanning",))
    )
    entry = unexpected(opened(orig=MFD, resp=A, port=25, service="smtp"), rules=[scan])[0]
    assert (entry.reason, entry.rule) == ("wrong-role", "p/s/scan")
    assert "smtp-scanning" in entry.sentence


def test_hosts_seen_are_those_that_sent() -> None:
    """A host that only was asked is not seen; two-sided hosts were heard and spoken to."""
    judgement = judged([opened(orig=A, resp=MFD), unanswered(orig=_PC, resp="203.0.113.6")], _RULES, _PLACE)
    assert (judgement.hosts_seen, judgement.two_sided_hosts) == (3, 2)


def test_an_unexpected_flow_has_an_id_without_times() -> None:
    """The same intrusion the next night has the same id; another port has another."""
    tonight = unexpected(opened(orig=MFD, resp=A, port=22, service="ssh"))[0].id
    tomorrow = unexpected(opened(orig=MFD, resp=A, port=22, service="ssh", start=99.0, sport=60123))[0].id
    other = unexpected(opened(orig=MFD, resp=A, port=2222, service="ssh"))[0].id
    assert tonight == tomorrow
    assert tonight != other


def test_the_broadcast_of_a_hosts_own_prefix_is_no_stranger() -> None:
    """192.0.2.255 beside 192.0.2.10 is a broadcast; an address that ends so elsewhere is a machine."""
    flows = [request(orig=A, resp="192.0.2.255", port=4444), request(orig=A, resp="10.0.0.255", port=4444)]
    reasons = {called(entry.responder): str(entry.reason) for entry in unexpected(*flows)}
    assert reasons == {"192.0.2.255": "not-in-matrix", "10.0.0.255": "outside-site"}
