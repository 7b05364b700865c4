"""Waivers: what they cover, how they run out, and that nothing is hidden by them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from analyser.compliance.summary import summarise
from analyser.model.finding import Severity
from tests.compliance_ports.made import opened, refused
from tests.compliance_rules.little import MFD, PRINTER, SERVER, A, Waiver, entries, every, judged, net, rule, site

_FAULT = [refused(orig=A, resp=MFD), opened(orig=MFD, resp=A, port=5022)]


def waiver(**facts: Any) -> Waiver:
    """A waiver of the little rule, without limits."""
    return Waiver(**{"id": "w1", "rule": "p/s/r", "reason": "ticket 4711", "owner": "it-ops", **facts})


def test_a_waived_finding_is_kept_and_weighs_nothing() -> None:
    """Severity ok, the verdict as it is, and the waiver beside it."""
    judgement = judged(_FAULT, [rule()], site(SERVER, PRINTER, waiver()))
    entry = entries(judgement)[0]
    assert (entry.verdict, entry.severity) == ("refused", "ok")
    assert entry.waiver is not None
    assert (entry.waiver.id, entry.waiver.reason, entry.waiver.owner) == ("w1", "ticket 4711", "it-ops")


@pytest.mark.parametrize(
    ("facts", "covers"),
    [
        ({"initiator": "server"}, True),
        ({"initiator": A}, True),
        ({"initiator": "printer"}, False),
        ({"responder": "printer"}, True),
        ({"responder": MFD}, True),
        ({"responder": A}, False),
        ({"port": 443}, True),
        ({"port": 80}, False),
        ({"rule": "p/s/other"}, False),
        ({"initiator": "server", "responder": "printer", "port": 443}, True),
    ],
)
def test_every_key_of_a_waiver_limits_it(facts: dict[str, Any], covers: bool) -> None:
    """Ends by name or address, one port, the rule."""
    entry = entries(judged(_FAULT, [rule()], site(SERVER, PRINTER, waiver(**facts))))[0]
    assert str(entry.severity) == ("ok" if covers else "violation")


def test_a_waiver_of_one_port_does_not_cover_another() -> None:
    """Two ports of a set fail and one is waived: the finding stays."""
    flows = [refused(orig=A, resp=MFD, port=80), *_FAULT]
    entry = entries(judged(flows, [rule(ports=every(80, 443))], site(SERVER, PRINTER, waiver(port=443))))[0]
    assert (entry.severity, entry.waiver) == ("violation", None)


def test_a_waiver_names_a_network_for_its_clients() -> None:
    """The failing client is covered by the name of its network."""
    place = site(SERVER, net("office", "203.0.113.0/25", "workstation"), waiver(initiator="office"))
    web = rule(initiator="workstation", responder="terminal-server", subject="initiator")
    found = entries(judged([refused(orig="203.0.113.5", resp=A)], [web], place))
    assert {str(entry.severity) for entry in found} == {"ok"}


@pytest.mark.parametrize(("named", "severity"), [("wrong-direction", "ok"), ("p/s/r", "ok"), ("p/s/x", "violation")])
def test_a_waiver_may_name_a_reason_or_the_nearest_rule(named: str, severity: str) -> None:
    """Unexpected flows are waived by their reason, or by the rule that comes nearest to them."""
    flows = [opened(orig=MFD, resp=A, port=443)]
    judgement = judged(flows, [rule()], site(SERVER, PRINTER, waiver(rule=named, initiator="printer", port=443)))
    assert [str(entry.severity) for entry in judgement.unexpected] == [severity]


@pytest.mark.parametrize(
    ("expires", "severity"), [(dt.date(2026, 3, 2), "ok"), (dt.date(2026, 3, 1), "violation"), (None, "ok")]
)
def test_a_waiver_holds_through_its_last_day(expires: dt.date | None, severity: str) -> None:
    """On the day after, the finding is back."""
    judgement = judged(_FAULT, [rule()], site(SERVER, PRINTER, waiver(expires=expires)), today=dt.date(2026, 3, 2))
    assert str(entries(judgement)[0].severity) == severity


def test_an_expired_waiver_says_so() -> None:
    """In the sentence of the finding, and among the reasons of the summary."""
    judgement = judged(_FAULT, [rule()], site(SERVER, PRINTER, waiver(expires=dt.date(2026, 1, 1))))
    entry = entries(judgement)[0]
    assert entry.waiver is None
    assert "w1 expired on 2026-01-01" in entry.sentence
    summary = summarise(judgement, fail_on=Severity.VIOLATION, packets=9, undecoded=0, unread_files=0)
    assert any("w1" in reason for reason in summary.reasons)


def test_a_renewed_waiver_takes_over_from_an_expired_one() -> None:
    """Two waivers of one finding: the one in force counts, and nothing is said of the old one."""
    old, new = waiver(expires=dt.date(2026, 1, 1)), waiver(id="w2", expires=dt.date(2027, 1, 1))
    judgement = judged(_FAULT, [rule()], site(SERVER, PRINTER, old, new))
    assert [entry.waiver.id for entry in entries(judgement) if entry.waiver] == ["w2"]
    assert judgement.notices == ()
