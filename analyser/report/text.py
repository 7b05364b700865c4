"""The report that a person reads in one minute: the answer first, then what to do, then the proof.

Knows the report document and the width of the page; knows no terminal. The result is a :class:`rich.text.Text`:
``.plain`` is the page without colour (it must read well so), the styles are for a terminal that has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyser.model.capture import CaptureNote
from analyser.model.finding import REPORT_ORDER, Coverage, ReportDocument, Severity, Verdict
from analyser.report import phrases
from analyser.report.advice import tasks_of
from analyser.report.findings import MOST_ALIKE, MOST_WORKING, is_told, open_questions, verdict_sections, what_works
from analyser.report.page import Page
from analyser.report.phrases import capture_names, count
from analyser.report.unexpected import unexpected_section
from analyser.report.vantage import vantage_section

WIDTH: Final = 80
_MOST_TASKS: Final = 4
_COUNTED_THINGS: Final = frozenset({"same-traffic", "bad-block"})
"""Problems whose detail names what their count counts; the count of the others is a number of bytes, or one."""
_SHORT_SNAPLEN: Final = 256
"""Packets cut below this many bytes may lack the first bytes of what was said."""


def report_text(document: ReportDocument, *, everything: bool = False, width: int = WIDTH) -> Text:
    """Return the whole page; ``everything`` also unfolds what works, is unused or does not apply."""
    page = Page(width, capture_names(capture.path for capture in document.captures))
    tasks = tasks_of(document)
    _answer(page, document, tasks if everything else tasks[:_MOST_TASKS], len(tasks))
    looked_at(page, document)
    if document.vantage is not None:
        vantage_section(page, document.vantage)
    verdict_sections(page, document.verdicts, tasks[:_MOST_TASKS], everything)
    unexpected_section(page, document.unexpected, everything)
    if not everything:
        what_works(page, document.verdicts)
        open_questions(page, document.verdicts)
    _rest(page, document, everything)
    return page.text()


def answer_text(document: ReportDocument, *, width: int = WIDTH) -> Text:
    """Return the head of the page only: the answer and what to do first."""
    page = Page(width)
    tasks = tasks_of(document)
    _answer(page, document, tasks[:_MOST_TASKS], len(tasks))
    return page.text()


# -- the answer ------------------------------------------------------------------------------------------------------


def _answer(page: Page, document: ReportDocument, tasks: Sequence[str], known: int) -> None:
    summary = document.summary
    word, style = {
        True: ("COMPLIANT", "bold green"),
        False: ("NOT COMPLIANT", "bold red"),
        None: ("INCONCLUSIVE", "bold yellow"),
    }[summary.compliant]
    weights = [
        count(number, level.value)
        for level in (Severity.VIOLATION, Severity.WARNING, Severity.NOTICE)
        if (number := summary.severities.get(level.value, 0))
    ]
    page.line((word, style), f": {', '.join(weights) or 'nothing to report'}")
    page.prose(_shown(document))
    if summary.compliant is None:
        for reason in summary.reasons:
            page.prose(reason, first="Why: ")
    if tasks:
        page.blank()
    for index, task in enumerate(tasks):
        page.prose(task, first="Then:  " if index else "First: ", style="" if index else "bold")
    if known > len(tasks):
        page.line(f"       and {known - len(tasks):,} more (-v)")
    page.blank()


def _shown(document: ReportDocument) -> str:
    """Say how many rules were shown to work: those with a satisfied entry and none that is worse than undecided."""
    by_rule: dict[str, set[Verdict]] = {}
    for entry in document.verdicts:
        by_rule.setdefault(entry.rule, set()).add(entry.verdict)
    standing = Counter(_standing(words) for words in by_rule.values())
    del standing[Verdict.NOT_APPLICABLE]
    parts = [f"{standing[Verdict.SATISFIED]} of {count(standing.total(), 'rule')} that apply shown to work"]
    for verdict, words in ((Verdict.INCONCLUSIVE, "could not be judged from here"), (Verdict.UNUSED, "not used")):
        if standing[verdict]:
            parts.append(f"{standing[verdict]} {words}")
    if document.summary.unexpected:
        parts.append(count(document.summary.unexpected, "unexpected flow group"))
    return ", ".join(parts) + "."


def _standing(verdicts: set[Verdict]) -> Verdict:
    """Return what a rule's verdicts come to: the worst, but what works outweighs what could not be judged."""
    worst = min(verdicts, key=REPORT_ORDER.index)
    return Verdict.SATISFIED if worst is Verdict.INCONCLUSIVE and Verdict.SATISFIED in verdicts else worst


