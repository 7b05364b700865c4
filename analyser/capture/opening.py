"""Open captures: recognise each by its bytes, set aside what cannot be read, put the rest in order of time.

Knows files and pipes from the outside. Decodes nothing.
"""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from analyser.capture.arguments import STANDARD_INPUT, expand
from analyser.capture.compression import (
    LAYERS,
    BrokenStreamError,
    Stream,
    Unpacked,
    compression_of,
)
from analyser.capture.copies import without_copies
from analyser.capture.first_packet import first_packet_time
from analyser.capture.headers import HEAD_LENGTH, Refusal, header_needs, read_header
from analyser.capture.lookalikes import describe
from analyser.capture.source import VANISHED, CaptureSource, read_some
from analyser.model.capture import CaptureHeader, InputError, Problem

_MOST_PEEKED: Final = 1 << 20
"""How far into a pipe the first packet is looked for; what is taken is kept in memory and given again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCaptures:
    """Captures ready to be read, earliest first packet first, and those that were set aside.

    A source whose content appears under several names is there once, with a problem ``same-file`` that
    counts and names the copies. ``rejected`` are names with the reason (codes: see
    :class:`~analyser.capture.headers.Refusal`).
    """

    sources: tuple[CaptureSource, ...]
    rejected: tuple[tuple[str, Problem], ...]

    def close(self) -> None:
        """Release every source."""
        for source in self.sources:
            source.close()


def open_captures(arguments: Sequence[str], *, stdin: BinaryIO | None = None, digests: bool = True) -> OpenedCaptures:
    """Open what ``arguments`` name: files, directories, globs, ``-`` for ``stdin`` (by default the process's).

    No file stays open: a source opens its file at the first read. Raises :class:`InputError` where an
    argument names nothing, or where none of the captures can be read. ``digests``: whether ``sha256`` of the sources is wanted.
    """
    names = expand(arguments)
    sources: list[CaptureSource] = []
    rejected: list[tuple[str, Problem]] = []
    for name in names:
        opened = _open(name, stdin, alone=len(names) == 1)
        if isinstance(opened, Refusal):
            rejected.append((name, Problem(code=opened.code, count=1, detail=opened.message)))
        else:
            opened.digests = digests
            sources.append(opened)
    if not sources:
        raise _nothing_readable(rejected)
    sources = without_copies(sources)
    # Without packets the place does not matter; the order of the arguments breaks ties.
    sources.sort(key=lambda source: (source.first_t is None, source.first_t or 0))
    return OpenedCaptures(sources=tuple(sources), rejected=tuple(rejected))


def _nothing_readable(rejected: Sequence[tuple[str, Problem]]) -> InputError:
    name, problem = rejected[0]
    others = len(rejected) - 1
    more = f" ({others} more of the files named cannot be read either)" if others else ""
    return InputError(name, problem.detail + more)


def _open(name: str, stdin: BinaryIO | None, *, alone: bool) -> CaptureSource | Refusal:
    try:
        if name == STANDARD_INPUT:
            stream = stdin if stdin is not None else sys.stdin.buffer
            if stream.isatty():
                return Refusal("unreadable", "standard input is a terminal; pipe a capture in: tcpdump -U -w - | …")
            return _open_stream(name, cast("Stream", stream), alone=alone)
        if stat.S_ISREG(Path(name).stat().st_mode):
            return _open_file(name)
        # A named pipe, or a shell's <(command): it can be read only once.
        return _open_stream(name, Path(name).open("rb", buffering=0), alone=alone)
    except FileNotFoundError:
        return Refusal("vanished", VANISHED)
    except OSError as error:
        return Refusal("unreadable", f"cannot be read: {error.strerror or error}")


def _open_file(name: str) -> CaptureSource | Refusal:
    layers = 0
    with Path(name).open("rb") as file:

        def peek(offset: int, count: int) -> bytes:
            file.seek(offset)
            return file.read(count)

        head = peek(0, HEAD_LENGTH)
        if compression_of(head[:4]):
            file.seek(0)
            inside = _Inside(cast("Stream", file))
            header, first_t, layers = inside.header(), inside.first_time(), inside.layers
        else:
            header = _header(head)
            first_t = None if isinstance(header, Refusal) else first_packet_time(peek, header)
    if isinstance(header, Refusal):
        return header

    def open_again() -> Stream:
        return Path(name).open("rb", buffering=0)

    return CaptureSource(path=name, header=header, open_stream=open_again, first_t=first_t, layers=layers)


def _open_stream(name: str, stream: Stream, *, alone: bool) -> CaptureSource | Refusal:
    recording = _Recording(stream)
    inside = _Inside(recording)
    interrupted = False
    first_t = None
    try:
        header = inside.header()
        # Alone it needs no place among others, so a quiet network is no reason to wait here.
        if not alone:
            first_t = inside.first_time()
    except KeyboardInterrupt:
        interrupted = True
        header = inside.header_so_far()
    if isinstance(header, Refusal):
        stream.close()
        return header
    source = CaptureSource(
        path=name, header=header, open_stream=lambda: stream, first_t=first_t, seen=bytes(recording.seen), live=True,
        layers=inside.layers,
    )  # fmt: skip
    if interrupted:
        source.interrupt()
    return source


class _Recording:
    """A stream that keeps what was taken of it."""

    def __init__(self, stream: Stream) -> None:
        self.seen = bytearray()
        self._stream = stream

    def readinto(self, view: memoryview, /) -> int:
        """Fill ``view`` with what is at hand."""
        count = read_some(self._stream, view)
        self.seen += view[:count]
        return count

    def close(self) -> None:
        """Nothing: the stream is read on by somebody else."""


class _Again:
    """A stream whose first bytes were taken already: they come again."""

    def __init__(self, first: bytes, stream: Stream) -> None:
        self._first = first
        self._stream = stream

    def readinto(self, view: memoryview, /) -> int:
        """Fill ``view``."""
        if not self._first:
            return read_some(self._stream, view)
        count = min(len(view), len(self._first))
        view[:count] = self._first[:count]
        self._first = self._first[count:]
        return count

    def close(self) -> None:
        """Nothing."""


class _Inside:
    """The beginning of a stream, unpacked as often as it is compressed: enough to recognise it."""

    def __init__(self, stream: Stream) -> None:
        self.layers = 0
        self._stream = stream
        self._seen = bytearray()
        self._name: str | None = None
        self._broken: BrokenStreamError | None = None
        self._found: CaptureHeader | Refusal | None = None

    def header(self) -> CaptureHeader | Refusal:
        """Return the header of the capture inside, or why there is none."""
        peek = self._peek()
        while name := compression_of(peek(0, 4)):
            if self.layers == LAYERS:
                return Refusal("unsupported-format", f"{name} data compressed more than twice; unpack it first")
            self._name = name
            self.layers += 1
            self._stream = Unpacked(_Again(bytes(self._seen), self._stream))
            self._seen = bytearray()
            peek = self._peek()
        peek(0, header_needs(peek(0, 4)))
        return self.header_so_far()

    def header_so_far(self) -> CaptureHeader | Refusal:
        """Return what the bytes taken so far are."""
        if self._broken and not self._seen:
            return Refusal("damaged-header", f"{self._broken.message}, at its very beginning; copy the file again")
        found = _header(bytes(self._seen))
        if isinstance(found, Refusal) and self._name:
            found = Refusal(found.code, f"{self._name}-compressed, and inside: {found.message}")
        self._found = found
        return found

    def first_time(self) -> int | None:
        """Return the time of the first packet, if it is near."""
        found = self._found
        return first_packet_time(self._peek(), found) if isinstance(found, CaptureHeader) else None

    def _peek(self) -> Callable[[int, int], bytes]:
        peek = _peek_into(self._stream, self._seen)

        def until_broken(offset: int, count: int) -> bytes:
            try:
                return peek(offset, count)
            except BrokenStreamError as error:  # reading will say so
                self._broken = error
                return bytes(self._seen[offset : offset + count])

        return until_broken


def _peek_into(stream: Stream, seen: bytearray) -> Callable[[int, int], bytes]:
    """Return a peek at ``stream`` that keeps all it takes in ``seen``, and no more than is asked for."""

    def peek(offset: int, count: int) -> bytes:
        wanted = min(offset + count, _MOST_PEEKED) if offset < _MOST_PEEKED else 0
        while len(seen) < wanted:
            piece = bytearray(wanted - len(seen))
            got = read_some(stream, memoryview(piece))
            if got == 0:
                break
            seen.extend(piece[:got])
        return bytes(seen[offset : offset + count])

    return peek


def _header(head: bytes) -> CaptureHeader | Refusal:
    return read_header(head) or describe(head)
