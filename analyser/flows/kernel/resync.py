"""Find where records go on: behind damage, or from any place in the middle of a file.

Knows what headers of records look like and what follows them. Must not know packets or flows. A place is believed when
four plausible headers stand in a chain there, or fewer that end exactly where the file ends.
Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, RFC 1761 (snoop).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.framing import NANOSECONDS, r32
from analyser.flows.layout import (
    F_CAUGHT_AT,
    F_FIRST_T,
    F_FORMAT,
    F_FRACTION,
    F_LAST_T,
    F_LENGTH_AT,
    F_LIMIT,
    F_RECORD,
    F_SWAPPED,
    F_TIME_AT,
    F_TIMED,
    F_TRUST,
    FORMAT_PCAPNG,
    FORMAT_SNOOP,
    MOST_PADDING,
    RESYNC_FOUND,
    RESYNC_MORE,
    RESYNC_NONE,
    USUAL_RECORD,
)
from analyser.machine.loads import be32, inner, le32

CHAIN = 4
CUT_CHAIN = 3  # so many whole records are believed although the file ends within the next one
YEAR = np.int64(366 * 86400)
DAY = np.int64(86400)
LONGEST_BLOCK = np.int64(1 << 20)  # in a chain: packets are shorter, and no more than a few of these are held at once

WAIT = np.int64(-1)
NOTHING = np.int64(-2)


@inner
def end_of_record(buf: Any, p: Any, source: Any) -> Any:
    """Return where the record (pcap, snoop) whose header is at ``p`` ends, NOTHING if its lengths are impossible."""
    caught = r32(buf, p + source[F_CAUGHT_AT], source[F_SWAPPED] != 0)
    following = p + source[F_RECORD] + caught
    if source[F_FORMAT] == FORMAT_SNOOP:
        padding = be32(buf, p + 8) - source[F_RECORD] - caught
        if padding < 0 or padding > MOST_PADDING:
            return NOTHING
        following += padding
    return following if caught <= source[F_LIMIT] else NOTHING


@inner
def chain_of_records(buf: Any, p: Any, end: Any, final: Any, odd: Any, earliest: Any, latest: Any, source: Any) -> Any:
    """Return where a chain of records (pcap, snoop) that begins at ``p`` ends, WAIT, or NOTHING.

    ``odd``: each header may have a strange time or strange lengths, if not both (the record before them was whole, so
    something does stand here). Times are believed from second ``earliest`` to ``latest``.
    """
    swapped = source[F_SWAPPED] != 0
    before = np.int64(-1)
    n = 0
    timed = 0
    while n < CHAIN:
        if p + source[F_RECORD] > end:
            if not final:
                return WAIT
            if n < CUT_CHAIN and (
                p != end or (source[F_TIMED] == 0 and not odd)
            ):  # without a time to compare with, zeros would do
                return NOTHING
            break
        seconds = r32(buf, p + source[F_TIME_AT], swapped)
        fraction = r32(buf, p + source[F_TIME_AT] + 4, swapped)
        caught = r32(buf, p + source[F_CAUGHT_AT], swapped)
        length = r32(buf, p + source[F_LENGTH_AT], swapped)
        following = end_of_record(buf, p, source)
        if following < 0:
            return NOTHING
        well_framed = caught <= length and 0 < length <= max(source[F_LIMIT], USUAL_RECORD)
        well_timed = fraction < source[F_FRACTION] and earliest <= seconds <= latest
        if odd:
            if not well_framed and not well_timed:
                return NOTHING
        else:
            well_timed = well_timed and (before < 0 or abs(seconds - before) <= DAY)
            if not well_framed or (n == 0 and not well_timed):
                return NOTHING
        if well_timed:
            timed += 1
            before = seconds
        n += 1
        p = following
    if not odd and timed < n - 1:
        return NOTHING
    return min(p, end)


@inner
def is_known(kind: Any) -> Any:
    """Say whether a block type is one that programs write."""
    return (
        1 <= kind <= 10 or kind == 0x0A0D0D0A or kind == 0xBAD or kind == 0x40000BAD or 0x101 <= kind <= 0x102
        or 0x201 <= kind <= 0x222
    )  # fmt: skip


@inner
def chain_of_blocks(buf: Any, p: Any, end: Any, final: Any, swapped: Any) -> Any:
    """Return where a chain of pcapng blocks that begins at ``p`` ends, WAIT, or NOTHING; only the first type must be known."""
    n = 0
    while n < CHAIN:
        length = np.int64(12)
        if p + 12 <= end:
            kind = r32(buf, p, swapped)
            if kind == 0x0A0D0D0A:
                order = le32(buf, p + 8)
                if order != 0x1A2B3C4D and order != 0x4D3C2B1A:
                    return NOTHING
                swapped = order == 0x4D3C2B1A
            elif n == 0 and not is_known(kind):
                return NOTHING
            length = r32(buf, p + 4, swapped)
            if length < 12 or length & 3 != 0 or length > LONGEST_BLOCK:
                return NOTHING
        if p + length > end:
            if not final:
                return WAIT
            if (p != end or n == 0) and n < CUT_CHAIN:
                return NOTHING
            return end
        if r32(buf, p + length - 4, swapped) != length:
            return NOTHING
        n += 1
        p += length
    return p


def resync(buf: Any, start: Any, odd: Any, end: Any, final: Any, source: Any) -> Any:
    """Find where records go on in ``buf[start:end]``.

    Args:
        buf: the block of bytes.
        start: where to begin looking.
        odd: the place of a header that `fill` would not take; it is right if what follows it is. -1: none.
        end: end of the bytes.
        final: 1 if the file ends there.
        source: the state of the source; ``F_TRUST`` (how far the headers were looked at) is set.

    Returns ``(what, place)``. What: RESYNC_FOUND at ``place``; RESYNC_MORE: bytes before ``place`` are done with, call
    again with more; RESYNC_NONE. The time it takes grows with the bytes looked at, whatever they are.

    From a place in the middle of a file this finds a boundary of records unless a capture travels in packets there: who
    cuts a file must see that the part before ends exactly where the next begins.
    """
    earliest = np.int64(0)
    latest = np.int64(1) << 32
    if source[F_TIMED] > 0:
        earliest = source[F_FIRST_T] // NANOSECONDS - YEAR
        latest = source[F_LAST_T] // NANOSECONDS + YEAR
    pcapng = source[F_FORMAT] == FORMAT_PCAPNG
    if odd >= 0 and not pcapng:
        stop = WAIT
        if odd + source[F_RECORD] <= end:
            stop = end_of_record(buf, odd, source)
            if stop >= 0 and (stop <= end or not final):
                stop = chain_of_records(buf, stop, end, final, True, earliest, latest, source)
            else:
                stop = NOTHING
        if stop >= 0:
            source[F_TRUST] = stop
            return RESYNC_FOUND, odd
        if stop == WAIT and not final:
            return RESYNC_MORE, start
    p = start
    swapped = source[F_SWAPPED] != 0
    timed = source[F_TIMED] > 0 and not pcapng
    while p < end:
        # No chain begins with a time that cannot be: most places need no closer look.
        if timed and p + source[F_RECORD] <= end:
            seconds = r32(buf, p + source[F_TIME_AT], swapped)
            if seconds < earliest or seconds > latest:
                p += 1
                continue
        if pcapng:
            stop = chain_of_blocks(buf, p, end, final, swapped)
        else:
            stop = chain_of_records(buf, p, end, final, False, earliest, latest, source)
        if stop == WAIT:
            return RESYNC_MORE, p
        if stop >= 0:
            source[F_TRUST] = stop
            return RESYNC_FOUND, p
        p += 1
    return (RESYNC_NONE if final else RESYNC_MORE), p
