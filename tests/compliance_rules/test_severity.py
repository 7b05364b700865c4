"""The two severity tables, row by row, written down a second time by hand."""

from __future__ import annotations

import pytest

from analyser.compliance.severity import at_least, rate_unexpected, rate_verdict
from analyser.model.finding import PortState, Severity, Verdict
from analyser.model.rule import Requirement

_TABLE = """
blocked         violation warning
refused         violation warning
unanswered      violation warning
failing         violation warning
wrong-protocol  violation warning
intermittent    warning   notice
missing         warning   notice
inconclusive    notice    notice
satisfied       ok        ok
unused          ok        ok
not-applicable  ok        ok
"""
_UNEXPECTED = """
open            violation
failing         violation
wrong-protocol  violation
intermittent    violation
probe-only      violation
refused         warning
blocked         notice
unanswered      notice
one-sided       notice
pending         notice
not-attempted   notice
not-observable  notice
"""


@pytest.mark.parametrize("row", _TABLE.split("\n")[1:-1])
def test_a_verdict_weighs_what_its_row_says(row: str) -> None:
    """Mandatory rules weigh by the first column, all others (recommended ones too) by the second."""
    verdict, mandatory, other = row.split()
    assert rate_verdict(Verdict(verdict), Requirement.MANDATORY) == mandatory
    assert rate_verdict(Verdict(verdict), Requirement.OPTIONAL) == other
    assert rate_verdict(Verdict(verdict), Requirement.RECOMMENDED) == other


def test_the_tables_leave_nothing_out() -> None:
    """Every verdict and every port state has its row."""
    assert [row.split()[0] for row in _TABLE.split("\n")[1:-1]] == list(Verdict)
    assert {row.split()[0] for row in _UNEXPECTED.split("\n")[1:-1]} == set(PortState)


@pytest.mark.parametrize("requirement", [Requirement.MANDATORY, Requirement.OPTIONAL])
def test_a_failing_alternative_beside_one_that_works_is_a_notice(requirement: Requirement) -> None:
    """What works decides, what fails beside it is only mentioned."""
    assert rate_verdict(Verdict.SATISFIED, requirement, lesser=True) is Severity.NOTICE


@pytest.mark.parametrize("row", _UNEXPECTED.split("\n")[1:-1])
def test_an_unexpected_flow_weighs_by_how_far_it_came(row: str) -> None:
    """Reached, refused by the goal itself, or stopped before it; a notice at most where it is excused."""
    state, severity = row.split()
    assert rate_unexpected(PortState(state), lenient=False) == severity
    assert rate_unexpected(PortState(state), lenient=True) is Severity.NOTICE


def test_the_bar_is_included() -> None:
    """A warning reaches the bar "warning", a notice does not."""
    assert at_least(Severity.WARNING, Severity.WARNING)
    assert at_least(Severity.VIOLATION, Severity.WARNING)
    assert not at_least(Severity.NOTICE, Severity.WARNING)
