"""The verdicts on the page of text: table by table, each with its reason, its proof and what to do.

Knows the verdicts of a report; what is told, what is gathered and what is only counted is decided here.
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
    Severity,
    UnexpectedEntry,
    Verdict,
    VerdictEntry,
)
from analyser.model.service import Basis
from analyser.report import phrases
from analyser.report.advice import settled
from analyser.report.page import Page
from analyser.report.phrases import count, end_name, finding_mark, listed, port_name, state_mark
from analyser.report.request import asked_ports

MOST_ALIKE: Final = 5
"""Entries shown of one rule with one verdict, or of one reason, unless everything is asked for."""

MOST_WORKING: Final = 20
"""Entries shown of what works, unless everything is asked for."""

_INDENT: Final = "     "


def is_told(entry: VerdictEntry) -> bool:
    """Tell what weighs something; what works, does not apply or is waived is only counted."""
    return entry.severity is not Severity.OK


def verdict_sections(page: Page, entries: Iterable[VerdictEntry], said: Sequence[str], everything: bool) -> None:
    """Add the verdicts under the tables of the vendor's page, the table with the heaviest finding first.

    ``said`` are remedies that already stand on the page. What could not be judged is gathered by
    :func:`open_questions`, unless ``everything`` is wanted.
    """
    by_section: dict[str, list[VerdictEntry]] = {}
    for entry in entries:
        if everything or (is_told(entry) and entry.verdict is not Verdict.INCONCLUSIVE):
            by_section.setdefault(entry.section, []).append(entry)
    for section in sorted(by_section, key=lambda name: _urgency(name, by_section[name])):
        page.line((phrases.SECTIONS.get(section) or section, "bold"))
        _entries(page, by_section[section], said, everything)
        page.blank()


def open_questions(page: Page, entries: Iterable[VerdictEntry]) -> None:
    """Add what could not be judged, one paragraph per reason: which rules, between whom."""
    by_reason: dict[str, dict[str, None]] = {}
    cases: dict[str, None] = {}
    for entry in entries:
        if entry.verdict is Verdict.INCONCLUSIVE and is_told(entry):
            reason, detail = _doubt(entry)
            told = f"{_short(entry.rule)} {_ends(entry)}" + (f" ({detail})" if detail else "")
            by_reason.setdefault(reason, {})[told] = None
            if entry.case:
                cases[phrases.known_case(entry.case)] = None
    if not by_reason:
        return
    page.line(("Could not be judged from here", "bold"))
    for reason, rules in by_reason.items():
        more = f" and {len(rules) - MOST_ALIKE:,} more (-v)" if len(rules) > MOST_ALIKE else ""
        page.prose(
            f"{reason}: {', '.join(list(rules)[:MOST_ALIKE])}{more}",
            first=f" {phrases.QUERY} ",
            style=phrases.STYLES[phrases.QUERY],
        )
    for words in list(cases)[:MOST_ALIKE]:
        page.prose(words, first="   ", rest="     ", style="italic")
    page.blank()


def what_works(page: Page, entries: Iterable[VerdictEntry]) -> None:
    """Add what was shown to work, a line each: it tells where not to look, and that the capture sees the pair."""
    working = [entry for entry in entries if entry.verdict is Verdict.SATISFIED and not is_told(entry)]
    if not working:
        return
    page.line(("Shown to work", "bold"))
    for entry in working[:MOST_WORKING]:
        spoken = [_spoken(port) for port in entry.ports if port.state is PortState.OPEN]
        page.prose(
            f"{_short(entry.rule)}  {_ends(entry)}  {listed(spoken)}".rstrip(),
            first=f" {phrases.TICK} ",
            rest=_INDENT,
            style=phrases.STYLES[phrases.TICK],
        )
    if len(working) > MOST_WORKING:
        page.line(f"   … and {len(working) - MOST_WORKING:,} more (-v)")
    page.blank()


def _spoken(port: PortFinding) -> str:
    name = port_name(port.transport, port.port)
    return f"{name} {port.service}" if port.service and port.basis != Basis.PORT else name


_DOUBTS: Final[dict[PortState, str]] = {
    PortState.ONE_SIDED: "one direction only in this capture",
    PortState.PENDING: "asked just before the capture ends",
    PortState.PROBE_ONLY: "only health probes",
}
"""Why a state proves nothing, where the state itself says so; else its detail does."""


def _doubt(entry: VerdictEntry) -> tuple[str, str | None]:
    """Return the reason that many entries may share, and what this one has to add."""
    port = _worst(entry)
    if port is None:
        return entry.sentence, None
    if port.state in _DOUBTS:
        return _DOUBTS[port.state], port.detail
    return port.detail or port.state.value, None


def _urgency(section: str, entries: Sequence[VerdictEntry]) -> tuple[int, int]:
    """Sort tables by their heaviest finding, then as the vendor's page does."""
    heaviest = min(list(Severity).index(entry.severity) for entry in entries)
    pages = list(phrases.SECTIONS)
    return heaviest, pages.index(section) if section in pages else len(pages)


