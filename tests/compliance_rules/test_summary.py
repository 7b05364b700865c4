"""The exit codes and their order, and what the summary counts."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.compliance.summary import summarise
from analyser.model.finding import Severity, Summary
from analyser.model.rule import Requirement, Scope
from tests.compliance_ports.made import opened, unanswered
from tests.compliance_rules.little import MFD, OUTSIDE, A, B, host, judged, rule, site

_WORKS = opened(orig=A, resp=MFD)
_BLOCKED = [unanswered(orig=A, resp=MFD), opened(orig=MFD, resp=A, port=5022)]


def _summary(flows: list[dict[str, Any]], **facts: Any) -> Summary:
    reading = {"fail_on": Severity.VIOLATION, "packets": 100, "undecoded": 0, "unread_files": 0}
    return summarise(judged(flows, [rule()]), **{**reading, **facts})


def test_required_traffic_that_works_is_compliant() -> None:
    """Exit 0, and the word is true."""
    summary = _summary([_WORKS])
    assert (summary.exit_code, summary.compliant) == (0, True)
    assert summary.verdicts["satisfied"] == 1
    assert summary.reasons


def test_a_violation_is_not_compliant() -> None:
    """Exit 1, and the reason counts what was found."""
    summary = _summary(_BLOCKED)
    assert (summary.exit_code, summary.compliant) == (1, False)
    assert summary.reasons[0].startswith("1 violation") or summary.reasons[0].startswith("2 violations")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({}, 0),
        ({"packets": 0}, 3),
        ({"packets": 100, "undecoded": 100}, 3),
        ({"packets": 100, "undecoded": 5}, 0),
        ({"packets": 100, "undecoded": 6}, 3),
        ({"unread_files": 1}, 3),
    ],
)
def test_what_could_not_be_read_makes_a_good_result_inconclusive(facts: dict[str, int], code: int) -> None:
    """Nothing decoded, more than five per cent undecoded, a file without packets: exit 3, never 0."""
    summary = _summary([_WORKS], **facts)
    assert summary.exit_code == code
    assert summary.compliant is (None if code == 3 else True)


def test_a_violation_goes_before_doubts() -> None:
    """Exit 1 holds first, even where much of the capture could not be decoded."""
    assert _summary(_BLOCKED, undecoded=50, unread_files=1).exit_code == 1


def test_nothing_required_seen_to_work_is_inconclusive() -> None:
    """Traffic that has nothing to do with the site gives exit 3, never 0."""
    assert _summary([opened(orig=OUTSIDE, resp="203.0.113.201")]).exit_code == 3


def test_an_optional_rule_that_works_proves_nothing_required() -> None:
    """Only mandatory expectations count as shown to work."""
    optional = judged([_WORKS], [rule(requirement=Requirement.OPTIONAL)])
    summary = summarise(optional, fail_on=Severity.VIOLATION, packets=9, undecoded=0, unread_files=0)
    assert summary.exit_code == 3


def test_the_bar_can_be_lowered() -> None:
    """A missing rule is a warning: exit 0 normally, exit 1 with the bar at warning."""
    flows, rules = [_WORKS], [rule(), rule("other", ports=(80,))]
    judgement = judged(flows, rules)
    codes = [
        summarise(judgement, fail_on=bar, packets=9, undecoded=0, unread_files=0).exit_code
        for bar in (Severity.VIOLATION, Severity.WARNING)
    ]
    assert codes == [0, 1]


def test_loopback_that_no_wire_shows_does_not_count() -> None:
    """With the bar at notice, the notices about invisible loopback still do not make the site fail."""
    local = rule(
        "local", initiator="terminal-server", responder="terminal-server", scope=Scope.LOCALHOST, ports=(5557,)
    )
    place = site(host("server", A, "terminal-server"), host("printer", MFD, "mfd"))
    summary = summarise(
        judged([_WORKS], [rule(), local], place), fail_on=Severity.NOTICE, packets=9, undecoded=0, unread_files=0
    )
    assert summary.verdicts["inconclusive"] == 1
    assert summary.exit_code == 0


def test_every_word_is_counted_even_if_zero() -> None:
    """The summary lists all verdicts and severities, so that readers need not guess what a missing key means."""
    summary = _summary([_WORKS, opened(orig=B, resp=MFD)])
    assert list(summary.severities) == ["violation", "warning", "notice", "ok"]
    assert len(summary.verdicts) == 11
    assert summary.unexpected == 1
    assert sum(summary.verdicts.values()) + summary.unexpected == sum(summary.severities.values())