# -- what was looked at ----------------------------------------------------------------------------------------------


def looked_at(page: Page, document: ReportDocument) -> None:
    """Add what was looked at, and what it could not show."""
    page.line(("Looked at", "bold"))
    for capture in document.captures[:MOST_ALIKE]:
        page.prose(_capture_line(capture, page.captures[capture.path]), first=f" {phrases.DOT} ")
        for problem in capture.problems:
            number = f"{problem.count:,} " if problem.code in _COUNTED_THINGS else ""
            page.prose(f"{problem.code}: {number}{problem.detail}", first="   ! ", style="yellow")
    if len(document.captures) > MOST_ALIKE:
        others = document.captures[MOST_ALIKE:]
        packets = sum(capture.packets for capture in others)
        damaged = sum(not capture.complete or bool(capture.problems) for capture in others)
        page.prose(
            f"{count(len(others), 'more file')}, {count(packets, 'packet')}, {damaged} with problems",
            first=f" {phrases.DOT} ",
        )
    coverage = document.coverage
    seen = count(coverage.hosts_seen, "host") + " of it seen"
    if coverage.two_sided_hosts < coverage.hosts_seen:
        seen += f", {coverage.hosts_seen - coverage.two_sided_hosts} in one direction only"
    rules = ", ".join(f"{pack.id} {pack.version}" for pack in document.rules)
    page.prose(f"site {document.site.name}: {seen}; rules {rules}", first=f" {phrases.DOT} ")
    for limit in _limits(coverage):
        page.prose(limit, first=f" {phrases.QUERY} ")
    page.blank()


def _capture_line(capture: CaptureNote, name: str) -> str:
    parts = [name, count(capture.packets, "packet")]
    when = phrases.period(capture.first, capture.last)
    if when:
        parts.insert(1, when)
    if not capture.complete:
        parts.append("incomplete")
    return ", ".join(parts)


def _limits(coverage: Coverage) -> list[str]:
    """Name what the captures could not show; nothing is said where nothing is missing."""
    limits = []
    if coverage.dropped_by_capture:
        limits.append(f"the capturing program lost {count(coverage.dropped_by_capture, 'packet')}")
    if coverage.snaplen is not None and 0 < coverage.snaplen < _SHORT_SNAPLEN:
        limits.append(f"packets were cut at {coverage.snaplen} bytes")
    if coverage.duplicates_removed:
        limits.append(f"{count(coverage.duplicates_removed, 'copy', 'copies')} of packets taken out")
    if coverage.decapsulated:
        limits.append(f"{count(coverage.decapsulated, 'packet')} found inside tunnels")
    if coverage.undecoded:
        named = ", ".join(f"{item.what} {item.packets:,}" for item in coverage.undecoded)
        limits.append(f"not decoded: {named}")
    if coverage.out_of_scope.flows:
        limits.append(f"{count(coverage.out_of_scope.flows, 'flow')} between addresses that are not in the site")
    if coverage.watched_overflow:
        limits.append(f"{count(coverage.watched_overflow, 'packet')} too many to look into")
    return limits


# -- the rest, counted -----------------------------------------------------------------------------------------------


def _rest(page: Page, document: ReportDocument, everything: bool) -> None:
    quiet = [entry for entry in document.verdicts if not is_told(entry)]
    folded = Counter("waived" if entry.waiver else entry.verdict.value for entry in quiet)
    folded["waived"] += sum(entry.waiver is not None for entry in document.unexpected)
    if folded[Verdict.SATISFIED] <= MOST_WORKING:
        del folded[Verdict.SATISFIED]  # all of it stands on the page
    parts = [f"{number:,} {word}" for word, number in folded.items() if number]
    if parts and not everything:
        page.prose(f"Folded: {', '.join(parts)} (-v unfolds).", rest="  ")
    if document.infrastructure:
        flows = ", ".join(f"{item.service} {item.flows:,}" for item in document.infrastructure)
        page.prose(f"Infrastructure, counted and not judged: {flows}.", rest="  ")
    page.line((f"analyser {document.tool.version}, {document.generated_at}", "dim"))
