"""One capture as a stream of bytes, read once from its first byte to its last, unpacked if it is compressed.

Knows files and pipes, and keeps count and digest of the bytes as they are stored. Must not know packets: where records
begin is found by the flows stage.
"""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from analyser.capture.compression import BrokenStreamError, Stream, Unpacked
from analyser.model.capture import CaptureHeader, Problem

_AT_ONCE: Final = 1 << 18
"""Most bytes taken from a buffered stream in one read; a pipe seldom holds more."""

_NOTHING_YET: Final = 0.05
"""Seconds to wait where a pipe that somebody set to non-blocking has nothing to give."""


def read_some(stream: Stream, view: memoryview) -> int:
    """Fill ``view`` with what ``stream`` has at hand and wait only for the first byte; return the count, 0 at the end."""
    # A buffered reader's readinto waits until the view is full, and its readinto1 still waits for more when it
    # holds some bytes already: a live capture would come late, in bursts. Only read1 gives what is there.
    read1: Callable[[int], bytes | None] | None = getattr(stream, "read1", None)
    while True:
        if read1 is None:
            count = stream.readinto(view)
        elif (data := read1(min(len(view), _AT_ONCE))) is None:
            count = None
        else:
            count = len(data)
            view[:count] = data
        if count is not None:
            return count
        time.sleep(_NOTHING_YET)


VANISHED: Final = "gone before it could be read; a ring of files drops its oldest"


class _Stored:
    """The bytes of a source as they are stored, for the layers that unpack them."""

    def __init__(self, read: Callable[[memoryview], int]) -> None:
        self.readinto = read

    def close(self) -> None:
        """Nothing: the source itself releases its file."""


class CaptureSource:
    """A capture as a :class:`~analyser.model.capture.ByteSource`, header included.

    ``open_stream`` is called at the first read, so that a thousand rotated files need one handle at a time;
    ``seen`` are the bytes of a pipe that were taken to recognise it, given again first. ``live`` marks a
    stream that cannot be read twice; an interrupt from the keyboard ends such a stream instead of the
    program. ``layers`` says how many times the capture is compressed; ``octets`` and ``sha256`` are of the bytes as
    stored. ``problems`` may grow while reading: ``read-error`` (the system failed in the middle; the stream then
    ends), ``vanished`` (the file was gone before it was opened), ``interrupted``, and what
    :class:`~analyser.capture.compression.Unpacked` says of a broken stream.
    """

    def __init__(
        self,
        *,
        path: str,
        header: CaptureHeader,
        open_stream: Callable[[], Stream],
        first_t: int | None,
        seen: bytes = b"",
        live: bool = False,
        layers: int = 0,
    ) -> None:
        self.path = path
        self.header = header
        self.first_t = first_t
        self.live = live
        self.problems: list[Problem] = []
        self.octets = 0
        self.digests = True
        self._open_stream = open_stream
        self._stream: Stream | None = None
        self._seen = memoryview(seen)
        self._digest = hashlib.sha256()
        self._ended = False
        self._complete = False
        self._waiting = False
        self._unpacked: Stream = _Stored(self._read_stored)
        for _ in range(layers):
            self._unpacked = Unpacked(self._unpacked)

    @property
    def sha256(self) -> str | None:
        """Hex digest of the capture; None until it has been read to its very end, or without ``digests``."""
        return self._digest.hexdigest() if self._complete and self.digests else None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` from the stream; return how many bytes, 0 at the end (also after an interrupt)."""
        if self._ended or not len(view):
            return 0
        try:
            count = self._unpacked.readinto(view.cast("B")) or 0
        except BrokenStreamError as error:
            self.problems.append(Problem(code=error.code, count=1, detail=error.message))
            count = 0
        if not count:
            self._end()
        return count

    def close(self) -> None:
        """Release the file; nothing more is read."""
        self._end()

    def interrupt(self) -> None:
        """End a live stream: at the next read, or at once (by ``KeyboardInterrupt``) where a read is waiting."""
        if self._waiting:
            raise KeyboardInterrupt
        self._note_interrupt()

    def _read_stored(self, view: memoryview) -> int:
        if self._ended:
            return 0
        count = self._take_seen(view) or self._read(view)
        if self.digests:
            self._digest.update(view[:count])
        self.octets += count
        return count

    def _take_seen(self, view: memoryview) -> int:
        count = min(len(view), len(self._seen))
        view[:count] = self._seen[:count]
        self._seen = self._seen[count:]
        return count

    def _read(self, view: memoryview) -> int:
        try:
            self._waiting = True
            if self._stream is None:
                self._stream = self._open_stream()
            count = read_some(self._stream, view)
            self._waiting = False
        except KeyboardInterrupt:
            if not self.live:
                raise
            self._note_interrupt()
            return 0
        except FileNotFoundError:
            self.problems.append(Problem(code="vanished", count=1, detail=VANISHED))
            return 0
        except OSError as error:
            self.problems.append(Problem(code="read-error", count=1, detail=error.strerror or str(error)))
            return 0
        finally:
            self._waiting = False
        self._complete = count == 0
        return count

    def _note_interrupt(self) -> None:
        if not self._ended:
            self._end()
            self.problems.append(Problem(code="interrupted", count=1, detail="ended from the keyboard"))

    def _end(self) -> None:
        self._ended = True
        self._seen = memoryview(b"")
        if self._stream is not None:
            self._stream.close()
            self._stream = None


@contextmanager
def ending_on_interrupt(sources: Sequence[CaptureSource]) -> Iterator[None]:
    """Let Ctrl-C end the live ones of ``sources`` wherever the program is, so that a report is still made.

    Without this an interrupt outside a read (while packets are being decoded) would end the program. A
    second Ctrl-C, when every live stream has ended, interrupts as usual. Does nothing without a live
    source, or outside the main thread, where Python takes no signals.
    """
    live = [source for source in sources if source.live]
    if not live or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end_streams(_number: int, _frame: FrameType | None) -> None:
        running = [source for source in live if not source.ended]
        if not running:
            raise KeyboardInterrupt
        for source in running:
            source.interrupt()

    before = signal.signal(signal.SIGINT, end_streams)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
