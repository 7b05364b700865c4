"""How much a finding weighs: two tables, read by verdict and by the state of an unexpected flow.

Knows no flows, no rules and no site; whether a finding is waived is decided elsewhere.
"""

from __future__ import annotations

from typing import Final

from analyser.model.finding import PortState, Severity, Verdict
from analyser.model.rule import Requirement

VERDICT_SEVERITY: Final[dict[Verdict, tuple[Severity, Severity]]] = {
    Verdict.BLOCKED: (Severity.VIOLATION, Severity.WARNING),
    Verdict.REFUSED: (Severity.VIOLATION, Severity.WARNING),
    Verdict.UNANSWERED: (Severity.VIOLATION, Severity.WARNING),
    Verdict.FAILING: (Severity.VIOLATION, Severity.WARNING),
    Verdict.WRONG_PROTOCOL: (Severity.VIOLATION, Severity.WARNING),
    Verdict.INTERMITTENT: (Severity.WARNING, Severity.NOTICE),
    Verdict.MISSING: (Severity.WARNING, Severity.NOTICE),
    Verdict.INCONCLUSIVE: (Severity.NOTICE, Severity.NOTICE),
    Verdict.SATISFIED: (Severity.OK, Severity.OK),
    Verdict.UNUSED: (Severity.OK, Severity.OK),
    Verdict.NOT_APPLICABLE: (Severity.OK, Severity.OK),
}
"""Severity of a verdict: of a mandatory rule, and of any other."""

UNEXPECTED_SEVERITY: Final[dict[PortState, Severity]] = {
    PortState.OPEN: Severity.VIOLATION,
    PortState.FAILING: Severity.VIOLATION,
    PortState.WRONG_PROTOCOL: Severity.VIOLATION,
    PortState.INTERMITTENT: Severity.VIOLATION,
    PortState.PROBE_ONLY: Severity.VIOLATION,
    PortState.REFUSED: Severity.WARNING,
    PortState.BLOCKED: Severity.NOTICE,
    PortState.UNANSWERED: Severity.NOTICE,
    PortState.ONE_SIDED: Severity.NOTICE,
    PortState.PENDING: Severity.NOTICE,
    PortState.NOT_ATTEMPTED: Severity.NOTICE,
    PortState.NOT_OBSERVABLE: Severity.NOTICE,
}
"""Severity of an unexpected flow: reached its goal, was turned away by the goal itself, or was stopped before it."""

SEVERITY_ORDER: Final[tuple[Severity, ...]] = tuple(Severity)
"""The heaviest first."""


def rate_verdict(verdict: Verdict, requirement: Requirement, *, lesser: bool = False) -> Severity:
    """Return the severity of ``verdict`` for a rule of ``requirement``.

    ``lesser``: an alternative fails beside one that works, which is worth a notice and no more.
    """
    if lesser:
        return Severity.NOTICE
    mandatory, other = VERDICT_SEVERITY[verdict]
    return mandatory if requirement is Requirement.MANDATORY else other


def rate_unexpected(state: PortState, *, lenient: bool) -> Severity:
    """Return the severity of a flow that no rule explains.

    ``lenient``: possibly a translated address, or a workstation that leaves the site; a notice either way.
    """
    return Severity.NOTICE if lenient else UNEXPECTED_SEVERITY[state]


def at_least(severity: Severity, bar: Severity) -> bool:
    """Tell whether ``severity`` is as heavy as ``bar`` or heavier."""
    return SEVERITY_ORDER.index(severity) <= SEVERITY_ORDER.index(bar)
