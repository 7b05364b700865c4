"""What to do, and in which order: each advice once, and none beside a known case that says otherwise.

Knows the report document only. Where a finding looks like a known case, its first step stands for the general advice:
who is told to open a port and also that the filter is not to blame follows neither.
"""

from __future__ import annotations

from typing import Final

from analyser.model.finding import PortState, ReportDocument, Severity, UnexpectedEntry, VerdictEntry
from analyser.report.request import asked_ports, firewall_requests

_NO_FAULT: Final = frozenset({PortState.OPEN, PortState.NOT_ATTEMPTED})


def tasks_of(document: ReportDocument) -> list[str]:
    """Return what to do: what to ask the firewall team, then the steps of the heaviest findings."""
    unsettled = [entry for entry in document.verdicts if not settled(entry)]
    requests = [request.sentence() for request in firewall_requests(unsettled)]
    findings: list[VerdictEntry | UnexpectedEntry] = [*document.verdicts, *document.unexpected]
    steps = [
        step
        for level in (Severity.VIOLATION, Severity.WARNING)
        for entry in findings
        if entry.severity is level
        for step in _steps(entry)
    ]
    return list(dict.fromkeys([*requests, *steps]))


def settled(entry: VerdictEntry) -> bool:
    """Tell whether a known case stands for all that fails: a case is about one fault, and ports may fail in several ways."""
    faults = {(port.state, port.cause) for port in entry.ports if port.state not in _NO_FAULT}
    return entry.case is not None and len(faults) <= 1


def _steps(entry: VerdictEntry | UnexpectedEntry) -> list[str]:
    known = [f"{entry.case.first_step}{_addresses(entry)}"] if entry.case else []
    if isinstance(entry, UnexpectedEntry) or entry.remedy is None or settled(entry) or asked_ports(entry):
        return known
    return [*known, entry.remedy]


def _addresses(entry: VerdictEntry | UnexpectedEntry) -> str:
    """Return the addresses of the ends: a case names the ends as the site does, and a ticket needs both."""
    ends = [end.address for end in (entry.initiator, entry.responder) if end is not None and end.address is not None]
    return f" ({' → '.join(ends)})" if ends else ""
