"""Drafts become verdict entries: weighed, worded, named, and covered by waivers.

Knows drafts, severities and waivers; draws no conclusions of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyser.compliance.drafts import Draft
from analyser.compliance.identity import Ids
from analyser.compliance.sentences import add_expired, advise, failing_ports, tell_verdict
from analyser.compliance.severity import rate_verdict
from analyser.compliance.waivers import Waivers
from analyser.model.finding import REPORT_ORDER, Severity, Verdict, VerdictEntry

_RANK: Final = {verdict: rank for rank, verdict in enumerate(REPORT_ORDER)}


def make_entries(
    drafts: Sequence[Draft], waivers: Waivers, ids: Ids
) -> tuple[tuple[VerdictEntry, ...], frozenset[str]]:
    """Return the entries in report order (drafts come in the order of the rules), and the ids of those uncounted."""
    made = [(draft, _entry(draft, waivers, ids)) for draft in drafts]
    made.sort(key=lambda pair: _RANK[pair[1].verdict])
    return tuple(entry for _, entry in made), frozenset(entry.id for draft, entry in made if draft.uncounted)


def _entry(draft: Draft, waivers: Waivers, ids: Ids) -> VerdictEntry:
    concerned = failing_ports(draft)
    severity = (
        Severity.OK if draft.carried else rate_verdict(draft.verdict, draft.rule.requirement, lesser=draft.lesser)
    )
    sentence, waiver = tell_verdict(draft), None
    if severity is not Severity.OK:
        covered = waivers.cover(
            (draft.rule.id,),
            initiator=draft.initiator.names,
            responder=draft.responder.names,
            ports=(finding.port for finding in concerned),
        )
        waiver = covered.note
        severity = Severity.OK if waiver is not None else severity
        sentence = add_expired(sentence, covered.expired if waiver is None else ())
    return VerdictEntry(
        id=ids.give(draft.rule.id, draft.initiator.key, draft.responder.key, draft.family),
        rule=draft.rule.id,
        section=draft.rule.section,
        requirement=draft.rule.requirement,
        verdict=draft.verdict,
        severity=severity,
        sentence=sentence,
        remedy=advise(draft),
        initiator=draft.initiator.end,
        responder=draft.responder.end,
        more_ports=draft.more_ports,
        ports=() if draft.verdict is Verdict.NOT_APPLICABLE else draft.ports,
        waiver=waiver,
    )
