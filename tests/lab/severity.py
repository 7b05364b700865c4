"""What verdicts weigh, and how a run over cases ends when every answer is right (verdicts.md 6 and 8).

Knows the words of the contract and the truth of cases; nothing of the analyser takes part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.lab.cases import Case
from tests.lab.conditions import View
from tests.lab.matrix import requirements

VERDICTS: Final = {
    "open": "satisfied", "not-attempted": "missing", "one-sided": "inconclusive", "pending": "inconclusive",
    "probe-only": "inconclusive", "not-observable": "inconclusive",
}  # fmt: skip
"""What a state means for a rule, where the two words differ (verdicts.md 6)."""
_BAD: Final = {"blocked", "refused", "unanswered", "failing", "wrong-protocol"}


def severity(requirement: str, verdict: str) -> str:
    """verdicts.md 8."""
    mandatory = requirement == "mandatory"
    if verdict in _BAD:
        return "violation" if mandatory else "warning"
    if verdict in ("intermittent", "missing"):
        return "warning" if mandatory else "notice"
    return "notice" if verdict == "inconclusive" else "ok"


def exit_code(made: Sequence[Case], view: View) -> int:
    """Return the exit code of a run over some cases of one rule (verdicts.md 8), when every answer is right."""
    verdicts = [VERDICTS.get(told.state, told.state) for case in made for told in case.told(view)[:1]]
    found = [severity(made[0].row.requirement, verdict) for verdict in verdicts]
    required = requirements()
    found += [
        severity(required[other.rule], VERDICTS.get(other.told.state, other.told.state))
        for case in made
        for other in case.condition.others
        if other.seen_at(view)
    ]
    if "violation" in found:
        return 1
    return 0 if made[0].row.requirement == "mandatory" and "satisfied" in verdicts else 3
