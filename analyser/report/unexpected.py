"""The flows that nobody ordered, on the page of text.

Knows the unexpected entries of a report: the heavy ones are told with their proof, the light ones on one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from analyser.model.finding import Severity, UnexpectedEntry
from analyser.report import phrases
from analyser.report.findings import MOST_ALIKE, known_case, wireshark
from analyser.report.page import Page
from analyser.report.phrases import count, end_name, finding_mark, port_name


def unexpected_section(page: Page, entries: Iterable[UnexpectedEntry], everything: bool) -> None:
    """Add the flows that no rule explains; waived ones only if ``everything`` is wanted."""
    shown = [entry for entry in entries if everything or entry.severity is not Severity.OK]
    if not shown:
        return
    page.line(("Unexpected", "bold"))
    seen: Counter[tuple[str, Severity]] = Counter()
    for entry in shown:
        alike = (entry.reason.value, entry.severity)
        seen[alike] += 1
        if everything or seen[alike] <= MOST_ALIKE:
            _entry(page, entry, everything)
    for (reason, severity), number in seen.items():
        if not everything and number > MOST_ALIKE:
            page.line(f"   … and {number - MOST_ALIKE:,} more {reason}, {severity} (-v)")
    page.blank()


def _entry(page: Page, entry: UnexpectedEntry, everything: bool) -> None:
    mark = finding_mark(entry)
    if entry.scan:
        target = f"{count(entry.scan.hosts, 'host')}, {count(entry.scan.ports, 'port')}"
    else:
        target = f"{end_name(entry.responder)} {port_name(entry.transport, entry.port)}"
    page.line(
        " ",
        (f"{mark} {entry.reason}", phrases.STYLES[mark]),
        (f"  {end_name(entry.initiator)} → {target}", "bold"),
        (f"  [{entry.id}]", "dim"),
    )
    if entry.severity in (Severity.VIOLATION, Severity.WARNING) or everything:
        page.prose(entry.sentence, first="     ")
    page.prose(_facts(entry, page.captures), first="     ", style="dim")
    if entry.severity in (Severity.VIOLATION, Severity.WARNING) or everything:
        wireshark(page, entry.evidence)
    known_case(page, entry)
    if entry.waiver:
        page.prose(phrases.waived(entry.waiver), first="     ", style="dim")


def _facts(entry: UnexpectedEntry, captures: Mapping[str, str]) -> str:
    cause = f", {entry.cause.value.replace('-', ' ')}" if entry.cause else ""
    service = f", {entry.service}" if entry.service else ""
    facts = f"{entry.state}{cause}{service}, {count(entry.flows, 'flow')}, {phrases.size(entry.bytes)}"
    found = phrases.frames(entry.evidence, captures)
    return f"{facts}, {found}" if found else facts
