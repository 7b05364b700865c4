"""One capture as bytes, turned into decoded packets by the kernel.

Knows blocks of bytes and where a file ends, is cut, or is damaged. It must not know flows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.blocks import Blocks
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
    FILL_CLOSED,
    FILL_LOST,
    FORMAT_PCAPNG,
    FORMATS,
    I_LINK,
    I_MULTIPLIER,
    I_SIZE,
    I_SNAPLEN,
    MAX_INTERFACES,
    MAX_RECORD,
    RESYNC_FOUND,
    RESYNC_MORE,
    USUAL_RECORD,
)
from analyser.flows.memory import POINTS, Memory
from analyser.machine import cache
from analyser.machine.native import kernel
from analyser.model.capture import ByteSource, FileFacts, Problem

PLACES_TOLD: Final = 5
"""So many damaged places are named; all are counted."""


class Decoder:
    """A capture whose packets are decoded batch by batch.

    ``point`` tells captures apart that run at the same time; the files of a rotated set share theirs. ``notice`` as for
    :func:`analyser.flows.reader.read_captures`.
    """

    def __init__(
        self,
        source: ByteSource,
        number: int,
        point: int,
        memory: Memory,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        header = source.header
        self.source = source
        self.point = min(point, POINTS - 1)
        self._fragments = memory.fragments_at(self.point)
        self._memory = memory
        self._notice = notice
        self._opener = 0  # where the code stands that opens tunnels and rare link types; loaded when one comes
        self.blocks = Blocks(source, memory.limits.block)
        self.ended = False
        self._start = 0  # offset in the file of the buffer's first byte
        self._complete = True
        self._problems: list[Problem] = []
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
    def offset(self) -> int:
        """Bytes of the file that are done."""
        return self._start + int(self._state[F_POS])

    def decode(self, packets: NDArray[Any]) -> int:
        """Decode the next packets into ``packets``, their payload into ``blocks.block``; return how many, 0 at the end."""
        while not self.ended:
            reason, count = self._fill(packets)
            if count:  # also where track was lost behind them: the place is looked at when they are counted
                return count
            if reason == FILL_LOST:
                self._find_again()
            else:
                self._read_on()
        return 0

    def _fill(self, packets: NDArray[Any]) -> tuple[int, int]:
        """Decode what the block has; return why the kernel stopped, and how many packets there are."""
        memory = self._memory
        reason, count = kernel("fill")(
            self.blocks.block, self.blocks.end, self._state, self._interfaces, packets, self._fragments, memory.paths,
            memory.path_index, memory.tunnels, memory.tunnel_index, memory.eth_counts, memory.ip_counts,
            memory.link_counts, memory.st, self._opener,
        )  # fmt: skip
        if reason != FILL_CLOSED:
            return reason, count
        if self._notice is not None and not cache.is_warm("opened"):
            self._notice("compiling what opens tunnels and rare link types; this happens once, too")
        self._opener = kernel("opened").address
        reason, more = self._fill(packets[count:])
        return reason, count + more

    def _read_on(self) -> None:
        """Go on with more bytes; at the end of the file see what the rest of them is."""
        done = int(self._state[F_POS])
        if self._more(done, int(self._state[F_NEED])):
            if self._skip:
                self._skip_header()
            return
        left = self.blocks.end
        if not left:
            self.ended = True
        elif not self._found(1, -1, 0):  # a record that claims too much hides those behind it
            self.ended = True
            self._complete = False
            self._problems.append(
                Problem(code="cut-short", count=left, detail=f"ends in the middle of a record at byte {self._start}")
            )

    def _more(self, done: int, need: int) -> int:
        """Go on with what follows ``done`` in front, and read; 0 at the end. ``need`` as in :meth:`Blocks.go_on`."""
        got = self.blocks.go_on(done, need)
        self._start += done
        state = self._state
        state[F_POS] = max(int(state[F_POS]) - done, 0)
        state[F_TRUST] -= done
        state[F_PREVIOUS] = -1
        self._final = got == 0
        return got

    def _skip_header(self) -> None:
        """Step over the file header; a pipe may deliver it in pieces."""
        step = min(self._skip, self.blocks.end)
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
            what, place = kernel("resync")(
                self.blocks.block, start, odd, self.blocks.end, int(self._final), self._state
            )
            if what != RESYNC_MORE:
                break
            self._more(place, 0)
            start, odd = 0, odd - place
        found = what == RESYNC_FOUND
        if found:
            self._state[F_POS] = place
            self._state[F_PREVIOUS] = -1
            if place == odd:
                return True
        elif cut:
            return False
        at = self._start + (place if found else self.blocks.end)
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
            octets=self._start + self.blocks.end,
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
