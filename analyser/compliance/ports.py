"""From the states of ports to the verdict of a rule, and from the ports of many clients to the port of their network.

Knows port findings and verdicts; no flows, no parties.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analyser.model.finding import REPORT_ORDER, PortFinding, PortState, Verdict
from analyser.model.rule import Requirement

MOST_PORTS: Final = 20
"""How many announced ports one verdict lists; the rest is counted."""

STATE_VERDICT: Final[dict[PortState, Verdict]] = {
    PortState.BLOCKED: Verdict.BLOCKED,
    PortState.REFUSED: Verdict.REFUSED,
    PortState.UNANSWERED: Verdict.UNANSWERED,
    PortState.FAILING: Verdict.FAILING,
    PortState.WRONG_PROTOCOL: Verdict.WRONG_PROTOCOL,
    PortState.INTERMITTENT: Verdict.INTERMITTENT,
    PortState.NOT_ATTEMPTED: Verdict.MISSING,
    PortState.PROBE_ONLY: Verdict.INCONCLUSIVE,
    PortState.ONE_SIDED: Verdict.INCONCLUSIVE,
    PortState.PENDING: Verdict.INCONCLUSIVE,
    PortState.NOT_OBSERVABLE: Verdict.INCONCLUSIVE,
    PortState.OPEN: Verdict.SATISFIED,
}
"""What the state of a port means for a mandatory rule that needs this port."""

FAILING_VERDICTS: Final = frozenset(
    {
        Verdict.BLOCKED,
        Verdict.REFUSED,
        Verdict.UNANSWERED,
        Verdict.FAILING,
        Verdict.WRONG_PROTOCOL,
        Verdict.INTERMITTENT,
    }
)
"""Verdicts that say: somebody tried, and it did not (always) work."""

_UNTRIED: Final = frozenset({PortState.NOT_ATTEMPTED, PortState.NOT_OBSERVABLE})
_RANK: Final = {verdict: rank for rank, verdict in enumerate(REPORT_ORDER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict of a rule over its ports. ``lesser``: satisfied, though an alternative fails."""

    verdict: Verdict
    lesser: bool = False


def severity_rank(finding: PortFinding) -> int:
    """Return the place of a port's state in the order of the report, the worst first."""
    return _RANK[STATE_VERDICT[finding.state]]


def was_tried(finding: PortFinding) -> bool:
    """Tell whether an attempt on this port reached the capture."""
    return finding.state not in _UNTRIED


def is_failing(finding: PortFinding) -> bool:
    """Tell whether attempts on this port did not (always) succeed."""
    return STATE_VERDICT[finding.state] in FAILING_VERDICTS


def decide(ports: Sequence[PortFinding], requirement: Requirement, *, every: bool) -> Decision:
    """Return what the states of a rule's ports mean for it.

    ``every``: each port is needed, so that the worst decides and an untried one beside open ones is missing.
    Otherwise the ports are alternatives: one that is open is enough, and untried ones do not count beside others.
    """
    tried = [finding for finding in ports if was_tried(finding)]
    is_open = any(finding.state is PortState.OPEN for finding in ports)
    if not every and is_open:
        return Decision(verdict=Verdict.SATISFIED, lesser=any(is_failing(finding) for finding in tried))
    counted = ports if every or not tried else tried
    needed = requirement is Requirement.MANDATORY or is_open
    return Decision(verdict=min((_meaning(finding, needed=needed) for finding in counted), key=_RANK.__getitem__))


def _meaning(finding: PortFinding, *, needed: bool) -> Verdict:
    if finding.state is PortState.NOT_ATTEMPTED and not needed:
        return Verdict.UNUSED
    return STATE_VERDICT[finding.state]


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict that comes first in the report, or None of none."""
    return min(verdicts, key=_RANK.__getitem__, default=None)


def merge_clients(findings: Iterable[PortFinding]) -> PortFinding:
    """Return one port of a network from the same port of its clients: open if any is, else the worst.

    The chosen client lends its evidence; attempts and answers are those of all.
    """
    several = list(findings)
    chosen = min(several, key=lambda finding: (finding.state is not PortState.OPEN, severity_rank(finding)))
    if len(several) == 1:
        return chosen
    firsts = [finding.first for finding in several if finding.first is not None]
    lasts = [finding.last for finding in several if finding.last is not None]
    return replace(
        chosen,
        attempts=sum(finding.attempts for finding in several),
        answered=sum(finding.answered for finding in several),
        first=min(firsts, default=None),
        last=max(lasts, default=None),
    )


def worst_first(ports: Iterable[PortFinding]) -> tuple[tuple[PortFinding, ...], int]:
    """Return announced ports with the worst first, at most ``MOST_PORTS``, and how many were left out."""
    ordered = sorted(ports, key=lambda finding: (severity_rank(finding), finding.port or 0))
    return tuple(ordered[:MOST_PORTS]), max(0, len(ordered) - MOST_PORTS)
