"""Reports against the truth that each case declares by hand, and against the digests of yesterday."""

from __future__ import annotations

import dataclasses

from analyser.model.finding import Cause, PortState, UnexpectedReason, Verdict
from samples.expect import Expect, Found, Odd
from samples.renew import Case, canonical, digest
from tests.samples.running import CASES, every_case, judged, told


@every_case
def test_a_report_says_what_the_story_declares(case: Case) -> None:
    """Verdicts, causes, severities, unexpected flows and exit code are those written down before any run."""
    assert told(case).expect.disagreements(judged(case)) == []


@every_case
def test_a_report_has_not_changed_unnoticed(case: Case) -> None:
    """The digest of the whole report equals the stored one; `python -m samples.renew` renews it."""
    assert canonical(digest(judged(case))) == case.golden.read_text(encoding="utf-8")


def test_a_false_truth_is_noticed() -> None:
    """A declaration that differs in exit code, verdict or unexpected flow gives a disagreement for each."""
    case = next(case for case in CASES if case.name == "dropped")
    expect = told(case).expect
    (pair,) = expect.findings
    false = dataclasses.replace(
        expect,
        exit=0,
        findings={pair: Found("refused", "violation")},
        unexpected=(Odd("outside-site", "192.0.2.9", None, None, "open"),),
    )
    assert isinstance(false, Expect)
    assert len(false.disagreements(judged(case))) == 3


def test_findings_of_one_report_have_ids_of_their_own() -> None:
    """No two findings of any report share an id."""
    for case in CASES:
        ids = [verdict.id for verdict in judged(case).verdicts] + [odd.id for odd in judged(case).unexpected]
        assert len(ids) == len(set(ids)), case.name


def test_every_word_of_a_report_has_a_story() -> None:
    """Each port state, cause, verdict and reason of an unexpected flow occurs in the report of some case."""
    verdicts = [verdict for case in CASES for verdict in judged(case).verdicts]
    ports = [port for verdict in verdicts for port in verdict.ports]
    odd = [entry for case in CASES for entry in judged(case).unexpected]
    assert {verdict.verdict for verdict in verdicts} == set(Verdict)
    assert {port.state for port in ports} == set(PortState)
    assert {port.cause for port in ports} - {None} == set(Cause)
    assert {entry.reason for entry in odd} == set(UnexpectedReason)
