"""Chosen frames of one capture, as they were caught: for those who want to look at the packets behind a finding.

Knows records and where their headers end, by the same kernel that counted them, so that frame numbers mean the same behind
damage, in sections and inside tunnels. It must not know flows or findings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.decoder import Decoder
from analyser.flows.layout import (
    F_CAUGHT_AT,
    F_FORMAT,
    F_FRAME,
    F_LENGTH_AT,
    F_POS,
    F_PREVIOUS,
    F_RECORD,
    F_SWAPPED,
    FILL_LOST,
    FORMAT_PCAPNG,
    I_LINK,
    I_SNAPLEN,
    PACKET,
    PROTOCOL_NEIGHBOUR,
)
from analyser.flows.memory import Limits, Memory
from analyser.model.capture import ByteSource, CaughtFrame

_NEIGHBOUR: Final = 28
"""ARP (RFC 826) behind its Ethernet header; an ICMPv6 neighbour message has fewer bytes behind its own."""

_SIMPLE, _OLD = 3, 2
"""pcapng's simple and obsolete packet blocks; their numbers differ from the enhanced one's (draft-ietf-opsawg-pcapng)."""


def picked(source: ByteSource, wanted: Collection[int]) -> Iterator[CaughtFrame]:
    """Give the frames of ``source`` whose numbers are ``wanted``, in their order; what holds no packet is left out.

    Reads no further than the last of them. The source is closed at the end.
    """
    picker = _Picker(source, 0, 0, Memory(Limits(), {}))
    try:
        yield from picker.pick(wanted)
    finally:
        source.close()


class _Picker(Decoder):
    """A capture decoded batch by batch; a batch with a wanted frame is gone through once more, frame by frame."""

    def pick(self, wanted: Collection[int]) -> Iterator[CaughtFrame]:
        """Give the wanted frames."""
        batch: NDArray[Any] = np.empty(self._memory.limits.batch, PACKET)
        left = sorted(set(wanted), reverse=True)
        while left and not self.ended:
            before = self._state.copy()
            reason, count = self._fill(batch)
            last = int(self._state[F_FRAME])
            if left[-1] <= last:
                self._state[:] = before
                yield from self._one_by_one(batch[:1], frozenset(left), last)
                while left and left[-1] <= last:
                    left.pop()
            elif not count and reason == FILL_LOST:
                self._find_again()
            elif not count:
                self._read_on()

    def _one_by_one(self, one: NDArray[Any], wanted: Collection[int], last: int) -> Iterator[CaughtFrame]:
        while int(self._state[F_FRAME]) < last:
            _, count = self._fill(one)
            if not count:  # what is left of the batch was no packet
                return
            if int(one["frame"][0]) in wanted:
                yield self._caught(one[0])

    def _caught(self, packet: Any) -> CaughtFrame:
        start, caught, length, link = self._record(int(self._state[F_PREVIOUS]))
        headers = int(packet["offset"]) - start
        if int(packet["k4"]) & 0xFF == PROTOCOL_NEIGHBOUR:
            headers += _NEIGHBOUR
        return CaughtFrame(
            number=int(packet["frame"]),
            t=int(packet["t"]),
            link_type=link,
            data=self.blocks.block[start : start + caught].tobytes(),
            length=max(length, caught),
            headers=min(max(headers, 0), caught),
        )

    def _record(self, at: int) -> tuple[int, int, int, int]:
        """Return where the packet of the record at ``at`` begins, its caught and its original length, and its link type."""
        state = self._state
        if state[F_FORMAT] != FORMAT_PCAPNG:
            caught, length = (self._word(at + int(state[place])) for place in (F_CAUGHT_AT, F_LENGTH_AT))
            return at + int(state[F_RECORD]), caught, length, int(self._interfaces[0, I_LINK])
        kind = self._word(at)
        if kind == _SIMPLE:
            length = self._word(at + 8)
            snaplen = int(self._interfaces[0, I_SNAPLEN])
            caught = min(length, int(state[F_POS]) - at - 16, snaplen or length)
            return at + 12, caught, length, int(self._interfaces[0, I_LINK])
        interface = self._word(at + 8)
        if kind == _OLD:  # 16 bits; the other 16 count lost packets
            interface = interface >> 16 if state[F_SWAPPED] else interface & 0xFFFF
        return at + 28, self._word(at + 20), self._word(at + 24), int(self._interfaces[interface, I_LINK])

    def _word(self, at: int) -> int:
        return int.from_bytes(self.blocks.block[at : at + 4].tobytes(), "big" if self._state[F_SWAPPED] else "little")
