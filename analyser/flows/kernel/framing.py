"""Records of a capture file, one after the other, each decoded into the batch.

Knows the pcap format (draft-ietf-opsawg-pcap) and its relatives, snoop (RFC 1761), and pcapng's blocks
(draft-ietf-opsawg-pcapng). It must not
know flows. It stops where it needs more bytes, where the batch is full, and where no record can stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.ip import print_of
from analyser.flows.kernel.link import CLOSED, RECORD, decode
from analyser.flows.layout import (
    F_CAUGHT_AT,
    F_DROPPED,
    F_DROPPED_BETWEEN,
    F_FILE,
    F_FIRST_T,
    F_FORMAT,
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
    F_SECTIONS,
    F_SNAPLEN,
    F_SWAPPED,
    F_TIME_AT,
    F_TIMED,
    F_TRUST,
    FILL_BATCH,
    FILL_CLOSED,
    FILL_LOST,
    FILL_MORE,
    FORMAT_PCAPNG,
    FORMAT_SNOOP,
    I_DIVISOR,
    I_DROPPED,
    I_LINK,
    I_MULTIPLIER,
    I_OFFSET,
    I_SNAPLEN,
    MAX_RECORD,
    MOST_PADDING,
    S_RECORDS,
    S_UNREADABLE,
)
from analyser.machine.loads import be16, be32, be64, inner, le16, le32, le64, u8

NANOSECONDS = np.int64(1_000_000_000)
MOST_DROPPED = np.int64(1 << 40)  # more between two packets is no count
LAST_SECOND = np.int64(9_223_372_035)  # the last second whose nanoseconds fit 64 bits


@inner
def r16(buf: Any, p: Any, swapped: Any) -> Any:
    """Read 16 bits in the file's byte order."""
    return be16(buf, p) if swapped else le16(buf, p)


@inner
def r32(buf: Any, p: Any, swapped: Any) -> Any:
    """Read 32 bits in the file's byte order."""
    return be32(buf, p) if swapped else le32(buf, p)