def _entries(page: Page, entries: Sequence[VerdictEntry], said: Sequence[str], everything: bool) -> None:
    seen: Counter[tuple[str, Verdict]] = Counter()
    before: VerdictEntry | None = None
    for entry in entries:
        alike = (entry.rule, entry.verdict)
        seen[alike] += 1
        if everything or seen[alike] <= MOST_ALIKE:
            _headline(page, entry)
            if before is not None and _same_story(before, entry):
                page.line(f"{_INDENT}the same ports between the same ends as {_short(before.rule)}")
            else:
                _story(page, entry, said, everything)
                before = entry
            _waiver(page, entry)
    for (rule, verdict), number in seen.items():
        if not everything and number > MOST_ALIKE:
            page.line(f"   … and {number - MOST_ALIKE:,} more {verdict} of {_short(rule)} (-v)")


def _headline(page: Page, entry: VerdictEntry) -> None:
    mark = finding_mark(entry)
    page.line(
        " ",
        (f"{mark} {entry.verdict}", phrases.STYLES[mark]),
        (f"  {_short(entry.rule)}", "bold"),
        f"  {_ends(entry)}" if entry.initiator or entry.responder else "",
        (f"  [{entry.id}]", "dim"),
    )


def _same_story(before: VerdictEntry, entry: VerdictEntry) -> bool:
    return bool(entry.ports) and (
        before.verdict,
        before.severity,
        before.initiator,
        before.responder,
        before.ports,
    ) == (
        entry.verdict,
        entry.severity,
        entry.initiator,
        entry.responder,
        entry.ports,
    )


def _story(page: Page, entry: VerdictEntry, said: Sequence[str], everything: bool) -> None:
    closed = [port for port in entry.ports if port.state is not PortState.OPEN]
    if closed or not entry.ports:
        page.prose(entry.sentence, first=_INDENT)
    for port in closed:
        _closed_port(page, port, entry.sentence)
    _open_ports(page, [port for port in entry.ports if port.state is PortState.OPEN], everything)
    if entry.more_ports:
        page.line(f"{_INDENT}  and {count(entry.more_ports, 'more port')}")
    wireshark(page, [item for port in closed or entry.ports for item in port.evidence])
    if entry.remedy and entry.remedy not in said and not asked_ports(entry) and not settled(entry):
        page.prose(entry.remedy, first=f"{_INDENT}→ ")
    known_case(page, entry)


def known_case(page: Page, entry: VerdictEntry | UnexpectedEntry) -> None:
    """Add the known case that a finding looks like, if it does."""
    if entry.case:
        page.prose(phrases.known_case(entry.case), first=_INDENT, rest=f"{_INDENT}  ", style="italic")


def port_line(page: Page, port: PortFinding, sentence: str, note: str | None) -> None:
    """Add the line of a port, open or not; ``note`` is said behind its state."""
    if port.state is PortState.OPEN:
        _open_ports(page, [port], everything=True)
    else:
        _closed_port(page, port, sentence, note)


def _closed_port(page: Page, port: PortFinding, sentence: str, note: str | None = None) -> None:
    """Add the line of a port: state, cause, who, and of the details those that the sentence has not told."""
    mark = state_mark(port.state)
    why = f", {port.cause.value.replace('-', ' ')}" if port.cause else ""
    by = f" by {port.by}" if port.by else ""
    told = [f"{port.state}{why}{by}", *([note] if note else [])]
    told += [part for part in (port.detail or "").split("; ") if part and part not in sentence]
    if port.other_explanation and port.other_explanation not in sentence:
        told.append(f"or: {port.other_explanation}")
    if port.confidence in (Confidence.MEDIUM, Confidence.LOW):
        told.append(f"{port.confidence} confidence")
    if found := phrases.frames(port.evidence, page.captures):
        told.append(found)
    page.prose(
        f"{mark} {port_name(port.transport, port.port):<10} {'; '.join(told)}",
        first=_INDENT,
        rest=" " * 18,
        style=phrases.STYLES[mark],
    )


def _open_ports(page: Page, ports: Sequence[PortFinding], everything: bool) -> None:
    """Add what is open: on one line, since there is nothing to do about it; with details if they are wanted."""
    style = phrases.STYLES[phrases.TICK]
    if not everything:
        if ports:
            names = listed((port_name(port.transport, port.port) for port in ports), 20)
            page.prose(f"{phrases.TICK} {names} open", first=_INDENT, style=style)
        return
    for port in ports:
        told = [part for part in (port.service, port.detail, phrases.frames(port.evidence, page.captures)) if part]
        page.prose(
            f"{phrases.TICK} {port_name(port.transport, port.port):<10} {'; '.join(['open', *told])}",
            first=_INDENT,
            rest=" " * 18,
            style=style,
        )


def wireshark(page: Page, evidence: Sequence[Evidence]) -> None:
    """Add the first display filter, on a line of its own and never wrapped: it is there to be copied."""
    if evidence:
        page.line((f"{_INDENT}Wireshark: {evidence[0].filter}", "dim"))


def _waiver(page: Page, entry: VerdictEntry) -> None:
    if entry.waiver:
        page.prose(phrases.waived(entry.waiver), first=_INDENT, style="dim")


def _worst(entry: VerdictEntry) -> PortFinding | None:
    order = list(PortState)
    return min(entry.ports, key=lambda port: order.index(port.state), default=None)


def _ends(entry: VerdictEntry) -> str:
    if entry.initiator is not None and entry.initiator.address and entry.initiator == entry.responder:
        return f"on {end_name(entry.initiator)}"
    return f"{end_name(entry.initiator)} → {end_name(entry.responder)}"


def _short(rule: str) -> str:
    """Return the last part of a rule's id: the heading already names its table."""
    return rule.rpartition("/")[2]
