"""The technician's page: is the network ready for this terminal, what to do first, and each step in its order.

Knows the report document and the order of steps; must not know how a verdict was reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.text import Text

from analyser.model.finding import FAILING_VERDICTS, PortState, ReportDocument, Severity, Verdict, VerdictEntry
from analyser.report import phrases
from analyser.report.advice import settled, tasks_of
from analyser.report.findings import known_case, port_line, wireshark
from analyser.report.page import Page
from analyser.report.phrases import capture_names, count
from analyser.report.text import looked_at

_MOST_TASKS: Final = 4
_NAMES: Final = {
    "ricoh": "Ricoh", "konica-minolta": "Konica Minolta", "xerox": "Xerox", "fuji-xerox": "Fuji Xerox", "sharp": "Sharp",
    "toshiba": "Toshiba", "samsung": "Samsung", "lexmark": "Lexmark", "hp": "HP", "epson": "Epson",
}  # fmt: skip


def installation_text(
    document: ReportDocument, *, device: str, terminal: str, server: str, printer: str, found: str | None,
    steps: Mapping[str, str], width: int,
) -> Text:  # fmt: skip
    """Return the page: ``steps`` are titles of rules by id, in their order; ``found`` says how addresses were found."""
    page = Page(width, capture_names(capture.path for capture in document.captures))
    name = f"{_NAMES[device]} {terminal} terminal" if device in _NAMES else device
    page.line(
        (name, "bold"), f" {phrases.DOT} server {server} ⇄ {'printer' if device in _NAMES else 'terminal'} {printer}"
    )
    if found:
        page.prose(f"(addresses {found})")
    entries = sorted(
        (entry for entry in document.verdicts if entry.verdict is not Verdict.NOT_APPLICABLE),
        key=lambda entry: list(steps).index(entry.rule),
    )
    _answer(page, entries)
    todo = tasks_of(document)[:_MOST_TASKS]
    for number, task in enumerate(todo):
        page.prose(task, first="Then:  " if number else "First: ", style="" if number else "bold")
    page.blank()
    broken = _steps(page, entries, steps)
    if document.unexpected:
        page.prose(
            f"Besides: {count(len(document.unexpected), 'group')} of flows that no step explains (check --site tells them).",
        )
    if broken:
        page.prose(f"Packets of a step: add --json > FILE, then analyser explain CAPTURE {broken.id} --report FILE")
    page.blank()
    looked_at(page, document)
    return page.text()


def _answer(page: Page, entries: Sequence[VerdictEntry]) -> None:
    """Say whether the network is ready: only what was seen to work counts."""
    broken = [entry for entry in entries if entry.verdict in FAILING_VERDICTS]
    shown = [entry for entry in entries if entry.verdict is Verdict.SATISFIED]
    open_ = len(entries) - len(broken) - len(shown)
    if broken:
        page.line(
            (f"{phrases.CROSS} NOT READY", "bold red"), f": {count(len(broken), 'step')} of {len(entries)} not working"
        )
    elif not shown:
        page.line((f"{phrases.QUERY} CANNOT TELL", "bold yellow"), ": no step of the installation is in this capture")
    elif open_:
        page.line(
            (f"{phrases.BANG} NOT ALL SHOWN", "bold yellow"), f": {len(shown)} of {len(entries)} steps shown to work, none"
            " seen to fail",
        )  # fmt: skip
    else:
        page.line((f"{phrases.TICK} READY", "bold green"), f": all {count(len(entries), 'step')} shown to work")


def _steps(page: Page, entries: Sequence[VerdictEntry], titles: Mapping[str, str]) -> VerdictEntry | None:
    """Add the steps; return the first that does not work.

    What was not tried behind it may be waiting for it: that is said as an order, not as a cause.
    """
    first: tuple[int, VerdictEntry] | None = None
    for number, entry in enumerate(entries, 1):
        mark = phrases.finding_mark(entry)
        page.prose(f"{mark} {titles[entry.rule]}", first=f"{number:>2} ", rest="     ", style=phrases.STYLES[mark])
        page.line((f"     {phrases.SECTIONS[entry.section]}  [{entry.id}]", "dim"))
        for port in entry.ports:
            waits = first is not None and port.state is PortState.NOT_ATTEMPTED
            port_line(page, port, entry.sentence, f"step {first[0]} comes before it" if waits and first else None)
        if not entry.ports:
            page.prose(entry.sentence, first="     ")
        known_case(page, entry)
        if entry.verdict in FAILING_VERDICTS:
            if first is None:
                first = number, entry
            wireshark(
                page, [proof for port in entry.ports if port.state is not PortState.OPEN for proof in port.evidence]
            )
            if entry.remedy and entry.severity in (Severity.VIOLATION, Severity.WARNING) and not settled(entry):
                page.prose(entry.remedy, first="     → ")
    page.blank()
    return first[1] if first else None
