"""Same role on both ends, virtual addresses and their probes, multicast and its answers, peers with several ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.compliance_ports.made import handshake, opened, refused, replied, request
from tests.compliance_rules.little import (
    MFD,
    OUTSIDE,
    SERVER,
    A,
    B,
    C,
    Group,
    Scope,
    Transport,
    V,
    called,
    entries,
    host,
    judged,
    net,
    only,
    rule,
    site,
)

_PEERS = rule(initiator="management", responder="management", subject="initiator", ports=(4099,))
_THREE = site(*(host(name, address, "management") for name, address in (("a", A), ("b", B), ("c", C))))


def test_peers_are_one_expectation_per_pair() -> None:
    """Three hosts are three pairs; a pair of which one side opened is satisfied."""
    flows = [opened(orig=A, resp=B, port=4099, service=None), opened(orig=C, resp=A, port=4099, service=None)]
    assert only(judged(flows, [_PEERS], _THREE)) == [
        ("a", "b", "satisfied"),
        ("b", "c", "missing"),
        ("c", "a", "satisfied"),
    ]


def test_the_direction_of_peers_that_fails_is_reported_although_the_other_works() -> None:
    """One direction works, the other is refused: both are said."""
    flows = [opened(orig=A, resp=B, port=4099, service=None), refused(orig=B, resp=A, port=4099)]
    place = site(host("a", A, "management"), host("b", B, "management"))
    assert only(judged(flows, [_PEERS], place)) == [("a", "b", "satisfied"), ("b", "a", "refused")]


def test_peers_of_different_groups_need_nothing_of_one_another() -> None:
    """Pairs are formed inside a group; hosts in no group form one of their own."""
    place = site(
        host("a", A, "management", group="g"), host("b", B, "management", group="g"), host("c", C, "management")
    )
    pairs = only(judged([opened(orig=A, resp=C, port=9999)], [_PEERS], place))
    assert [row[:2] for row in pairs] == [("a", "b")]


def test_a_peer_that_may_be_translated_is_not_called_missing() -> None:
    """An address outside the site opened the peers' port of one of them: the pair cannot be told."""
    place = site(host("a", A, "management"), host("b", MFD, "management"), host("c", C, "management"))
    pairs = only(judged([opened(orig=OUTSIDE, resp=A, port=4099, service=None)], [_PEERS], place))
    assert pairs == [("a", "b", "inconclusive"), ("a", "c", "inconclusive"), ("b", "c", "inconclusive")]


def test_peers_are_never_tried_only_where_both_are_near() -> None:
    """Either may open, so the segment of both has to be captured before it is said that none tried."""
    place = site(host("a", A, "management"), host("b", B, "management"), host("c", MFD, "management"))
    pairs = entries(judged([opened(orig=A, resp=MFD, port=9999)], [_PEERS], place))
    told = {(called(pair.initiator), called(pair.responder)): pair.ports[0].detail for pair in pairs}
    stopped = "never tried, or stopped before this point"
    assert told == {("a", "b"): "never tried", ("a", "c"): stopped, ("b", "c"): stopped}


def test_a_role_with_one_host_has_no_peers() -> None:
    """A single Management Server needs no cluster port."""
    assert only(judged([], [_PEERS], site(host("a", A, "management")))) == [(None, None, "not-applicable")]


_GROUP = Group(name="spoc", members=("one", "two"), virtual=(V,), probes=("192.0.2.101",))
_BALANCED = site(
    host("one", A, "terminal-server", group="spoc"),
    host("two", B, "terminal-server", group="spoc"),
    host("printer", MFD, "mfd"),
    _GROUP,
)
_UP = rule(initiator="mfd", responder="terminal-server", subject="initiator", ports=(5022,))


def test_traffic_to_a_virtual_address_satisfies() -> None:
    """The printer talks to the balancer's address only, and misses no member."""
    assert only(judged([opened(orig=MFD, resp=V, port=5022)], [_UP], _BALANCED)) == [("printer", "spoc", "satisfied")]


def test_members_reached_directly_count_too() -> None:
    """Beside a failing virtual address the member that answers satisfies, and both are told."""
    flows = [opened(orig=MFD, resp=A, port=5022), refused(orig=MFD, resp=V, port=5022)]
    assert only(judged(flows, [_UP], _BALANCED)) == [("printer", "one", "satisfied"), ("printer", "spoc", "refused")]


