"""Several capture points: each read by itself, then put together.

Knows which arguments are points, and the stages that read and join; judges nothing.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

import polars as pl

from analyser.capture.arguments import STANDARD_INPUT, expand
from analyser.hints import Hints
from analyser.model.capture import CaptureNote, InputError, ReadingFacts
from analyser.model.finding import VantageNote
from analyser.pipeline.portions import periods_of
from analyser.pipeline.reading import FlowRun, Progress, flows
from analyser.points.matching import MOST_POINTS
from analyser.points.numbering import Point
from analyser.points.together import Together, put_together
from analyser.services.handshakes import handshake_words
from analyser.services.lookups import lookups
from analyser.tables import FLOWS, LABELS, Observed

MOST_FLOWS: Final = 500_000
"""Flows of all points that are held in memory at once."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Flows as one point shows them: FLOWS and LABELS, and HANDSHAKE_WORDS by ``serial``."""

    frame: pl.DataFrame
    handshakes: pl.DataFrame

    @property
    def told(self) -> pl.DataFrame:
        """The frame with what handshakes show, in words."""
        return self.frame.join(self.handshakes, on="serial", how="left", maintain_order="left")


@dataclass(frozen=True, slots=True)
class _Read:
    """What is kept of reading one point, beside its tables."""

    captures: tuple[str, ...]
    notes: tuple[CaptureNote, ...]
    facts: ReadingFacts


class PointsRun:
    """Several points read to flows; as :class:`analyser.pipeline.reading.FlowRun`, with ``note`` on what they show together."""

    def __init__(self, runs: Sequence[_Read], together: Together, note: VantageNote, order: Sequence[int]) -> None:
        self.captures = tuple(path for place in order for path in runs[place].captures)
        self.notes: tuple[CaptureNote, ...] = tuple(told for run in runs for told in run.notes)
        self.facts = _facts([run.facts for run in runs])
        self.note = note
        self.together = together

    def parts(self) -> Iterator[_Seen]:
        """Give the flows of each point."""
        return (_Seen(point.flows.select(*FLOWS, *LABELS), point.handshakes) for point in self.together.points)

    def whole(self) -> _Seen:
        """Return every conversation once."""
        return _Seen(self.together.flows, self.together.handshakes)

    def close(self) -> None:
        """Give back what was taken: nothing, all of it is in memory."""

    def observe(self, at: str | None, encapsulations: Iterable[str]) -> Observed:
        """Return what there is to judge."""
        seen = self.together
        return Observed(
            flows=seen.flows,
            paths=seen.paths,
            neighbours=seen.neighbours,
            icmp_errors=seen.icmp_errors,
            promises=seen.promises,
            requests=seen.requests,
            lookups=seen.lookups,
            capture_paths=self.captures,
            started=min((first for first, _ in seen.periods), default=0),
            ended=max((last for _, last in seen.periods), default=0),
            periods=seen.periods,
            capture_host=at,
            encapsulations=tuple(sorted(set(encapsulations) & self.facts.undecoded.keys())),
            sights=seen.sights,
            points=tuple(point.name for point in seen.points),
            point_periods=tuple((point.captures, point.periods) for point in seen.points),
            crossings=seen.crossings,
        )


def read_points(
    captures: Sequence[str],
    addresses: Sequence[str],
    *,
    known: Hints,
    signatures: Sequence[str],
    workers: int | None,
    digests: bool,
    progress: Progress | None,
    notice: Callable[[str], None] | None,
) -> PointsRun:
    """Read each of ``captures`` as a point of its own and put them together; arguments as for ``reading.flows``.

    ``addresses`` are those of the site's hosts: of other names nothing is kept.

    Raises InputError where there is one point only, where a capture belongs to two, or where there are too many flows.
    """
    _distinct(captures)
    names = _names(captures)
    key = secrets.token_bytes(32)
    points: list[Point] = []
    runs: list[_Read] = []
    left = MOST_FLOWS
    for argument, name in zip(captures, names, strict=True):
        run = flows(
            [argument], known=known, signatures=signatures, workers=workers, digests=digests, progress=progress,
            notice=notice, key=key,
        )  # fmt: skip
        with closing(run):
            points.append(_point(name, run, left, addresses))
        runs.append(_Read(run.captures, run.notes, run.facts))
        left -= len(points[-1].flows)
        del run  # its tables go before the next point is read
    together = put_together(points)
    order = [names.index(point.name) for point in together.points]
    noted = {
        place: replace(note, captures=runs[place].captures, packets=runs[place].facts.packets)
        for place, note in zip(order, together.note.points, strict=True)
    }
    ways = sorted(together.note.ways, key=lambda way: (names.index(way.origin), names.index(way.target)))
    note = replace(together.note, points=tuple(noted[place] for place in range(len(runs))), ways=tuple(ways))
    return PointsRun(runs, together, note, order)


def _distinct(captures: Sequence[str]) -> None:
    if not 1 < len(captures) <= MOST_POINTS:
        expected = f"expected two capture points or more, at most {MOST_POINTS}; a file, directory or glob is one"
        raise InputError("--vantage", f"{len(captures)} named; {expected}")
    owner: dict[str, str] = {}
    for argument in captures:
        for path in expand([argument]):
            real = path if path == STANDARD_INPUT else os.path.realpath(path)
            if owner.setdefault(real, argument) != argument or captures.count(argument) > 1:
                raise InputError("--vantage", f"{path} belongs to two capture points; expected each capture once")


def _names(captures: Sequence[str]) -> list[str]:
    """Name each point by the last part of its path, or by all of it where two end alike."""
    short = [
        "standard input" if argument == STANDARD_INPUT else PurePath(argument).name or argument for argument in captures
    ]
    return [name if short.count(name) == 1 else argument for name, argument in zip(short, captures, strict=True)]


def _point(name: str, run: FlowRun, most: int, addresses: Sequence[str]) -> Point:
    count = 0
    for part in run.parts() if run.in_parts else (run.whole(),):
        count += len(part.tables.flows)
        if count > most:
            raise InputError(
                "--vantage", f"more than {MOST_FLOWS:,} flows; expected captures of the time or the hosts in question"
            )
    whole = run.whole() if run.in_parts else part
    return Point(
        name=name,
        flows=whole.frame,
        paths=whole.tables.paths,
        neighbours=whole.tables.neighbours,
        icmp_errors=whole.tables.icmp_errors,
        promises=whole.labels.promises,
        requests=whole.labels.requests,
        handshakes=handshake_words(whole.labels),
        lookups=lookups(whole.tables.flows, whole.labels.labels, whole.tables.watched, addresses),
        captures=len(run.captures),
        periods=periods_of(run.facts.files),
        lossy=any(item.dropped for item in run.facts.files),
    )


def _facts(facts: Sequence[ReadingFacts]) -> ReadingFacts:
    """Return what reading all points showed, added up."""

    def summed(name: str) -> dict[str, int]:
        total: dict[str, int] = {}
        for item in facts:
            counts: dict[str, int] = getattr(item, name)
            for what, packets in counts.items():
                total[what] = total.get(what, 0) + packets
        return total

    return ReadingFacts(
        files=tuple(file for item in facts for file in item.files),
        undecoded=summed("undecoded"),
        link_layer=summed("link_layer"),
        duplicates=sum(item.duplicates for item in facts),
        icmp_errors=sum(item.icmp_errors for item in facts),
        decapsulated=sum(item.decapsulated for item in facts),
        watched_overflow=sum(item.watched_overflow for item in facts),
    )
