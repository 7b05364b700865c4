"""From one finding to its packets, decoded: what a person looks at who wants to see for himself.

Knows reports, captures and the dissector; how it looks on a page is known by ``report``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from analyser.capture.arguments import expand
from analyser.model.capture import CaughtFrame, InputError
from analyser.model.finding import ReportDocument, UnexpectedEntry
from analyser.model.service import Basis
from analyser.pipeline.picking import APPLICATION, pick
from analyser.pipeline.tshark import TsharkError, pdml
from analyser.report.decoded import DecodedFrame, NotDecodedError, decoded
from analyser.report.evidence import Finding, NamedFrame, findings, frames_of, subject, with_id
from analyser.report.pcapng import pcapng

MOST_FRAMES: Final = 40
"""Frames of one finding that are decoded; a filter shows the rest."""

_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding with its frames as caught (None: not found again) and decoded, and what was in the way."""

    finding: Finding
    frames: tuple[tuple[NamedFrame, CaughtFrame | None], ...]
    decodes: Mapping[tuple[str, int], DecodedFrame]
    problems: tuple[str, ...]


def the_one(document: ReportDocument, wanted: str) -> Finding:
    """Return the finding whose id begins with ``wanted``.

    Raises InputError where there is none, or several that differ.
    """
    found = {finding.id: finding for finding in reversed(with_id(document, wanted))}
    if len(found) == 1:
        return next(iter(found.values()))
    known = list(found.values()) or [finding for finding in findings(document) if frames_of(finding)]
    some = "; ".join(map(subject, known[:_MOST_NAMED])) or "none"
    what = "fits several findings" if found else "is no finding of this report; findings with packets"
    more = f"; and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    raise InputError(wanted, f"{what}: {some}{more}")


def explain(document: ReportDocument, wanted: str, captures: Sequence[str]) -> Explained:
    """Take the packets behind one finding out of the captures, and have them decoded.

    Args:
        document: the report.
        wanted: the finding's id, or how it begins.
        captures: where the captures of the report lie now, as for ``check``; none: where they lay.

    Raises:
        InputError: no such finding, or captures that name nothing.
    """
    finding = the_one(document, wanted)
    named = frames_of(finding)
    faults_first = sorted(named, key=lambda frame: not frame.fault)[:MOST_FRAMES]
    shown = [frame for frame in named if frame in faults_first]
    places = _places({frame.capture for frame in shown}, captures)
    numbers: dict[str, set[int]] = {}
    for frame in shown:
        if frame.capture in places:
            numbers.setdefault(places[frame.capture], set()).add(frame.number)
    caught, unreadable = pick(numbers, payload=True)
    frames = tuple((frame, caught.get((places.get(frame.capture, ""), frame.number))) for frame in shown)
    problems = [f"{path}: {reason}" for path, reason in unreadable.items()]
    problems += [f"{path}: not among the captures that were named" for path in _missing(shown, places)]
    if len(named) > len(shown):
        problems.append(f"{len(named) - len(shown)} more frames are not shown")
    decodes: dict[tuple[str, int], DecodedFrame] = {}
    found = [(name, frame) for name, frame in frames if frame is not None]
    if found:
        try:
            answer = pdml(pcapng(((frame, "") for _, frame in found), application=APPLICATION), _services(finding))
            for (name, _), decode in zip(found, decoded(answer), strict=False):
                decodes[name.capture, name.number] = decode
        except (TsharkError, NotDecodedError) as problem:
            problems.append(str(problem))
    return Explained(finding, frames, decodes, tuple(problems))


def _missing(frames: Iterable[NamedFrame], places: Mapping[str, str]) -> list[str]:
    return sorted({frame.capture for frame in frames} - places.keys())


def _places(told: Iterable[str], captures: Sequence[str]) -> dict[str, str]:
    """Return where the captures of a report lie now: under the same path, else under the same name in another folder."""
    if not captures:
        return {path: path for path in told}
    names = expand(captures)
    places = {}
    for path in told:
        alike = [name for name in names if PurePath(name).name == PurePath(path).name]
        if path in names or len(alike) == 1:
            places[path] = path if path in names else alike[0]
    return places


def _services(finding: Finding) -> dict[tuple[str, int], str]:
    """Return what bytes prove to be spoken, by transport and port."""
    spoken: Iterable[tuple[str, int | None, str | None, str | None]]
    if isinstance(finding, UnexpectedEntry):
        spoken = [(finding.transport, finding.port, finding.service, finding.basis)]
    else:
        spoken = [(port.transport, port.port, port.service, port.basis) for port in finding.ports]
    return {
        (transport, port): service
        for transport, port, service, basis in spoken
        if port is not None and service is not None and basis == Basis.PAYLOAD
    }