@inner
def ticks_to_ns(ticks: Any, multiplier: Any, divisor: Any, offset: Any) -> Any:
    """Turn a pcapng time stamp (unsigned 64 bits) into ns; what lies beyond the year 2262 becomes the last moment."""
    if divisor == 1:
        per_second = np.uint64(NANOSECONDS // multiplier)
        seconds = np.int64(ticks // per_second)
        rest = np.int64(ticks % per_second) * multiplier
    else:
        seconds = np.int64(ticks // np.uint64(divisor))
        part = ticks % np.uint64(divisor)
        rest = np.int64(np.float64(part) * 1e9 / np.float64(divisor))
    if seconds < 0 or seconds > LAST_SECOND or seconds + offset // NANOSECONDS > LAST_SECOND:
        return LAST_SECOND * NANOSECONDS
    return seconds * NANOSECONDS + rest + offset


@inner
def read_interface(buf: Any, p: Any, end: Any, swapped: Any, source: Any, interfaces: Any) -> Any:
    """Read an interface description block (body ``p`` to ``end``): link type, snap length, resolution, offset."""
    n = source[F_INTERFACES]
    source[F_INTERFACES] = n + 1
    if n >= interfaces.shape[0]:
        return
    row = interfaces[n]
    row[I_LINK] = r16(buf, p, swapped)
    row[I_SNAPLEN] = r32(buf, p + 4, swapped)
    row[I_MULTIPLIER] = 1000
    row[I_DIVISOR] = 1
    row[I_OFFSET] = 0
    if row[I_SNAPLEN] > 0 and (source[F_SNAPLEN] == 0 or row[I_SNAPLEN] < source[F_SNAPLEN]):
        source[F_SNAPLEN] = row[I_SNAPLEN]
    row[I_DROPPED] = -1
    o = p + 8
    while o + 4 <= end:
        option = r16(buf, o, swapped)
        length = r16(buf, o + 2, swapped)
        if option == 0 or o + 4 + length > end:
            break
        if option == 9 and length >= 1:
            resolution = u8(buf, o + 4)
            if resolution & 0x80:
                row[I_DIVISOR] = np.int64(1) << min(resolution & 0x7F, 62)
                row[I_MULTIPLIER] = NANOSECONDS  # for 2**0: whole seconds
            elif resolution <= 9:
                multiplier = np.int64(1)
                for _ in range(9 - resolution):
                    multiplier *= 10
                row[I_MULTIPLIER] = multiplier
            else:
                divisor = np.int64(1)
                for _ in range(min(resolution, 18)):
                    divisor *= 10
                row[I_DIVISOR] = divisor
        elif option == 14 and length >= 8:
            raw = be64(buf, o + 4) if swapped else le64(buf, o + 4)
            seconds = np.int64(raw)
            if -LAST_SECOND <= seconds <= LAST_SECOND:
                row[I_OFFSET] = seconds * NANOSECONDS
        o += 4 + ((length + 3) & ~3)


@inner
def read_statistics(buf: Any, p: Any, end: Any, swapped: Any, source: Any, interfaces: Any) -> Any:
    """Read an interface statistics block: how many packets the interface and the system dropped so far."""
    n = r32(buf, p, swapped)
    if n >= source[F_INTERFACES] or n >= interfaces.shape[0]:
        return
    dropped = np.int64(-1)
    o = p + 12
    while o + 4 <= end:
        option = r16(buf, o, swapped)
        length = r16(buf, o + 2, swapped)
        if option == 0 or o + 4 + length > end:
            break
        if (option == 5 or option == 7) and length >= 8:
            raw = np.int64(be64(buf, o + 4) if swapped else le64(buf, o + 4))
            if raw >= 0:
                dropped = max(dropped, np.int64(0)) + raw
        o += 4 + ((length + 3) & ~3)
    if dropped >= 0:
        before = max(interfaces[n, I_DROPPED], np.int64(0))
        if dropped >= before:  # counters run from the start: the last block tells all
            source[F_DROPPED] = max(source[F_DROPPED], np.int64(0)) + dropped - before
            interfaces[n, I_DROPPED] = dropped


@inner
def read_packet_options(buf: Any, o: Any, end: Any, swapped: Any, source: Any) -> Any:
    """Read the options of an enhanced packet block (``o`` to ``end``): packets dropped between it and the one before."""
    while o + 4 <= end:
        option = r16(buf, o, swapped)
        length = r16(buf, o + 2, swapped)
        if option == 0 or o + 4 + length > end:
            break
        if option == 4 and length == 8:
            raw = np.int64(be64(buf, o + 4) if swapped else le64(buf, o + 4))
            if 0 <= raw < MOST_DROPPED:
                source[F_DROPPED_BETWEEN] = max(source[F_DROPPED_BETWEEN], np.int64(0)) + raw
        o += 4 + ((length + 3) & ~3)


@inner
def stamp(k: Any, t: Any, timed: Any, source: Any) -> Any:
    """Give a record its time and frame number; ``timed``: the time is its own."""
    if timed:
        if source[F_TIMED] == 0:
            source[F_FIRST_T] = t
            source[F_LAST_T] = t
        source[F_FIRST_T] = min(source[F_FIRST_T], t)
        source[F_LAST_T] = max(source[F_LAST_T], t)
        source[F_TIMED] += 1
    k.t = t
    k.frame = np.uint32(source[F_FRAME])
    k.file = np.uint16(source[F_FILE])
    k.point = np.uint8(source[F_POINT])


@inner
def decodable(link: Any) -> Any:
    """Say whether `decode` understands a link type."""
    return (
        link == 1 or link == 113 or link == 276 or link == 0 or link == 108 or link == 101 or link == 12 or link == 14
        or link == 228 or link == 229 or link == 6 or link == 9 or link == 10 or link == 50 or link == 51 or link == 104
        or link == 105 or link == 107 or link == 109 or link == 117 or link == 119 or link == 127 or link == 138 or link == 163
        or link == 192 or link == 239 or link == 258
    )  # fmt: skip


@inner
def is_numbered(kind: Any) -> Any:
    """Say whether a block is no packet and yet has a frame number in Wireshark: custom, journal and system call blocks."""
    return (
        kind == 0xBAD or kind == 0x40000BAD or kind == 9 or kind == 0x204 or kind == 0x208 or kind == 0x216 or kind == 0x221
    )  # fmt: skip


def fill(
    buf: Any, end: Any, source: Any, interfaces: Any, packets: Any, fragments: Any, paths: Any, path_index: Any,
    tunnels: Any, tunnel_index: Any, eth_counts: Any, ip_counts: Any, link_counts: Any, st: Any, opener: Any,
) -> Any:  # fmt: skip
    """Frame and decode records of ``buf[source[F_POS]:end]`` into ``packets``.

    Returns ``(reason, n)``: why it stopped (FILL_…) and how many packets are decoded. ``source[F_POS]`` is then the
    first byte not done, ``source[F_NEED]`` how many bytes the record there needs. ``opener`` as in ``link.decode``.
    """
    n = 0
    size = packets.shape[0]
    pos = source[F_POS]
    pcapng = source[F_FORMAT] == FORMAT_PCAPNG
    snoop = source[F_FORMAT] == FORMAT_SNOOP
    record = source[F_RECORD]
    time_at = source[F_TIME_AT]
    caught_at = source[F_CAUGHT_AT]
    length_at = source[F_LENGTH_AT]
    limit = source[F_LIMIT]
    trust = source[F_TRUST]
    previous = source[F_PREVIOUS]
    source[F_NEED] = 1
    reason = FILL_BATCH
    while n < size:
        swapped = source[F_SWAPPED] != 0
        frame = source[F_FRAME]
        timed = source[F_TIMED]
        between = source[F_DROPPED_BETWEEN]
        kind = np.int64(0)
        start = np.int64(-1)
        caught = np.int64(0)
        t = np.int64(0)
        interface = np.int64(0)
        if not pcapng:
            if pos + record > end:
                source[F_NEED] = record
                reason = FILL_MORE
                break
            caught = r32(buf, pos + caught_at, swapped)
            length = r32(buf, pos + length_at, swapped)
            seconds = r32(buf, pos + time_at, swapped)
            fraction = r32(buf, pos + time_at + 4, swapped)
            if caught > limit or (
                (caught > length or length | seconds == 0 or fraction >= NANOSECONDS) and pos >= trust
            ):  # damage, or a writer with odd habits
                reason = FILL_LOST
                break
            start = pos + record
            following = start + caught
            if snoop:
                padding = be32(buf, pos + 8) - record - caught
                if padding < 0 or padding > MOST_PADDING:
                    reason = FILL_LOST
                    break
                following += padding
            if following > end:
                source[F_NEED] = following - pos
                reason = FILL_MORE
                break
            if snoop:  # packets dropped since the beginning
                source[F_DROPPED] = max(source[F_DROPPED], be32(buf, pos + 12))
            t = seconds * NANOSECONDS + fraction * interfaces[0, I_MULTIPLIER]
        else:
            if pos + 12 > end:
                source[F_NEED] = 12
                reason = FILL_MORE
                break
            kind = le32(buf, pos)
            if kind == 0x0A0D0D0A:
                order = le32(buf, pos + 8)
                if order == 0x1A2B3C4D:
                    swapped = False
                elif order == 0x4D3C2B1A:
                    swapped = True
                else:
                    reason = FILL_LOST
                    break
            kind = r32(buf, pos, swapped)
            length = r32(buf, pos + 4, swapped)
            if length < 12 or length & 3 != 0 or length > MAX_RECORD:
                reason = FILL_LOST
                break
            following = pos + length
            if following > end:
                source[F_NEED] = length
                reason = FILL_MORE
                break
            if r32(buf, following - 4, swapped) != length:
                reason = FILL_LOST
                break
            body = following - 4
            if kind == 0x0A0D0D0A:
                source[F_SWAPPED] = 1 if swapped else 0
                source[F_INTERFACES] = 0
                source[F_SECTIONS] += 1
            elif kind == 1 and length >= 20:
                read_interface(buf, pos + 8, body, swapped, source, interfaces)
            elif kind == 5 and length >= 24:
                read_statistics(buf, pos + 8, body, swapped, source, interfaces)
            elif (kind == 6 or kind == 2) and length >= 32:
                interface = r32(buf, pos + 8, swapped) if kind == 6 else r16(buf, pos + 8, swapped)
                caught = r32(buf, pos + 20, swapped)
                source[F_FRAME] += 1
                if caught <= length - 32 and interface < min(source[F_INTERFACES], interfaces.shape[0]):
                    row = interfaces[interface]
                    ticks = np.uint64(r32(buf, pos + 12, swapped)) << np.uint64(32) | np.uint64(
                        r32(buf, pos + 16, swapped)
                    )
                    t = ticks_to_ns(ticks, row[I_MULTIPLIER], row[I_DIVISOR], row[I_OFFSET])
                    start = pos + 28
                    options = start + ((caught + 3) & ~3)
                    if kind == 6 and options + 4 <= body:
                        read_packet_options(buf, options, body, swapped, source)
                    elif kind == 2:
                        dropped = r16(buf, pos + 10, swapped)
                        if dropped != 0xFFFF:  # unknown
                            source[F_DROPPED_BETWEEN] = max(source[F_DROPPED_BETWEEN], np.int64(0)) + dropped
                else:
                    source[F_LOST_PACKETS] += 1
                    st[S_UNREADABLE] += 1
            elif kind == 3 and length >= 16:
                source[F_FRAME] += 1
                if source[F_INTERFACES] > 0:
                    caught = min(r32(buf, pos + 8, swapped), length - 16)
                    if interfaces[0, I_SNAPLEN] > 0:
                        caught = min(caught, interfaces[0, I_SNAPLEN])
                    t = source[F_LAST_T]  # this block has no time: that of the packet before it is the nearest truth
                    start = pos + 12
                else:
                    source[F_LOST_PACKETS] += 1
                    st[S_UNREADABLE] += 1
            elif is_numbered(kind):
                source[F_FRAME] += 1
                st[S_RECORDS] += 1
            if start < 0:
                pos = following
                continue
            source[F_FRAME] -= 1
        source[F_FRAME] += 1
        k = packets[n]
        stamp(k, t, not pcapng or kind != 3, source)
        link = interfaces[interface, I_LINK]
        if link < 512:
            source[F_LINKS + (link >> 6)] |= np.int64(1) << (link & 63)
        if not decodable(link):
            link_counts[link & 0xFFFF] += 1
        else:
            found = decode(
                buf, start, start + caught, link, source[F_POINT] << 24 | (interface & 0xFF) << 16, k, fragments, paths,
                path_index, tunnels, tunnel_index, eth_counts, ip_counts, st, opener,
            )  # fmt: skip
            if found == CLOSED:  # it will be read once more: what grows with each packet is as it was
                source[F_FRAME] = frame
                source[F_TIMED] = timed
                source[F_DROPPED_BETWEEN] = between
                reason = FILL_CLOSED
                break
            if found == RECORD:
                k.print = print_of(k)
                n += 1
        previous = pos
        pos = following
    source[F_POS] = pos
    source[F_PREVIOUS] = previous
    return reason, n
