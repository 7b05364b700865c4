"""The findings of a report with the frames that each of them names, and what to say about each frame.

Knows the report document; opening captures belongs to others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from analyser.model.finding import (
    Evidence,
    PortFinding,
    PortState,
    ReportDocument,
    Severity,
    UnexpectedEntry,
    VerdictEntry,
)
from analyser.report.phrases import port_name

Finding = VerdictEntry | UnexpectedEntry

_WEIGHTS: Final = tuple(Severity)


@dataclass(frozen=True, slots=True)
class NamedFrame:
    """A frame that a finding names: path of the capture, number from 1, what it shows, and whether that is a fault."""

    capture: str
    number: int
    words: str
    fault: bool


def findings(document: ReportDocument) -> list[Finding]:
    """Return all findings of a report, the heaviest first; among equals their order in the report stays."""
    every: list[Finding] = [*document.verdicts, *document.unexpected]
    return sorted(every, key=lambda finding: _WEIGHTS.index(finding.severity))


def with_id(document: ReportDocument, id_: str) -> list[Finding]:
    """Return the findings whose id is, or begins with, ``id_``; the whole id comes first."""
    wanted = id_.lower()
    exact = [finding for finding in findings(document) if finding.id == wanted]
    return exact or [finding for finding in findings(document) if wanted and finding.id.startswith(wanted)]


def evidence_of(finding: Finding) -> list[tuple[str, bool, Evidence]]:
    """Return what a finding can be proved by: words for the port or flow that it shows, whether that is a fault, and proof."""
    if isinstance(finding, UnexpectedEntry):
        words = _state(finding.transport, finding.port, finding.state.value, finding.cause)
        own = [(f"unexpected {finding.reason.value}: {words}", True, proof) for proof in finding.evidence]
    else:
        own = [
            (
                _state(port.transport, port.port, port.state.value, port.cause) + _by(port),
                port.state is not PortState.OPEN,
                proof,
            )
            for port in finding.ports
            for proof in port.evidence
        ]
    if finding.case is None:
        return own
    shown = {proof for _, _, proof in own}
    told = f"known case: {finding.case.title}"
    return [*own, *((told, False, proof) for proof in finding.case.evidence if proof not in shown)]


def frames_of(finding: Finding) -> list[NamedFrame]:
    """Return the frames that a finding names, each once, in the order of captures and frames."""
    told: dict[tuple[str, int], dict[str, bool]] = {}
    for words, fault, proof in evidence_of(finding):
        for number in proof.frames:
            told.setdefault((proof.capture, number), {})[words] = fault
    captures = {capture: place for place, capture in enumerate(dict.fromkeys(capture for capture, _ in told))}
    ordered = sorted(told, key=lambda place: (captures[place[0]], place[1]))
    return [NamedFrame(*place, "; ".join(told[place]), any(told[place].values())) for place in ordered]


def captures_of(chosen: Iterable[Finding]) -> dict[str, set[int]]:
    """Return the frames that findings name, by the path of their capture."""
    wanted: dict[str, set[int]] = {}
    for finding in chosen:
        for frame in frames_of(finding):
            wanted.setdefault(frame.capture, set()).add(frame.number)
    return wanted


def subject(finding: Finding) -> str:
    """Return what a finding is about in one line: its id, and rule or reason."""
    if isinstance(finding, UnexpectedEntry):
        return f"{finding.id} unexpected {finding.reason.value}"
    return f"{finding.id} {finding.verdict.value} {finding.rule}"


def comments(finding: Finding, frames: Sequence[NamedFrame]) -> list[str]:
    """Return a comment per frame; the first also has the finding's sentence."""
    about = [f"{subject(finding)}: {frame.words} (frame {frame.number} of {frame.capture})" for frame in frames]
    return [f"{words}. {finding.sentence}" if index == 0 else words for index, words in enumerate(about)]


def _state(transport: str, port: int | None, state: str, cause: str | None) -> str:
    return f"{port_name(transport, port)} {state}" + (f", {cause}" if cause else "")


def _by(port: PortFinding) -> str:
    return f", by {port.by}" if port.by else ""
