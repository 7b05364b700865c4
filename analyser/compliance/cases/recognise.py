"""Which known case a finding looks like: an explanation beside it, which leaves state, cause, verdict and weight alone.

Knows cases and sheets of facts. Where several cases hold, the one written first is named; where the capture cannot show
what a case asks for, none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from analyser.compliance.cases.around import Around
from analyser.compliance.cases.note import Note
from analyser.compliance.cases.sheet import Sheet, addresses, evidence_of, sheets
from analyser.compliance.parties import Directory
from analyser.model.case import OF_FLOWS, Case, filled, holds
from analyser.model.finding import End, Evidence, KnownCase, Severity, UnexpectedEntry, VerdictEntry

Entry = TypeVar("Entry", VerdictEntry, UnexpectedEntry)


def name_cases(
    entries: Sequence[Entry], cases: Sequence[Case], directory: Directory, around: Around
) -> tuple[Entry, ...]:
    """Return the findings, those that weigh something with the case that they look like."""
    about: dict[str | None, list[Case]] = {}
    named: list[Entry] = []
    for entry in entries:
        rule = entry.rule and entry.rule.partition("/")[2]
        if rule not in about:
            about[rule] = [case for case in cases if case.may_be_about(rule)]
        chosen = about[rule] if entry.severity is not Severity.OK else ()
        named.append(_named(entry, chosen, directory, around) if chosen else entry)
    return tuple(named)


def addresses_of(entries: Sequence[VerdictEntry | UnexpectedEntry], directory: Directory) -> frozenset[str]:
    """Return all addresses of the ends of findings that weigh something."""
    ends = (end for entry in entries if entry.severity is not Severity.OK for end in (entry.initiator, entry.responder))
    return frozenset().union(*(addresses(end, directory) for end in ends))


def _named(entry: Entry, cases: Sequence[Case], directory: Directory, around: Around) -> Entry:
    made = sheets(entry, directory, around)
    for case in cases:
        for sheet in made:
            # what could not be looked at may be what speaks against it
            if holds(case, sheet) and not (case.asks & OF_FLOWS and sheet.is_blind):
                return replace(entry, case=_told(case, sheet, around))
    return entry


def _told(case: Case, sheet: Sheet, around: Around) -> KnownCase:
    notes = _notes(case, sheet)
    finding = sheet.finding
    words = {
        "initiator": _called(finding.initiator),
        "responder": _called(finding.responder),
        "port": f"{sheet.port.transport.upper()} {sheet.port.port}",
    }
    evidence: dict[Evidence, None] = dict.fromkeys((*sheet.port.evidence, *evidence_of(notes, around)))
    return KnownCase(
        id=case.id,
        title=filled(case.title, words),
        explanation=filled(case.explanation, words),
        shows=filled(case.shows, words),
        seen="; ".join(dict.fromkeys(note.text for note in notes if note.text)) or None,
        first_step=filled(case.first, words),
        alternatives=tuple(filled(text, words) for text in case.alternatives),
        confidence=case.confidence,
        evidence=tuple(evidence),
    )


def _notes(case: Case, sheet: Sheet) -> list[Note]:
    """Return what shows the words that the case asks for, under the conditions that all hold."""
    for conditions in case.when:
        found = [(sheet.note(fact), words) for fact, words in conditions]
        if all(not words.isdisjoint(known) for known, words in found):
            return [note for known, words in found for word, note in known.items() if word in words]
    return []


def _called(end: End | None) -> str:
    """Return how an end is called in a sentence about it."""
    if end is None or (end.name is None and end.address is None):
        return f"the {end.roles[0]}" if end is not None and end.roles else "the other end"
    return end.name or end.address or ""
