"""The whole report in one object: counts, the exit code, and the reasons for it in words.

Knows the table of exit codes (0 compliant, 1 findings, 3 inconclusive); 2 is for input and usage errors, which
are noticed before anything is judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from analyser.compliance.judgement import Judgement
from analyser.compliance.severity import SEVERITY_ORDER, at_least
from analyser.model.finding import Severity, Summary, Verdict
from analyser.model.rule import Requirement

COMPLIANT: Final = 0
FOUND: Final = 1
INCONCLUSIVE: Final = 3

_MEANING: Final[dict[int, bool | None]] = {COMPLIANT: True, FOUND: False, INCONCLUSIVE: None}
_UNDECODED_LIMIT: Final = 0.05


def summarise(judgement: Judgement, *, fail_on: Severity, packets: int, undecoded: int, unread_files: int) -> Summary:
    """Return counts, exit code and reasons.

    ``fail_on`` is the lightest severity that makes the exit code 1. ``packets`` were read in all, ``undecoded``
    of them not understood (named link-layer traffic is not among these); ``unread_files`` are inputs from which
    no packet could be read.
    """
    weights = [entry.severity for entry in judgement.verdicts if entry.id not in judgement.uncounted]
    weights += [entry.severity for entry in judgement.unexpected]
    findings = [severity for severity in weights if severity is not Severity.OK and at_least(severity, fail_on)]
    doubts = _doubts(judgement, packets=packets, undecoded=undecoded, unread_files=unread_files)
    if findings:
        code = FOUND
        reasons = [_tell_findings(findings)]
    elif doubts:
        code, reasons = INCONCLUSIVE, doubts
    else:
        code, reasons = COMPLIANT, ["every finding is below the bar and required traffic was seen to work"]
    return Summary(
        compliant=_MEANING[code],
        verdicts=_count((entry.verdict for entry in judgement.verdicts), Verdict),
        severities=_count(
            [entry.severity for entry in judgement.verdicts] + [entry.severity for entry in judgement.unexpected],
            Severity,
        ),
        unexpected=len(judgement.unexpected),
        exit_code=code,
        reasons=(*reasons, *judgement.notices),
    )


def _doubts(judgement: Judgement, *, packets: int, undecoded: int, unread_files: int) -> list[str]:
    """Return why nothing can be concluded, or nothing where it can."""
    if packets - undecoded <= 0:
        return ["no packet of the captures could be decoded"]
    doubts = []
    proved = any(
        entry.verdict is Verdict.SATISFIED and entry.requirement == Requirement.MANDATORY
        for entry in judgement.verdicts
    )
    if not proved:
        doubts.append("nothing that the matrix requires was seen to work")
    if undecoded > _UNDECODED_LIMIT * packets:
        doubts.append(f"{undecoded} of {packets} packets could not be decoded")
    if unread_files:
        doubts.append(f"{unread_files} {'file' if unread_files == 1 else 'files'} gave no packet")
    return doubts


def _tell_findings(findings: Sequence[Severity]) -> str:
    counted = Counter(findings)
    parts = [
        f"{counted[severity]} {severity.value}{'' if counted[severity] == 1 else 's'}"
        for severity in SEVERITY_ORDER
        if counted[severity]
    ]
    return ", ".join(parts)


def _count(words: Iterable[str], vocabulary: Iterable[str]) -> dict[str, int]:
    """Return how often each word of ``vocabulary`` occurs, zeros included, in its order."""
    counted = Counter(str(word) for word in words)
    return {str(word): counted[str(word)] for word in vocabulary}
