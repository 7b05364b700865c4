"""What machines say to themselves: rows about loopback, and both ends of a row on one machine."""

from __future__ import annotations

from typing import Any

from tests.compliance_ports.made import opened
from tests.compliance_rules.little import (
    MFD,
    PRINTER,
    A,
    B,
    Scope,
    entries,
    host,
    judged,
    net,
    only,
    rule,
    site,
    states,
)

_LOCAL = rule(
    initiator="spooler-controller",
    responder="terminal-server",
    subject="initiator",
    ports=(5557,),
    scope=Scope.LOCALHOST,
)
_ALL_IN_ONE = host("all", A, "spooler-controller", "terminal-server")
_LO: dict[str, Any] = {"orig": "127.0.0.1", "resp": "127.0.0.1", "loopback": True}


def test_a_loopback_row_is_not_observable_on_a_wire() -> None:
    """Inconclusive with a notice, and it does not count against compliance."""
    judgement = judged([opened(orig=A, resp=MFD, port=9999)], [_LOCAL], site(_ALL_IN_ONE, PRINTER))
    entry = entries(judgement)[0]
    assert (entry.verdict, entry.severity, states(entry)) == ("inconclusive", "notice", {5557: "not-observable"})
    assert entry.id in judgement.uncounted


def test_a_loopback_row_is_judged_where_loopback_was_captured_on_a_named_host() -> None:
    """With the capturing host named, the row is satisfied there and stays unseen elsewhere."""
    place = site(_ALL_IN_ONE, host("other", B, "spooler-controller", "terminal-server"))
    judgement = judged([opened(**_LO, port=5557, service=None)], [_LOCAL], place, capture_host="all")
    assert only(judgement) == [("all", "all", "satisfied"), ("other", "other", "inconclusive")]


def test_on_a_named_host_a_loopback_row_can_be_missing() -> None:
    """Loopback was captured and the port was not in it."""
    judgement = judged([opened(**_LO, port=7777)], [_LOCAL], site(_ALL_IN_ONE), capture_host="all")
    assert only(judgement) == [("all", "all", "missing")]
    assert judgement.uncounted == frozenset()


def test_an_ordinary_row_inside_one_machine_is_never_missing() -> None:
    """A host that is both ends of a row for the network may settle it in itself, though its loopback is captured."""
    sync = rule(initiator="spooler-controller", responder="terminal-server", subject="initiator", ports=(6010,))
    judgement = judged([opened(**_LO, port=7777)], [sync], site(_ALL_IN_ONE), capture_host="all")
    assert only(judgement) == [("all", "all", "inconclusive")]


def test_without_a_name_only_loopback_ports_that_were_seen_are_judged() -> None:
    """127.0.0.1 of a machine that nobody named: its 5557 works, its 5558 is not called missing."""
    other = rule(
        "other", initiator="spooler-controller", responder="terminal-server", ports=(5558,), scope=Scope.LOCALHOST
    )
    judgement = judged([opened(**_LO, port=5557, service=None)], [_LOCAL, other], site(_ALL_IN_ONE))
    assert only(judgement) == [("127.0.0.1", "127.0.0.1", "satisfied")]
    assert only(judgement, "other") == [("all", "all", "inconclusive")]


def test_a_host_that_talks_to_its_own_address_names_itself() -> None:
    """192.0.2.10 to itself on a loopback interface is that host, named or not."""
    judgement = judged([opened(orig=A, resp=A, port=5557, loopback=True, service=None)], [_LOCAL], site(_ALL_IN_ONE))
    assert only(judgement) == [("all", "all", "satisfied")]


def test_other_loopback_traffic_is_infrastructure() -> None:
    """Whatever a machine says to itself is nobody's unexpected flow."""
    flows = [opened(**_LO, port=7777), opened(orig=A, resp=A, port=7778, loopback=True)]
    judgement = judged(flows, [_LOCAL], site(_ALL_IN_ONE))
    assert judgement.unexpected == ()
    assert [(note.service, note.flows) for note in judgement.infrastructure] == [("loopback", 2)]


def test_loopback_counts_for_network_rows_of_a_named_host() -> None:
    """Both ends of an ordinary row on one machine, seen on its loopback."""
    sync = rule(initiator="spooler-controller", responder="terminal-server", subject="initiator", ports=(6010,))
    judgement = judged([opened(**_LO, port=6010, service=None)], [sync], site(_ALL_IN_ONE), capture_host="all")
    assert only(judgement) == [("all", "all", "satisfied")]


def test_a_workstation_in_a_network_may_have_captured_its_loopback() -> None:
    """The capturing host can be named by its address in a network."""
    jobs = rule(initiator="workstation", responder="workstation", ports=(515,), scope=Scope.LOCALHOST)
    place = site(net("office", "203.0.113.0/25", "workstation"))
    judgement = judged([opened(**_LO, port=515, service="lpr")], [jobs], place, capture_host="203.0.113.7")
    assert [row[2] for row in only(judgement)] == ["satisfied"]
