"""Every sample told and judged once for the whole test run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from analyser import pipeline
from analyser.model.finding import Evidence, PortFinding, ReportDocument
from samples.expect import Expect
from samples.renew import Case, cases

CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@dataclass(frozen=True, slots=True)
class Told:
    """A story as it was rendered now, where its capture lies, and what it declares."""

    data: bytes
    path: Path
    expect: Expect


@cache
def told(case: Case) -> Told:
    """Tell a story."""
    story, expect = case.told()
    return Told(story.render(), case.capture(story), expect)


@cache
def judged(case: Case) -> ReportDocument:
    """Run the main job on a sample."""
    sample = told(case)
    return pipeline.check([str(sample.path)], site=case.site, at=sample.expect.at).document


@dataclass(frozen=True, slots=True)
class Claim:
    """A port finding of a report, between which addresses, and one piece of its evidence."""

    case: Case
    finding: PortFinding
    initiator: str | None
    responder: str | None
    evidence: Evidence


def claims(case: Case) -> list[Claim]:
    """Return everything that a report of a case claims with frames."""
    found: list[Claim] = []
    for entry in judged(case).verdicts:
        one = entry.initiator.address if entry.initiator else None
        other = entry.responder.address if entry.responder else None
        found += [Claim(case, port, one, other, piece) for port in entry.ports for piece in port.evidence]
    return found