def test_a_virtual_address_stands_for_all_members_where_each_is_asked_for() -> None:
    """With ``each`` one open virtual address is enough for the members behind it."""
    up = rule(initiator="mfd", responder="terminal-server", subject="initiator", ports=(5022,), each=True)
    assert only(judged([opened(orig=MFD, resp=V, port=5022)], [up], _BALANCED)) == [("printer", "spoc", "satisfied")]


def test_a_virtual_address_stands_for_members_that_are_the_subject() -> None:
    """Where the server is the end that needs the other, its group's address serves it too."""
    up = rule(initiator="mfd", responder="terminal-server", subject="responder", ports=(5022,))
    assert only(judged([opened(orig=MFD, resp=V, port=5022)], [up], _BALANCED)) == [("printer", "spoc", "satisfied")]


def test_probes_are_no_translated_clients() -> None:
    """A health probe of the row's port says nothing about printers that nobody saw."""
    flows = [handshake(orig="192.0.2.101", resp=A, port=5022, orig_nrst=1, orig_rst_t=1, conn_state="RSTO")]
    judgement = judged([*flows, opened(orig=A, resp=MFD, port=9999)], [_UP], _BALANCED)
    assert only(judgement) == [("printer", None, "missing")]


def test_probes_of_a_balancer_are_neither_served_nor_unexpected() -> None:
    """SYN, SYN-ACK, RST from the probing addresses: counted as health probes."""
    probe: dict[str, Any] = {"port": 5022, "orig_nrst": 1, "orig_rst_t": 1, "conn_state": "RSTO", "history": "ShR"}
    flows = [handshake(orig=V, resp=A, **probe), handshake(orig="192.0.2.101", resp=B, **probe)]
    judgement = judged(flows, [_UP], _BALANCED)
    assert judgement.unexpected == ()
    assert [(note.service, note.flows) for note in judgement.infrastructure] == [("health-probe", 2)]
    assert [row[2] for row in only(judgement)] != ["satisfied"]


def test_a_flow_with_payload_from_a_virtual_address_is_no_probe() -> None:
    """What is said beyond a probe has to be explained by a rule."""
    judgement = judged([opened(orig=V, resp=A, port=22, service="ssh")], [_UP], _BALANCED)
    assert [str(entry.reason) for entry in judgement.unexpected] == ["not-in-matrix"]


_CAST = rule(
    initiator="spooler-controller",
    responder="spooler-controller",
    subject="initiator",
    transport=Transport.UDP,
    ports=(),
    setting="nearRoamingMulticast",
    scope=Scope.MULTICAST,
    one_way=True,
)
_ROAMING: dict[str, Any] = {"settings": {"nearRoamingMulticast": "239.1.2.3:45588"}}
_PAIR = (host("a", A, "spooler-controller"), host("b", B, "spooler-controller"))


def test_multicast_sent_and_seen_is_open() -> None:
    """The responder is the rule at the group's address; receipt is not claimed."""
    place = site(*_PAIR, **_ROAMING)
    flows = [request(orig=A, resp="239.1.2.3", port=45588), opened(orig=B, resp=A, port=9999)]
    entry = entries(judged(flows, [_CAST], place))
    sent = next(item for item in entry if called(item.initiator) == "a")
    assert sent.responder is not None
    assert (sent.responder.name, sent.responder.address) == ("p/s/r", "239.1.2.3")
    assert (sent.verdict, sent.ports[0].state, sent.ports[0].detail) == (
        "satisfied",
        "open",
        "sent; receipt not shown",
    )
    assert [str(item.verdict) for item in entry if called(item.initiator) == "b"] == ["missing"]


def test_an_unset_group_address_makes_the_row_not_applicable() -> None:
    """Without the setting there is nothing to look for, and the sentence names it."""
    entry = entries(judged([], [_CAST], site(*_PAIR)))[0]
    assert entry.verdict == "not-applicable"
    assert "nearRoamingMulticast" in entry.sentence


