"""Numbers, times, names and marks as a person reads them: the small words that every text reader shares.

Knows the words of the contract and how to say them shortly; knows no layout and no colour.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Final

from analyser.model.finding import (
    Confidence,
    End,
    Evidence,
    KnownCase,
    PortState,
    Severity,
    UnexpectedEntry,
    Verdict,
    VerdictEntry,
    WaiverNote,
)

SECTIONS: Final[dict[str, str]] = {
    "workstation-to-server": "Workstation → server",
    "server-to-printer": "Server → printer",
    "printer-to-server": "Printer → server",
    "inter-server": "Server ⇄ server",
    "other": "Other services",
    "cluster": "Management cluster",
    "workstation-outbound": "Workstation, outbound",
    "workstation-inbound": "Workstation, inbound",
}
"""The tables of the vendor's page, in its order."""

CROSS: Final = "✗"
BANG: Final = "!"
QUERY: Final = "?"
TICK: Final = "✓"
DOT: Final = "·"

STYLES: Final[dict[str, str]] = {
    CROSS: "bold red",
    BANG: "yellow",
    QUERY: "cyan",
    TICK: "green",
    DOT: "dim",
}

_STATE_MARKS: Final[dict[PortState, str]] = {
    PortState.OPEN: TICK,
    PortState.BLOCKED: CROSS,
    PortState.REFUSED: CROSS,
    PortState.FAILING: CROSS,
    PortState.WRONG_PROTOCOL: CROSS,
    PortState.INTERMITTENT: BANG,
    PortState.NOT_ATTEMPTED: DOT,
}

_SEVERITY_MARKS: Final[dict[Severity, str]] = {Severity.VIOLATION: CROSS, Severity.WARNING: BANG}


def state_mark(state: PortState) -> str:
    """Return the mark of a port: what is not known, or not proved, gets a question mark."""
    return _STATE_MARKS.get(state, QUERY)


def finding_mark(entry: VerdictEntry | UnexpectedEntry) -> str:
    """Return the mark of a finding: by its weight; where it weighs little, by what it says."""
    if isinstance(entry, UnexpectedEntry):
        return _SEVERITY_MARKS.get(entry.severity, DOT)
    if entry.verdict is Verdict.SATISFIED:
        return TICK
    return _SEVERITY_MARKS.get(entry.severity, QUERY if entry.verdict is Verdict.INCONCLUSIVE else DOT)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 flow``, ``2,345 flows``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(items: Iterable[object], most: int = 8) -> str:
    """Return the items with commas between, ``…`` after the first ``most``."""
    words = list(map(str, items))
    return ", ".join(words[:most]) + (" …" if len(words) > most else "")


def size(octets: int) -> str:
    """Return a number of bytes in the unit a person would choose (powers of 1000)."""
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{octets} B" if unit == "B" else f"{value:.1f} {unit}"


def lasting(seconds: float) -> str:
    """Return a duration: ``0.3 s``, ``14 s``, ``2 min 14 s``, ``3 h 5 min``, ``2 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def period(first: str | None, last: str | None) -> str | None:
    """Return ``2 min 14 s from 2026-03-02 08:00:00 UTC`` for two times of the report, None without them."""
    if first is None or last is None:
        return None
    begin, end = dt.datetime.fromisoformat(first), dt.datetime.fromisoformat(last)
    return f"{lasting((end - begin).total_seconds())} from {begin:%Y-%m-%d %H:%M:%S} UTC"


def end_name(end: End | None, *, address: bool = False) -> str:
    """Return how an end is called: its name, else its address, else its roles; with ``address`` both if they differ."""
    if end is None:
        return "anyone"
    name = end.name or end.address
    if name is None:
        return f"any {'/'.join(end.roles)}" if end.roles else "anyone"
    if address and end.address is not None and end.address != name:
        name = f"{name} ({end.address})"
    return name


def port_name(transport: str, port: int | None) -> str:
    """Return ``TCP 443``, or the transport alone where there is no port."""
    return transport.upper() if port is None else f"{transport.upper()} {port}"


def capture_names(paths: Iterable[str]) -> dict[str, str]:
    """Return how captures are called, by path: by file name, with as many folders as tell it from the others."""
    names: dict[str, str] = {}
    unnamed, depth = list(dict.fromkeys(paths)), 1
    while unnamed:
        tails = {path: PurePath(path).parts[-depth:] for path in unnamed}
        known = Counter(tails.values())
        for path, tail in tails.items():
            if known[tail] == 1 or len(tail) < depth:
                names[path] = "standard input" if path == "-" else str(PurePath(*tail)) if tail else path
        unnamed, depth = [path for path in unnamed if path not in names], depth + 1
    return names


def frames(evidence: tuple[Evidence, ...], captures: Mapping[str, str], most: int = 8) -> str:
    """Return ``frames 103, 802``; empty without evidence.

    ``captures``: the names of all captures of the report, by path; of several, the one is named that a number counts in.
    """
    by_file: dict[str, set[int]] = {}
    for item in evidence:
        by_file.setdefault(item.capture, set()).update(item.frames)
    parts = []
    for path, numbers in by_file.items():
        if numbers:
            where = f" of {captures.get(path, path)}" if len(captures) > 1 else ""
            noun = "frame" if len(numbers) == 1 else "frames"
            parts.append(f"{noun} {listed(sorted(numbers), most)}{where}")
    return "; ".join(parts)


def known_case(case: KnownCase) -> str:
    """Return what a finding looks like and what to try first, in one line."""
    doubt = "" if case.confidence is Confidence.HIGH else f" ({case.confidence.value} confidence)"
    return f"Known case: {case.title}{doubt}; try first: {case.first_step}"


def waived(waiver: WaiverNote) -> str:
    """Return who answers for a finding, why, and until when."""
    until = f" until {waiver.expires}" if waiver.expires else ""
    owner = f", {waiver.owner}" if waiver.owner else ""
    return f"waived{until}: {waiver.reason}{owner}"
