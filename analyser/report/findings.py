"""The findings on the page of text: verdicts table by table, then what nobody ordered, each with its proof.

Knows the entries of a report; what is shown and what is folded is decided here, in one place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from analyser.model.finding import (
    Confidence,
    Evidence,
    PortFinding,
    PortState,
    ReportDocument,
    Severity,
    UnexpectedEntry,
    Verdict,
    VerdictEntry,
)
from analyser.report import phrases
from analyser.report.page import Page
from analyser.report.phrases import count, end_name, finding_mark, listed, port_name, state_mark

MOST_ALIKE: Final = 5
"""Entries shown of one rule with one verdict, or of one reason, unless everything is asked for."""

FOLDED: Final = (Verdict.SATISFIED, Verdict.UNUSED, Verdict.NOT_APPLICABLE)
"""Verdicts that are only counted as long as they weigh nothing."""


def verdict_sections(page: Page, document: ReportDocument, everything: bool) -> None:
    """Add the verdicts under the tables of the vendor's page, each table in the order of the report."""
    shown = [entry for entry in document.verdicts if everything or is_told(entry)]
    by_section: dict[str, list[VerdictEntry]] = {}
    for entry in shown:
        by_section.setdefault(entry.section, []).append(entry)
    for section in sorted(by_section, key=lambda name: _urgency(name, by_section[name])):
        page.line((phrases.SECTIONS.get(section) or section, "bold"))
        _entries(page, by_section[section], everything)
        page.blank()


def _urgency(section: str, entries: Sequence[VerdictEntry]) -> tuple[int, int]:
    """Sort tables by their heaviest finding, then as the vendor's page does."""
    heaviest = min(list(Severity).index(entry.severity) for entry in entries)
    pages = list(phrases.SECTIONS)
    return heaviest, pages.index(section) if section in pages else len(pages)


def is_told(entry: VerdictEntry) -> bool:
    """Tell what weighs something, and what works with a flaw; the rest is only counted."""
    return entry.verdict not in FOLDED or entry.severity is not Severity.OK


def _entries(page: Page, entries: Sequence[VerdictEntry], everything: bool) -> None:
    seen: Counter[tuple[str, Verdict]] = Counter()
    for entry in entries:
        alike = (entry.rule, entry.verdict)
        seen[alike] += 1
        if everything or seen[alike] <= MOST_ALIKE:
            _verdict(page, entry, everything)
    for (rule, verdict), number in seen.items():
        if not everything and number > MOST_ALIKE:
            page.line(f"   … and {number - MOST_ALIKE:,} more {verdict} of {_short(rule)} (-v)")


def _verdict(page: Page, entry: VerdictEntry, everything: bool) -> None:
    mark = finding_mark(entry)
    ends = f"{end_name(entry.initiator)} → {end_name(entry.responder)}"
    page.line(
        " ",
        (mark, phrases.STYLES[mark]),
        " ",
        (entry.verdict.value, phrases.STYLES[mark]),
        f"  {_short(entry.rule)}",
        (f"  {ends}" if entry.initiator or entry.responder else "", "bold"),
        (f"  [{entry.id}]", "dim"),
    )
    page.prose(entry.sentence, first="     ")
    if _weighs(entry) or everything:
        _ports(page, entry.ports, entry.more_ports)
        closed = [port for port in entry.ports if port.state is not PortState.OPEN]
        _filter(page, [item for port in closed or entry.ports for item in port.evidence])
        if entry.remedy and _weighs(entry):
            page.prose(entry.remedy, first="     → ")
    if entry.waiver:
        until = f" until {entry.waiver.expires}" if entry.waiver.expires else ""
        owner = f", {entry.waiver.owner}" if entry.waiver.owner else ""
        page.prose(f"waived{until}: {entry.waiver.reason}{owner}", first="     ", style="dim")


def _weighs(entry: VerdictEntry) -> bool:
    return entry.verdict is not Verdict.INCONCLUSIVE and entry.severity is not Severity.OK


def _short(rule: str) -> str:
    """Return the last part of a rule's id: the heading already names its table."""
    return rule.rpartition("/")[2]


def _ports(page: Page, ports: Iterable[PortFinding], more: int) -> None:
    """Add one line a port; open ports share a line, since there is nothing to do about them."""
    open_ports = []
    for port in ports:
        if port.state is PortState.OPEN and not port.detail:
            open_ports.append(port_name(port.transport, port.port))
            continue
        mark = state_mark(port.state)
        why = f", {port.cause.value.replace('-', ' ')}" if port.cause else ""
        by = f" by {port.by}" if port.by else ""
        page.prose(
            f"{mark} {port_name(port.transport, port.port):<10} {port.state}{why}{by}{_because(port)}",
            first="     ",
            rest=" " * 18,
            style=phrases.STYLES[mark],
        )
    if open_ports:
        page.prose(f"{phrases.TICK} {listed(open_ports, 20)} open", first="     ", style=phrases.STYLES[phrases.TICK])
    if more:
        page.line(f"       and {count(more, 'more port')}")


def _because(port: PortFinding) -> str:
    parts = [port.detail] if port.detail else []
    if port.other_explanation:
        parts.append(f"or: {port.other_explanation}")
    if port.confidence in (Confidence.MEDIUM, Confidence.LOW):
        parts.append(f"{port.confidence} confidence")
    if found := phrases.frames(port.evidence):
        parts.append(found)
    return "; ".join(["", *parts]) if parts else ""


def _filter(page: Page, evidence: Sequence[Evidence]) -> None:
    if evidence:
        # On a line of its own and never wrapped: it is there to be copied.
        page.line((f"     Wireshark: {evidence[0].filter}", "dim"))


# -- what nobody ordered ---------------------------------------------------------------------------------------------


def unexpected_section(page: Page, document: ReportDocument, everything: bool) -> None:
    """Add the flows that no rule explains."""
    shown = [entry for entry in document.unexpected if everything or entry.severity is not Severity.OK]
    if not shown:
        return
    page.line(("Unexpected", "bold"))
    seen: Counter[tuple[str, Severity]] = Counter()
    for entry in shown:
        alike = (entry.reason.value, entry.severity)
        seen[alike] += 1
        if everything or seen[alike] <= MOST_ALIKE:
            _unexpected_entry(page, entry)
    for (reason, severity), number in seen.items():
        if not everything and number > MOST_ALIKE:
            page.line(f"   … and {number - MOST_ALIKE:,} more {reason}, {severity} (-v)")
    page.blank()


def _unexpected_entry(page: Page, entry: UnexpectedEntry) -> None:
    mark = finding_mark(entry)
    target = f"{end_name(entry.responder)} {port_name(entry.transport, entry.port)}"
    page.line(
        " ",
        (mark, phrases.STYLES[mark]),
        " ",
        (entry.reason.value, phrases.STYLES[mark]),
        (f"  {end_name(entry.initiator)} → {target}", "bold"),
        (f"  [{entry.id}]", "dim"),
    )
    page.prose(entry.sentence, first="     ")
    cause = f", {entry.cause.value.replace('-', ' ')}" if entry.cause else ""
    service = f", {entry.service}" if entry.service else ""
    facts = f"{entry.state}{cause}{service}, {count(entry.flows, 'flow')}, {phrases.size(entry.bytes)}"
    found = phrases.frames(entry.evidence)
    page.prose(facts + (f", {found}" if found else ""), first="     ", style="dim")
    _filter(page, entry.evidence)
    if entry.waiver:
        page.prose(f"waived: {entry.waiver.reason}", first="     ", style="dim")