def test_another_group_address_is_not_the_rows() -> None:
    """The same port at another multicast address satisfies nothing."""
    flows = [request(orig=A, resp="239.9.9.9", port=45588), request(orig=B, resp="239.9.9.9", port=45588)]
    judgement = judged(flows, [_CAST], site(*_PAIR, **_ROAMING))
    assert {row[2] for row in only(judgement)} == {"missing"}
    assert len(judgement.unexpected) == 2


def test_a_unicast_answer_belongs_to_the_question() -> None:
    """What a phone answers to the gateway's multicast is explained with it."""
    bonjour = rule(
        initiator="mig",
        responder="mobile-client",
        subject="initiator",
        transport=Transport.UDP,
        ports=(5353,),
        scope=Scope.MULTICAST,
        one_way=True,
    )
    place = site(host("mig", A, "mig"), net("phones", "203.0.113.0/25", "mobile-client"))
    flows = [
        request(orig=A, resp="224.0.0.251", port=5353, sport=40000),
        request(orig="203.0.113.9", resp=A, port=40000, sport=5353),
    ]
    judgement = judged(flows, [bonjour], place)
    assert [row[2] for row in only(judgement)] == ["satisfied"]
    assert (judgement.unexpected, judgement.infrastructure) == ((), ())


def test_a_broadcast_reaches_every_subject() -> None:
    """One server's broadcast is what each terminal of the row needed."""
    find = rule(
        initiator="terminal-server",
        responder="terminal-professional",
        transport=Transport.UDP,
        ports=(64099,),
        scope=Scope.SUBNET,
        one_way=True,
    )
    place = site(SERVER, *(host(f"t{n}", f"192.0.2.{n}", "terminal-professional") for n in (30, 31)))
    judgement = judged([request(orig=A, resp="255.255.255.255", port=64099)], [find], place)
    assert [(called(entry.initiator), str(entry.verdict)) for entry in entries(judgement)] == [("server", "satisfied")]


def test_an_answer_told_as_the_askers_flow_belongs_to_the_question() -> None:
    """A terminal answers a broadcast from the port it was asked on: no second entry says that it is one-sided."""
    discovery = rule(
        initiator="terminal-server",
        responder="terminal-professional",
        transport=Transport.UDP,
        ports=(64099,),
        scope=Scope.SUBNET,
        one_way=True,
    )
    place = site(host("server", A, "terminal-server"), host("terminal", B, "terminal-professional"))
    flows = [
        request(orig=A, resp="255.255.255.255", port=64099, sport=50000),
        replied(orig=A, resp=B, port=64099, sport=50000, orig_pkts=0, orig_bytes=0),
    ]
    judgement = judged(flows, [discovery], place)
    assert only(judgement) == [("server", "p/s/r", "satisfied")]
    assert (judgement.unexpected, judgement.infrastructure) == ((), ())


def test_a_way_that_works_for_one_peer_does_not_make_up_for_the_other() -> None:
    """Of three peers two are joined another way: only the refusal between these two weighs less."""
    first, second = (
        rule(name, initiator="management", responder="management", subject="initiator", ports=(port,), one_of="way")
        for name, port in (("first", 4099), ("second", 4001))
    )
    flows = [opened(orig=A, resp=B, port=4099, service=None)]
    flows += [refused(orig=A, resp=end, port=4001) for end in (B, C)]
    told = [e for e in entries(judged(flows, [first, second], _THREE), "second") if e.verdict == "refused"]
    assert {called(e.responder): str(e.severity) for e in told} == {"b": "notice", "c": "violation"}


def test_what_was_only_sent_excuses_no_failure() -> None:
    """Both peers multicast, which nobody is known to receive, and the connection between them is refused."""
    joined = rule(
        "joined", initiator="spooler-controller", responder="spooler-controller", subject="initiator", ports=(7800,),
        one_of="roaming",
    )  # fmt: skip
    sent = [request(orig=end, resp="239.1.2.3", port=45588) for end in (A, B)]
    rules = [replace(_CAST, one_of="roaming"), joined]
    failing = refused(orig=A, resp=B, port=7800)
    assert entries(judged([*sent, failing], rules, site(*_PAIR, **_ROAMING)), "joined")[0].severity == "violation"
    assert entries(judged(sent, rules, site(*_PAIR, **_ROAMING)), "joined")[0].verdict == "unused"
