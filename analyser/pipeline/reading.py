"""From captures to labelled flows.

Knows the stages as far as labels, and the rule packs for the ports they name; judges nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import polars as pl

from analyser.capture import CaptureSource, OpenedCaptures, ending_on_interrupt, open_captures
from analyser.flows.parts import Survey
from analyser.flows.reader import FlowReading, read_captures
from analyser.flows.table import whole
from analyser.hints import Hints, hints
from analyser.model.capture import CaptureNote, InputError, ReadingFacts
from analyser.model.service import Service
from analyser.pipeline.notes import capture_notes
from analyser.policy.packs import DEFAULT_PACKS, load_pack, signature_folder
from analyser.services.handshakes import handshake_words
from analyser.services.label import label
from analyser.services.loading import load_signatures
from analyser.services.signature import Signature, SignatureError
from analyser.services.watch import watch_ports
from analyser.tables import FlowTables, LabelTables

Progress = Callable[[str, int, int | None], None]
"""Called while a capture is read: its path, bytes read so far, bytes in all (None where unknown)."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Flows and what they were told to be: tables of the flows stage, and labels in the same rows."""

    tables: FlowTables
    labels: LabelTables

    @property
    def frame(self) -> pl.DataFrame:
        """Columns FLOWS and LABELS side by side."""
        return pl.concat([self.tables.flows, self.labels.labels], how="horizontal")

    @property
    def told(self) -> pl.DataFrame:
        """The frame with HANDSHAKE_WORDS beside it, for flow tables: judging needs none of them."""
        return self.frame.join(handshake_words(self.labels), on="serial", how="left", maintain_order="left")


class Framed(Protocol):
    """Flows as columns FLOWS and LABELS side by side, and with HANDSHAKE_WORDS beside these."""

    @property
    def frame(self) -> pl.DataFrame:
        """The flows."""
        ...

    @property
    def told(self) -> pl.DataFrame:
        """The flows with what their handshakes show, in words."""
        ...


class FlowsRead(Protocol):
    """Captures read to flows, whichever way: what every run has. As :class:`FlowRun` says."""

    captures: tuple[str, ...]
    notes: tuple[CaptureNote, ...]
    facts: ReadingFacts

    def parts(self) -> Iterator[Framed]:
        """Give all flows, part by part."""
        ...

    def whole(self) -> Framed:
        """Return all flows at once."""
        ...

    def close(self) -> None:
        """Give back what was taken on disk."""
        ...


class FlowRun:
    """Captures read to flows. ``captures``: as the file numbers of flows mean; ``notes`` and ``facts``: what reading showed.

    Flows that found no room in memory are on disk until ``close``; ``parts`` gives a part at a time, whose flows are in
    the order of time.
    """

    def __init__(
        self,
        opened: OpenedCaptures,
        reading: FlowReading,
        guesses: Mapping[tuple[str, int], str],
        signatures: Sequence[Signature],
        key: bytes | None = None,
    ) -> None:
        self.captures = tuple(source.path for source in opened.sources)
        self.facts = reading.facts
        self.notes = capture_notes(opened, reading.facts)
        self._reading = reading
        self._guesses = guesses
        self._signatures = signatures
        self._key = key or secrets.token_bytes(32)

    def parts(self) -> Iterator[Labelled]:
        """Give all flows, part by part: what two addresses said to each other is in one part."""
        return map(self._label, self._reading.parts())

    def whole(self) -> Labelled:
        """Return all flows at once, in the order of time."""
        parts = list(self.parts())
        if len(parts) == 1:
            return parts[0]
        return self._label(whole(part.tables for part in parts))

    def earliest(self, most: int) -> tuple[pl.DataFrame, int]:
        """Return the frame of the ``most`` flows that began first, and how many flows there are in all."""
        tables, count = self._reading.earliest(most)
        return self._label(tables).frame.head(most), count

    @property
    def in_parts(self) -> bool:
        """Whether there are several parts."""
        return self._reading.in_parts

    def surroundings(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return PATHS and NEIGHBOURS of all parts."""
        return self._reading.surroundings()

    def survey(self, belongs: Callable[[str], bool]) -> Survey:
        """Return the way to flows of which an end ``belongs``, where there are several parts."""
        return self._reading.survey(belongs)

    def wanted(self, survey: Survey) -> Iterator[Labelled]:
        """Give the flows that a survey, gone through to its end, found wanted, part by part."""
        return map(self._label, survey.wanted())

    def close(self) -> None:
        """Give back what was taken on disk."""
        self._reading.close()

    def _label(self, tables: FlowTables) -> Labelled:
        return Labelled(tables, label(tables, ports=self._guesses, signatures=self._signatures, key=self._key))


def flows(
    captures: Sequence[str],
    *,
    known: Hints | None = None,
    signatures: Sequence[str] = (),
    workers: int | None = None,
    digests: bool = True,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
    key: bytes | None = None,
) -> FlowRun:
    """Read captures as one timeline.

    ``known`` (of the rule packs that come with the package, where it is not given) holds the responder ports that orient and,
    weakly, label flows. ``signatures``: folders with signatures of the user's own. ``workers``: 1 to read on one core only, None for as many as help. ``digests``: whether the
    SHA-256 of each capture is wanted, which takes as long as all else. ``key``: what credentials are hashed with; runs that are compared have the same. Raises :class:`InputError` where nothing can be read.
    """
    if known is None:
        known = hints([load_pack(name) for name in DEFAULT_PACKS], watch_ports(), {})
    every = _with_own(signatures)
    opened = open_captures(captures, digests=digests)
    with closing(opened), ending_on_interrupt(opened.sources):
        reading = read_captures(
            opened.sources,
            ports=known.responders,
            watch=known.watch,
            workers=workers,
            progress=_with_totals(opened.sources, progress),
            notice=notice,
        )
    return FlowRun(opened, reading, known.guesses, every, key)


@cache
def _signatures() -> tuple[Signature, ...]:
    """The signatures that come with the package."""
    return load_signatures(signature_folder(), proved=True)


def _with_own(folders: Sequence[str]) -> tuple[Signature, ...]:
    """Return our signatures and those of a user's folders, which may refine one another."""
    own = [item for folder in folders for item in own_signatures(folder)]
    known = {*Service, *(item.service for item in own)}
    for item in own:
        for word in item.refines:
            if word not in known:
                raise InputError(f"{item.file}:{item.line}", f"refines: {word} has no signature that could be refined")
    return (*_signatures(), *own)


def own_signatures(folder: str) -> tuple[Signature, ...]:
    """Return the signatures of a user's folder.

    Raises InputError with every mistake of every file in it.
    """
    try:
        return load_signatures(Path(folder), own=True)
    except SignatureError as mistakes:
        raise InputError(folder, f"signatures that cannot be used:\n{mistakes}") from None


def _with_totals(sources: Sequence[CaptureSource], progress: Progress | None) -> Callable[[str, int], None] | None:
    if progress is None:
        return None
    totals = {source.path: (source, _size(source)) for source in sources}

    def told(path: str, _unpacked: int) -> None:
        source, total = totals[path]
        progress(path, source.octets, total)

    return told


def _size(source: CaptureSource) -> int | None:
    if source.live:
        return None
    try:
        return Path(source.path).stat().st_size
    except OSError:
        return None
