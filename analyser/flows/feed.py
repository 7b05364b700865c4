"""One capture as a stream of decoded batches.

Knows blocks of bytes and where a file ends, is cut, or is damaged. It must not know flows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.kernel.native import kernel
from analyser.flows.layout import (
    F_CAUGHT_AT,
    F_DROPPED,
    F_DROPPED_BETWEEN,
    F_FILE,
    F_FIRST_T,
    F_FORMAT,
    F_FRACTION,
    F_FRAME,
    F_INTERFACES,
    F_LAST_T,
    F_LENGTH_AT,
    F_LIMIT,
    F_LINKS,
    F_LOST_PACKETS,
    F_NEED,
    F_POINT,
    F_POS,
    F_PREVIOUS,
    F_RECORD,
    F_SIZE,
    F_SNAPLEN,
    F_SWAPPED,
    F_TIME_AT,
    F_TIMED,
    F_TRUST,
    FILL_LOST,
    FORMAT_PCAPNG,
    FORMATS,
    I_LINK,
    I_MULTIPLIER,
    I_SIZE,
    I_SNAPLEN,
    MAX_INTERFACES,
    MAX_RECORD,
    PACKET,
    RESYNC_FOUND,
    RESYNC_MORE,
    USUAL_RECORD,
)
from analyser.flows.memory import Memory
from analyser.model.capture import ByteSource, FileFacts
from analyser.model.finding import Problem

DAY: Final = 86_400_000_000_000
PLACES_TOLD: Final = 5
"""So many damaged places are named; all are counted."""


class Feed:
    """A capture that is being read. ``packets[cursor:count]`` are decoded and not yet counted.

    ``point`` tells captures apart that run at the same time; the files of a rotated set share theirs.
    """

    def __init__(self, source: ByteSource, number: int, point: int, memory: Memory) -> None:
        limits = memory.limits
        header = source.header
        self.source = source
        self.point = min(point, 255)
        self._memory = memory
        self.buffer = np.empty(limits.block, np.uint8)
        self.packets: NDArray[Any] = np.empty(limits.batch, PACKET)
        self.cursor = 0
        self.count = 0
        self.ended = False
        self._end = 0
        self._start = 0  # offset in the file of the buffer's first byte
        self._complete = True
        self._problems: list[Problem] = []
        self._placed: NDArray[np.int64] | None = None
        self._last_place: int | None = None
        self._final = False  # the end of the block is that of the file
        self._gaps = self._lost = self._gone_back = 0
        self._places: list[int] = []
        pcapng = header.format == "pcapng"
        self._interfaces = np.zeros((MAX_INTERFACES if pcapng else 1, I_SIZE), np.int64)
        self._state = np.zeros(F_SIZE, np.int64)
        self._state[F_FORMAT] = FORMATS[header.format]
        self._state[[F_RECORD, F_TIME_AT, F_CAUGHT_AT, F_LENGTH_AT]] = header.record
        self._state[F_SWAPPED] = 1 if header.swapped else 0
        self._state[F_FILE] = number
        self._state[F_POINT] = self.point
        self._state[[F_DROPPED, F_DROPPED_BETWEEN, F_PREVIOUS]] = -1
        self._state[F_LIMIT] = _largest(header.snaplen)
        self._state[F_FRACTION] = 1_000_000_000 if header.nanoseconds else 1_000_000
        if not pcapng:
            self._state[F_INTERFACES] = 1
            self._interfaces[0, I_LINK] = header.link_type or 0
            self._interfaces[0, I_MULTIPLIER] = 1 if header.nanoseconds else 1000
            self._interfaces[0, I_SNAPLEN] = self._state[F_SNAPLEN] = header.snaplen or 0
        self._skip = header.length

    @property
    def head(self) -> int:
        """Time of the next packet (ns) as its place among other captures; only with ``cursor < count``."""
        return int(self.places()[self.cursor])

    def places(self) -> NDArray[np.int64]:
        """Return the times (ns) by which the packets of the batch take their place among those of other captures.

        They are the packets' own, but for one that jumps by more than a day while the next is back: the capture does
        not wait, or hurry, for the sake of one bogus clock. At the end of a batch a jump is believed when the next begins.
        """
        if self._placed is None:
            own = self.packets["t"][: self.count].astype(np.int64)
            times = np.concatenate([[own[0] if self._last_place is None else self._last_place], own, own[-1:]])
            if own.size > 1:
                times[-1] = times[-3]
            far = np.abs(np.diff(times)) > DAY
            odd = far[:-1] & far[1:] & (np.abs(times[2:] - times[:-2]) <= DAY)
            self._placed = np.where(odd, times[:-2], own)
        return self._placed

    @property
    def offset(self) -> int:
        """Bytes of the file that are done."""
        return self._start + int(self._state[F_POS])

    def refill(self) -> bool:
        """Decode the next batch once this one is used up; say whether there are packets."""
        fill = kernel("fill")
        while self.cursor >= self.count and not self.ended:
            memory = self._memory
            reason, self.count = fill(
                self.buffer, self._end, self._state, self._interfaces, self.packets, memory.fragments, memory.paths,
                memory.path_index, memory.tunnels, memory.tunnel_index, memory.eth_counts, memory.ip_counts, memory.link_counts, memory.st,
            )  # fmt: skip
            self.cursor = 0
            if self._placed is not None:
                self._last_place, self._placed = int(self._placed[-1]), None
            if self.count == 0:  # else packets still stand in the block; the place is looked at when they are counted
                if reason == FILL_LOST:
                    self._find_again()
                else:
                    self._read_on()
        return self.cursor < self.count

    def _read_on(self) -> None:
        """Go on with more bytes; at the end of the file see what the rest of them is."""
        done = int(self._state[F_POS])
        if self._more(done, int(self._state[F_NEED])):
            if self._skip:
                self._skip_header()
            return
        left = self._end
        if not left:
            self.ended = True
        elif not self._found(1, -1, 0):  # a record that claims too much hides those behind it
            self.ended = True
            self._complete = False
            self._problems.append(
                Problem(code="cut-short", count=left, detail=f"ends in the middle of a record at byte {self._start}")
            )

    def _more(self, done: int, need: int) -> int:
        """Move what follows ``done`` to the front of the block, make room for ``need`` bytes, and read; 0 at the end."""
        left = self._end - done
        self.buffer[:left] = self.buffer[done : self._end]
        self._start += done
        self._end = left
        state = self._state
        state[F_POS] = max(int(state[F_POS]) - done, 0)
        state[F_TRUST] -= done
        state[F_PREVIOUS] = -1
        if need > self.buffer.shape[0]:
            self.buffer = np.concatenate([self.buffer, np.empty(need, np.uint8)])
        got = self.source.readinto(self.buffer[left:].data)
        self._end += got
        self._final = got == 0
        return got

    def _skip_header(self) -> None:
        """Step over the file header; a pipe may deliver it in pieces."""
        step = min(self._skip, self._end)
        self._skip -= step
        self._state[F_POS] = step
        if self._skip:
            self._read_on()

    def _find_again(self) -> None:
        """Go on behind a place where no record can stand."""
        place = int(self._state[F_POS])
        start = place
        # If the record before claimed too much, those that it hides begin within it. Going back is bounded by what was
        # read, so that a hostile file is read twice at most.
        previous = int(self._state[F_PREVIOUS])
        twice = self._state[F_FORMAT] == FORMAT_PCAPNG  # its blocks say their length twice: what was read is right
        if not twice and 0 <= previous < place and self._gone_back <= self.offset:
            start = previous + 1
        if not self._found(start, place, place):
            self.ended = True

    def _found(self, start: int, odd: int, lost: int) -> bool:
        """Look for records from ``start`` on, set the state there and tell what was lost since ``lost`` (all in the block).

        ``odd`` as in the kernel's ``resync``. Where nothing is found ``lost`` to the end is told, unless the file was at its
        end before (a cut record).
        """
        cut = self._final
        lost += self._start
        while True:
            what, place = kernel("resync")(self.buffer, start, odd, self._end, int(self._final), self._state)
            if what != RESYNC_MORE:
                break
            full = place == 0 and self._end == self.buffer.shape[0]
            self._more(place, 2 * self._end if full else 0)
            start, odd = 0, odd - place
        found = what == RESYNC_FOUND
        if found:
            self._state[F_POS] = place
            self._state[F_PREVIOUS] = -1
            if place == odd:
                return True
        elif cut:
            return False
        at = self._start + (place if found else self._end)
        self._complete = False
        self._gaps += 1
        self._lost += max(at - lost, 0)
        self._gone_back += max(lost - at, 0)
        if len(self._places) < PLACES_TOLD:
            self._places.append(min(lost, at))
        return found

    def _damage(self) -> Problem:
        places = ", ".join(map(str, self._places)) + (" …" if self._gaps > len(self._places) else "")
        return Problem(
            code="damaged",
            count=self._lost,
            detail=f"{self._lost} bytes in {self._gaps} damaged {'place' if self._gaps == 1 else 'places'} could not be read"
            f" (at byte {places})",
        )

    def facts(self) -> FileFacts:
        """Return what reading showed so far."""
        state = self._state
        packets = int(state[F_FRAME])
        words = state[F_LINKS : F_LINKS + 8].tolist()
        links = [number for number in range(512) if words[number >> 6] >> (number & 63) & 1]
        if not links and state[F_FORMAT] != FORMAT_PCAPNG:
            links = [int(self._interfaces[0, I_LINK])]  # the others say it once for all, even without packets
        problems = [*([self._damage()] if self._gaps else []), *self._problems]
        if lost := int(state[F_LOST_PACKETS]):
            problems.append(
                Problem(
                    code="bad-block", count=lost, detail="packet blocks that name no interface or overrun themselves"
                )
            )
        dropped = max(int(state[F_DROPPED]), int(state[F_DROPPED_BETWEEN]))  # two ways to say the same
        return FileFacts(
            path=self.source.path,
            packets=packets,
            octets=self._start + self._end,
            first=int(state[F_FIRST_T]) if state[F_TIMED] else None,
            last=int(state[F_LAST_T]) if state[F_TIMED] else None,
            link_types=tuple(links),
            snaplen=int(state[F_SNAPLEN]) or None,
            complete=self._complete,
            dropped=dropped if dropped >= 0 else None,
            problems=problems,
        )


def _largest(snaplen: int | None) -> int:
    """Return how many bytes a record of a file with this snap length can have; sizes beyond all reason tell nothing."""
    return max(USUAL_RECORD, snaplen) if snaplen and snaplen <= MAX_RECORD else USUAL_RECORD
