"""Alternatives across rules: rows that are several ways to one end form one any-of per subject.

Knows drafts and the ``one_of`` key of their rules; knows no flows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from analyser.compliance.drafts import Draft, Subject
from analyser.model.finding import FAILING_VERDICTS, Verdict
from analyser.model.rule import Requirement

_OPEN_QUESTIONS: Final = frozenset({Verdict.MISSING, Verdict.INCONCLUSIVE})


def weigh_alternatives(drafts: Sequence[Draft]) -> None:
    """Settle, in place, what rules of one ``one_of`` mean for one another. ``drafts`` in the order of the rules.

    For a subject with one way that works, untried ways are ``unused`` and failing ones weigh less. For one that
    tried and failed, untried ways are ``unused`` as well: the failure is the finding. For one that tried nothing,
    one ``missing`` stays, at the first mandatory rule.
    """
    families: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.rule.one_of is not None and draft.verdict is not Verdict.NOT_APPLICABLE:
            families[draft.rule.one_of].append(draft)
    for family in families.values():
        _weigh(family)


def _weigh(family: Sequence[Draft]) -> None:
    places: dict[Subject, list[int]] = defaultdict(list)
    for place, draft in enumerate(family):
        for subject in draft.subjects:
            places[subject].append(place)
    for draft in family:
        near = [family[place] for place in sorted({place for subject in draft.subjects for place in places[subject]})]
        # A row is no alternative to itself: where it fails for one pair and works for another, it fails.
        helpers = [other for other in near if other.rule.id != draft.rule.id]
        helped = _makes_up_for(draft, helpers)
        if draft.tried:
            # That something was sent and never needs an answer excuses no failure.
            excused = _makes_up_for(draft, (other for other in helpers if not other.rule.one_way))
            if excused and draft.verdict in FAILING_VERDICTS and not draft.carried:
                draft.lesser = True
        elif (helped and draft.verdict in _OPEN_QUESTIONS) or (
            draft.verdict is Verdict.MISSING and not _speaks_for(draft, near)
        ):
            draft.verdict = Verdict.UNUSED
            draft.why = "another of its alternatives is used" if helped else "its alternatives stand for it"


def _makes_up_for(draft: Draft, helpers: Iterable[Draft]) -> bool:
    """Tell whether ``helpers`` work for all subjects of ``draft``: for one of two peers alone is not enough."""
    return draft.subjects <= frozenset().union(*(other.helped for other in helpers))


def _speaks_for(draft: Draft, near: Iterable[Draft]) -> bool:
    """Tell whether an untried draft is the one that says ``missing`` for its subjects.

    ``near`` are the drafts of the same alternatives and subjects. The rule that was tried elsewhere by one of
    them speaks for itself; where nothing was tried, the first mandatory one speaks.
    """
    tried = {other.rule.id for other in near if other.tried}
    if tried:
        return draft.rule.id in tried
    mandatory = [other.rule.id for other in near if other.rule.requirement is Requirement.MANDATORY]
    return bool(mandatory) and draft.rule.id == mandatory[0]
