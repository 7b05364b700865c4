"""The truth about a case, declared by hand before any tool looks at it, and the comparison with a report.

Knows the words of a report document and nothing of how one is made. Rules are written without their pack,
``section/name``; an end is its name in the site, else its address, else None. A host that was met under several
addresses may be written ``name address``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from analyser.model.finding import (
    End,
    PortFinding,
    PortState,
    ReportDocument,
    Severity,
    UnexpectedEntry,
    Verdict,
    VerdictEntry,
)

PACK: Final = "ysoft-safeq-6"

Pair = tuple[str, str | None, str | None]
"""Rule, initiator, responder."""


NOBODY: Final = "nobody"
"""In place of an address: the report must not blame anyone."""


@dataclass(frozen=True, slots=True)
class Port:
    """What one port must show; None asks for nothing."""

    state: str
    cause: str | None = None
    by: str | None = None
    confidence: str | None = None
    says: str | None = None
    """Words that ``detail`` must contain."""


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict: its word, its severity, its ports by number (None: not announced), and how many more there are."""

    verdict: str
    severity: str
    ports: Mapping[int | None, Port] = field(default_factory=dict)
    clients: tuple[int, int, int] | None = None
    more: int = 0
    waived: bool = False
    """A waiver covers it and still holds."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A flow that no rule explains."""

    reason: str
    initiator: str
    responder: str | None
    port: int | None
    state: str
    cause: str | None = None
    severity: str = "violation"
    scan: tuple[int, int] | None = None
    waived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What a correct report of a case says.

    ``findings`` is complete: no other verdict may weigh more than "ok", but for rows that no capture of this kind
    can show (every port ``not-observable``). ``fine`` names verdicts that weigh nothing and are the point of the
    case all the same. ``unexpected`` is complete. ``coverage`` names fields of the report's coverage; ``problems``
    are the codes that the captures must carry, ``complete`` whether they were whole. ``vantage``: each capture of the
    story is judged as a point of its own.
    """

    exit: int
    findings: Mapping[Pair, Found] = field(default_factory=dict)
    fine: Mapping[Pair, Found] = field(default_factory=dict)
    unexpected: Sequence[Odd] = ()
    coverage: Mapping[str, int] = field(default_factory=dict)
    infrastructure: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[str] = ()
    complete: bool = True
    at: str | None = None
    vantage: bool = False

    def disagreements(self, document: ReportDocument) -> list[str]:
        """Return one sentence per point in which a report differs from the truth."""
        return [
            *self._summary(document),
            *self._verdicts(document.verdicts),
            *self._unexpected(document.unexpected),
            *self._reading(document),
        ]

    def _summary(self, document: ReportDocument) -> list[str]:
        found = document.summary.exit_code
        return [] if found == self.exit else [f"exit {found}, not {self.exit} ({'; '.join(document.summary.reasons)})"]

    def _verdicts(self, entries: Sequence[VerdictEntry]) -> list[str]:
        wrong: list[str] = []
        wanted = {**self.findings, **self.fine}
        seen: set[Pair] = set()
        for entry in entries:
            pair = next((pair for pair in _pairs(entry) if pair in wanted), pair_of(entry))
            if pair in wanted:
                if pair in seen:
                    wrong.append(f"{pair}: reported twice")
                seen.add(pair)
                wrong += [f"{pair}: {text}" for text in _compare(entry, wanted[pair])]
            elif entry.severity is not Severity.OK and not _unseeable(entry):
                states = {port.port: _words(port) for port in entry.ports}
                wrong.append(f"{pair}: {entry.verdict.value}/{entry.severity.value} was not expected {states}")
        return wrong + [f"{pair}: no such verdict" for pair in wanted if pair not in seen]

    def _unexpected(self, entries: Sequence[UnexpectedEntry]) -> list[str]:
        found = sorted(_odd(entry) for entry in entries)
        wanted = sorted(_flat(odd) for odd in self.unexpected)
        missing = [f"unexpected flow not reported: {line}" for line in wanted if line not in found]
        return missing + [f"reported as unexpected: {line}" for line in found if line not in wanted]

    def _reading(self, document: ReportDocument) -> list[str]:
        wrong: list[str] = []
        for name, value in self.coverage.items():
            if getattr(document.coverage, name) != value:
                wrong.append(f"coverage.{name} is {getattr(document.coverage, name)}, not {value}")
        counts = {note.service: note.flows for note in document.infrastructure}
        if self.infrastructure and counts != self.infrastructure:
            wrong.append(f"infrastructure is {counts}, not {dict(self.infrastructure)}")
        codes = sorted(problem.code for capture in document.captures for problem in capture.problems)
        if codes != sorted(self.problems):
            wrong.append(f"problems are {codes}, not {sorted(self.problems)}")
        if all(capture.complete for capture in document.captures) != self.complete:
            wrong.append(f"complete should be {self.complete}")
        return wrong


def end_name(end: End | None) -> str | None:
    """Return what an end is called: its name in the site, else its address, else None."""
    return None if end is None else end.name or end.address


def _names(end: End | None) -> list[str | None]:
    """Return what the truth may call an end: its name, or name and address where a host was met under several."""
    return [end_name(end), *([f"{end.name} {end.address}"] if end is not None else [])]


def pair_of(entry: VerdictEntry) -> Pair:
    """Return the key of a verdict entry, its rule without the pack."""
    return entry.rule.removeprefix(PACK + "/"), end_name(entry.initiator), end_name(entry.responder)


def _pairs(entry: VerdictEntry) -> list[Pair]:
    rule = entry.rule.removeprefix(PACK + "/")
    return [(rule, one, other) for one in _names(entry.initiator) for other in _names(entry.responder)]


def _compare(entry: VerdictEntry, wanted: Found) -> list[str]:
    wrong: list[str] = []
    if (entry.verdict.value, entry.severity.value) != (wanted.verdict, wanted.severity):
        wrong.append(f"{entry.verdict.value}/{entry.severity.value}, not {wanted.verdict}/{wanted.severity}")
    if entry.more_ports != wanted.more:
        wrong.append(f"{entry.more_ports} more ports, not {wanted.more}")
    if wanted.waived and entry.waiver is None:
        wrong.append(f"waiver is {entry.waiver}")
    if wanted.clients is not None:
        counts = {(e.clients.seen, e.clients.open, e.clients.failed) for e in _ends(entry) if e.clients is not None}
        if wanted.clients not in counts:
            wrong.append(f"clients are {sorted(counts)}, not {wanted.clients}")
    ports = {port.port: port for port in entry.ports}
    for number, port in wanted.ports.items():
        if number not in ports:
            wrong.append(f"port {number} is not among {sorted(ports, key=str)}")
        elif not _agrees(ports[number], port):
            wrong.append(f"port {number}: {_words(ports[number])}, not {port}")
    if wanted.ports:
        extra = [port for number, port in ports.items() if number not in wanted.ports]
        wrong += [
            f"port {p.port}: {_words(p)} was not expected" for p in extra if p.state is not PortState.NOT_ATTEMPTED
        ]
    return wrong


def _ends(entry: VerdictEntry) -> list[End]:
    return [end for end in (entry.initiator, entry.responder) if end is not None]


def _agrees(found: PortFinding, wanted: Port) -> bool:
    return (
        found.state.value == wanted.state
        and (found.cause.value if found.cause else None) == wanted.cause
        and wanted.by in (None, found.by or NOBODY)
        and wanted.confidence in (None, found.confidence.value if found.confidence else None)
        and (wanted.says is None or wanted.says in (found.detail or ""))
    )


def _words(port: PortFinding) -> str:
    cause = f"/{port.cause.value}" if port.cause else ""
    confidence = port.confidence.value if port.confidence else None
    return f"{port.state.value}{cause} by={port.by} confidence={confidence} detail={port.detail!r}"


def _unseeable(entry: VerdictEntry) -> bool:
    """Tell whether an inconclusive entry only says that the capture could not have shown it."""
    return entry.verdict is Verdict.INCONCLUSIVE and {port.state.value for port in entry.ports} <= {"not-observable"}


def _odd(entry: UnexpectedEntry) -> str:
    return _flat(
        Odd(
            reason=entry.reason.value,
            initiator=end_name(entry.initiator) or "",
            responder=end_name(entry.responder),
            port=entry.port,
            state=entry.state.value,
            cause=entry.cause.value if entry.cause else None,
            severity=entry.severity.value,
            scan=None if entry.scan is None else (entry.scan.hosts, entry.scan.ports),
            waived=entry.waiver is not None,
        )
    )


def _flat(odd: Odd) -> str:
    cause = f"/{odd.cause}" if odd.cause else ""
    text = f"{odd.reason}: {odd.initiator} > {odd.responder} port {odd.port} {odd.state}{cause} {odd.severity}"
    scan = f" scan of {odd.scan[0]} hosts, {odd.scan[1]} ports" if odd.scan else ""
    return text + scan + (" waived" if odd.waived else "")


RAW_AND_IPP_DELIVERED = Expect(
    exit=0,
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
        ("server-to-printer/ipp-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {631: Port("open")}),
    },
)
"""What is true where one printer gets a job by RAW and one by IPP, however the packets were captured."""
