"""From the states of ports to the verdict of a rule, and from the ports of many clients to the port of their network.

Knows port findings and verdicts; no flows, no parties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple, Protocol

from analyser.model.finding import FAILING_VERDICTS, REPORT_ORDER, PortFinding, PortState, Verdict
from analyser.model.rule import Requirement
from analyser.model.times import iso_time

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

_UNTRIED: Final = frozenset({PortState.NOT_ATTEMPTED, PortState.NOT_OBSERVABLE})
_RANK: Final = {verdict: rank for rank, verdict in enumerate(REPORT_ORDER)}


class Stated(Protocol):
    """What has the state of one port: a finding, or its outline."""

    @property
    def state(self) -> PortState:
        """The state of the port."""
        ...

    @property
    def port(self) -> int | None:
        """Its number, where the transport has ports."""
        ...


Words = Callable[[PortFinding], PortFinding]
"""What puts a finding into other words; its state stays as it is."""


class Outline(NamedTuple):
    """What of a port's finding decides about others; its words and evidence are found when somebody will read them.

    Of a network with thousands of clients most findings only count. ``first`` and ``last`` in ns; ``tell`` gives the finding.
    """

    port: int | None
    state: PortState
    attempts: int
    answered: int
    first: int | None
    last: int | None
    tell: Callable[[], PortFinding]

    @classmethod
    def of(cls, finding: PortFinding) -> Outline:
        """Return the outline of a finding of which no attempt is known."""
        return cls(
            port=finding.port, state=finding.state, attempts=0, answered=0, first=None, last=None, tell=lambda: finding
        )

    def told_as(self, words: Words) -> Outline:
        """Return the same outline, whose finding passes through ``words``."""
        port, state, attempts, answered, first, last, tell = self
        return Outline(port, state, attempts, answered, first, last, lambda: words(tell()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict of a rule over its ports. ``lesser``: satisfied, though an alternative fails."""

    verdict: Verdict
    lesser: bool = False


def severity_rank(finding: Stated) -> int:
    """Return the place of a port's state in the order of the report, the worst first."""
    return _RANK[STATE_VERDICT[finding.state]]


def was_tried(finding: Stated) -> bool:
    """Tell whether an attempt on this port reached the capture."""
    return finding.state not in _UNTRIED


def is_failing(finding: Stated) -> bool:
    """Tell whether attempts on this port did not (always) succeed."""
    return STATE_VERDICT[finding.state] in FAILING_VERDICTS


def decide(ports: Sequence[Stated], requirement: Requirement, *, every: bool) -> Decision:
    """Return what the states of a rule's ports mean for it.

    ``every``: each port is needed, so that the worst decides and an untried one beside open ones is missing.
    Otherwise the ports are alternatives: one that is open is enough, and untried ones do not count beside others.
    """
    return _decision(frozenset(finding.state for finding in ports), requirement, every=every)


@cache
def _decision(states: frozenset[PortState], requirement: Requirement, *, every: bool) -> Decision:
    is_open = PortState.OPEN in states
    tried = states - _UNTRIED
    if not every and is_open:
        return Decision(
            verdict=Verdict.SATISFIED, lesser=any(STATE_VERDICT[state] in FAILING_VERDICTS for state in tried)
        )
    counted = states if every or not tried else tried
    needed = requirement is Requirement.MANDATORY or is_open
    return Decision(verdict=min((_meaning(state, needed=needed) for state in counted), key=_RANK.__getitem__))


def _meaning(state: PortState, *, needed: bool) -> Verdict:
    if state is PortState.NOT_ATTEMPTED and not needed:
        return Verdict.UNUSED
    return STATE_VERDICT[state]


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict that comes first in the report, or None of none."""
    return min(verdicts, key=_RANK.__getitem__, default=None)


def best_client(findings: Sequence[Outline]) -> Outline:
    """Return the port of the client that fares best: open if it is for any, else the worst."""
    opened = next((finding for finding in findings if finding.state is PortState.OPEN), None)
    return opened or min(findings, key=severity_rank)


def merge_clients(findings: Sequence[Outline]) -> Outline:
    """Return one port of a network from the same port of its clients, as ``best_client``.

    The chosen client lends its evidence; attempts and answers are those of all.
    """
    chosen = best_client(findings)
    if len(findings) == 1:
        return chosen
    attempts = sum(finding.attempts for finding in findings)
    answered = sum(finding.answered for finding in findings)
    first = min((finding.first for finding in findings if finding.first is not None), default=None)
    last = max((finding.last for finding in findings if finding.last is not None), default=None)
    merged = chosen._replace(attempts=attempts, answered=answered, first=first, last=last)
    return merged.told_as(
        lambda finding: replace(
            finding, attempts=attempts, answered=answered, first=iso_time(first), last=iso_time(last)
        )
    )


def worst_first(ports: Iterable[Outline]) -> tuple[tuple[Outline, ...], int]:
    """Return announced ports with the worst first, at most ``MOST_PORTS``, and how many were left out."""
    ordered = sorted(ports, key=lambda finding: (severity_rank(finding), finding.port or 0))
    return tuple(ordered[:MOST_PORTS]), max(0, len(ordered) - MOST_PORTS)
