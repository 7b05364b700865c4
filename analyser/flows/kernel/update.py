"""Decoded packets to flow records: find or make the flow, take copies out, count, keep evidence.

Knows the records of ``flows.layout``. It must not know files or services. It allocates nothing: where the
table, the watched bytes or the quotes have no room it stops and says so, and Python makes room.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.account import ACK, ONE32, RST, SYN, is_first_datagram, note_packet
from analyser.flows.kernel.ip import hash_key, mix
from analyser.flows.kernel.watching import UNWANTED, keep_quote, keep_watched, watch_class
from analyser.flows.layout import (
    ACKS_LATER,
    DUPLICATE_WINDOW,
    FLOW_SUPERSEDED,
    KEY_NEIGHBOUR,
    KIND_DATAGRAM,
    KIND_EXCHANGE,
    KIND_QUOTE,
    KIND_TCP,
    NEIGHBOUR_PART,
    PARTS,
    PROTOCOL_NEIGHBOUR,
    RESEND,
    RETRY_WINDOW,
    S_ARP,
    S_DUPLICATES,
    S_FLOWS,
    S_ICMP_ERRORS,
    S_NEIGHBOURS,
    S_OVERFLOW,
    S_PAYLOADS,
    S_QUOTES,
    S_SAME_TRAFFIC,
    S_SEED,
    S_SERIAL,
    S_WATCH_OFF,
    S_WATCHED,
    S_WATCHED_BYTES,
    SEEN_ROW,
    UPDATE_DONE,
    UPDATE_QUOTES,
    UPDATE_TABLE,
    UPDATE_WATCH,
    WATCH_STREAM_LIMIT,
)
from analyser.machine.loads import inner, prefetch

U = np.uint64
TAG = U(0xFFFFFFFF00000000)
_STRIP = 32  # packets whose memory is asked for together; more would drive one another out of the cache
LOW = U(0xFFFFFFFF)


@inner
def part_of(k: Any, st: Any) -> Any:
    """Return the part that the flows between these two addresses belong to."""
    if (k.k4 >> U(8)) & U(0xFF) == U(KEY_NEIGHBOUR):
        return np.int64(NEIGHBOUR_PART)
    return np.int64(mix(k.a0 ^ k.b0 ^ U(st[S_SEED]), mix(k.a1, k.b1)) >> U(40)) * PARTS >> 24


@inner
def new_flow(k: Any, flows: Any, sides: Any, st: Any) -> Any:
    """Take the next row, clear it and give it the key of ``k``."""
    n = st[S_FLOWS]
    st[S_FLOWS] = n + 1
    st[S_SERIAL] += 1
    r = flows[n]
    r.a0 = k.a0
    r.a1 = k.a1
    r.b0 = k.b0
    r.b1 = k.b1
    r.k4 = k.k4
    r.serial = U(st[S_SERIAL])
    r.history = U(0)
    r.vlan = k.vlan
    r.watched0 = np.uint32(0)
    r.watched1 = np.uint32(0)
    r.letters = np.uint16(0)
    r.icmp = np.uint16(0)
    r.other_file = np.uint16(0)
    r.n_letters = np.uint8(0)
    r.flags = np.uint8(0)
    r.first_side = k.side
    r.other_point = np.uint8(0)
    r.part = np.uint8(part_of(k, st))
    for i in range(2):
        s = sides[2 * n + i]
        s.first_t = 0
        s.last_t = 0
        s.ip_bytes = U(0)
        s.bytes = U(0)
        s.syn_t = 0
        s.syn_last_t = 0
        s.fin_t = 0
        s.rst_t = 0
        s.pkts = np.uint32(0)
        s.dups = np.uint32(0)
        s.isn = np.uint32(0)
        s.ack_first = np.uint32(0)
        s.ack_max = np.uint32(0)
        s.last_frame = np.uint32(0)
        s.syn_frame = np.uint32(0)
        s.syn_last_frame = np.uint32(0)
        s.fin_frame = np.uint32(0)
        s.rst_frame = np.uint32(0)
        s.path = np.uint32(0)
        s.rst_path = np.uint32(0)
        s.copy_path = np.uint32(0)
        s.payload = np.int32(-1)
        s.last_file = np.uint16(0)
        s.syn_file = np.uint16(0)
        s.syn_last_file = np.uint16(0)
        s.fin_file = np.uint16(0)
        s.rst_file = np.uint16(0)
        s.nsyn = np.uint16(0)
        s.nsynack = np.uint16(0)
        s.nfin = np.uint16(0)
        s.nrst = np.uint16(0)
        s.zero_window = np.uint16(0)
        s.ipid_last = np.uint16(0)
        s.syn_ipid = np.uint16(0)
        s.rst_ipid = np.uint16(0)
        s.rst_win = np.uint16(0)
        s.fin_seq = np.uint16(0)
        s.ttl_min = np.uint8(255)
        s.ttl_max = np.uint8(0)
        s.rst_ttl = np.uint8(0)
        s.copy_ttl = np.uint8(0)
        s.acks = np.uint8(0)
        s.point = np.uint8(0)
    return n


@inner
def starts_anew(isn: Any, mine: Any, other: Any) -> Any:
    """Say whether a SYN without ACK of number ``isn`` opens another connection than the one recorded.

    It does when this side sent something before that was not this very SYN, or when the other side's packets belong
    to an older connection: a tail without SYN, or a SYN-ACK that acknowledges another SYN.
    """
    if mine.pkts > 0:
        return mine.nsyn == 0 or mine.isn != isn
    if other.pkts == 0 or other.nsyn > 0:
        return False
    expected = np.uint32(np.int64(isn) + 1)
    return other.nsynack == 0 or (other.ack_first != expected and other.ack_max != expected)


@inner
def find(k: Any, copy: Any, index: Any, flows: Any, sides: Any, st: Any) -> Any:
    """Return the row of the flow that ``k`` belongs to, made now if need be. A ``copy`` of a SYN opens nothing anew."""
    mask = np.int64(index.shape[0] - 1)
    tag = k.hash & TAG
    i = np.int64(k.hash >> U(32)) & mask
    while True:
        v = index[i]
        if v == U(0):
            n = new_flow(k, flows, sides, st)
            index[i] = tag | U(n + 1)
            return n
        if (v & TAG) == tag:
            n = np.int64(v & LOW) - 1
            r = flows[n]
            if r.k4 == k.k4 and r.a1 == k.a1 and r.b1 == k.b1 and r.a0 == k.a0 and r.b0 == k.b0:
                if k.kind == KIND_TCP and not copy and (k.flags & (SYN | ACK | RST)) == SYN:
                    side = np.int64(k.side)
                    if starts_anew(k.seq, sides[2 * n + side], sides[2 * n + 1 - side]):
                        r.flags |= np.uint8(FLOW_SUPERSEDED)
                        n = new_flow(k, flows, sides, st)
                        index[i] = tag | U(n + 1)
                return n
        i = (i + 1) & mask


@inner
def row_of(stamp: Any, seen: Any) -> Any:
    """Return the first slot for a print.

    A row of slots is one line of the processor's cache; the newest print stands first. With one slot each, a packet in
    a thousand between two copies would hide the first from the second.
    """
    return np.int64(stamp >> U(40)) & np.int64(seen.shape[0] - SEEN_ROW)


@inner
def is_copy(stamp: Any, t: Any, seen: Any) -> Any:
    """Say whether a packet of this print was counted less than about a millisecond ago."""
    first = row_of(stamp, seen)
    for i in range(first, first + SEEN_ROW):
        if seen[i].print == stamp:
            gap = t - seen[i].t
            if -DUPLICATE_WINDOW <= gap <= DUPLICATE_WINDOW:
                return True
    return False


@inner
def remember(stamp: Any, t: Any, seen: Any) -> Any:
    """Keep the print of a packet that counts. What does not count must hide no copy that does."""
    first = row_of(stamp, seen)
    for i in range(first + SEEN_ROW - 1, first, -1):
        seen[i].print = seen[i - 1].print
        seen[i].t = seen[i - 1].t
    seen[first].print = stamp
    seen[first].t = t


@inner
def same_traffic(buf: Any, k: Any, r: Any, mine: Any, payloads: Any) -> Any:
    """Say whether another file holds this packet too, further apart than copies of one mirror are.

    A SYN, an echo or a first datagram that comes back with its own IP ID from another capture point, or when nobody would
    repeat it any more, shows that the other capture holds the flow too. Without an ID (IPv6 has none) it comes back from another
    point sooner than anybody repeats it, or from another distance. Each side then counts where its first packet was
    seen: a tap may hold one direction only, and clocks may disagree on where a packet passed first.
    """
    if mine.pkts > 0:
        if np.int64(r.other_file) == np.int64(k.file) + 1 and mine.last_file != k.file:
            return True
        if r.other_point != 0 and mine.point != k.point:
            other = np.int64(r.other_point) - 1
            if other == np.int64(k.point) or other == np.int64(mine.point):
                return True
    if mine.pkts == 0:
        return False
    # Of an endless ping, number and ID may both come round again: a day later it is another one.
    if mine.point == k.point and (k.ipid == 0 or k.kind == KIND_EXCHANGE):
        return False
    if k.kind == KIND_TCP or k.kind == KIND_EXCHANGE:
        if k.kind == KIND_TCP and (k.flags & (SYN | RST)) != SYN:
            return False
        if mine.nsyn + mine.nsynack == 0 or mine.isn != k.seq or mine.syn_ipid != k.ipid or mine.syn_file == k.file:
            return False
        apart = k.t - mine.syn_t
    elif k.kind == KIND_DATAGRAM and mine.payload >= 0:
        d = payloads[np.int64(mine.payload)]
        if d.data_file == k.file or not is_first_datagram(buf, k, d):
            return False
        apart = k.t - d.data_t
    else:
        return False
    if k.ipid == 0 and (apart > RESEND or apart < -RESEND) and mine.ttl_min <= k.ttl <= mine.ttl_max:
        return False
    too_late = mine.acks & np.uint8(ACKS_LATER) > 0 or apart > RETRY_WINDOW or apart < -RETRY_WINDOW
    if mine.point != k.point:
        r.other_point = np.uint8(np.int64(k.point) + 1)
    elif too_late:
        r.other_file = np.uint16(np.int64(k.file) + 1)
    else:
        return False  # a repetition that a rotated set has in its next file
    return True


@inner
def note_copy(k: Any, mine: Any) -> None:
    """Count a copy; the first that is no reset says how the sender's packets look elsewhere, which a reset is held against."""
    mine.dups += ONE32
    if mine.copy_ttl == 0 and not (k.kind == KIND_TCP and k.flags & RST):
        mine.copy_path = k.path
        mine.copy_ttl = k.ttl


@inner
def look_up(packets: Any, i: Any, end: Any, index: Any) -> Any:
    """Ask for the places of the index where ``packets[i:end]`` are looked for."""
    for j in range(i, end):
        prefetch(index, np.int64(packets[j].hash >> U(32)) & np.int64(index.shape[0] - 1))


@inner
def fetch(packets: Any, i: Any, end: Any, index: Any, flows: Any, sides: Any, seen: Any) -> Any:
    """Ask for what counting ``packets[i:end]`` reads: their flows and the slots of their prints."""
    for j in range(i, end):
        k = packets[j]
        prefetch(seen, row_of(k.print, seen))
        v = index[np.int64(k.hash >> U(32)) & np.int64(index.shape[0] - 1)]
        if (v ^ k.hash) >> U(32) == U(0):
            n = np.int64(v & LOW) - 1
            prefetch(flows, n)
            prefetch(sides, 2 * n)
            prefetch(sides, 2 * n + 1)


def update(
    buf: Any, packets: Any, i: Any, end: Any, index: Any, flows: Any, sides: Any, payloads: Any, seen: Any,
    watch: Any, watched: Any, watched_bytes: Any, quotes: Any, repeated: Any, st: Any,
) -> Any:  # fmt: skip
    """Count ``packets[i:end]`` (their payload is in ``buf``). Returns ``(reason, i)``: the first packet not yet counted."""
    room = min(flows.shape[0] - st[S_FLOWS], payloads.shape[0] - st[S_PAYLOADS])
    if room < end - i or (st[S_FLOWS] + end - i) * 2 > index.shape[0]:
        return UPDATE_TABLE, i
    look_up(packets, i, min(i + _STRIP, end), index)
    for j in range(i, end):
        if (j - i) % _STRIP == 0:
            behind = min(j + _STRIP, end)
            fetch(packets, j, behind, index, flows, sides, seen)
            look_up(packets, behind, min(behind + _STRIP, end), index)
        k = packets[j]
        if st[S_QUOTES] >= quotes.shape[0]:
            return UPDATE_QUOTES, j
        if st[S_WATCH_OFF] == 0 and (
            st[S_WATCHED] >= watched.shape[0] or watched_bytes.shape[0] - st[S_WATCHED_BYTES] < WATCH_STREAM_LIMIT
        ):
            return UPDATE_WATCH, j
        copy = is_copy(k.print, k.t, seen)
        n = find(k, copy, index, flows, sides, st)
        r = flows[n]
        side = np.int64(k.side)
        mine = sides[2 * n + side]
        if copy:
            st[S_DUPLICATES] += 1
            if k.kind != KIND_QUOTE:
                note_copy(k, mine)
            continue
        if k.kind == KIND_QUOTE:
            remember(k.print, k.t, seen)
            st[S_ICMP_ERRORS] += 1
            keep_quote(k, r, quotes, st)
            continue
        if same_traffic(buf, k, r, mine, payloads):
            st[S_SAME_TRAFFIC] += 1
            repeated[np.int64(k.file)] += 1
            note_copy(k, mine)
            continue
        remember(k.print, k.t, seen)
        if k.kind == KIND_EXCHANGE and (k.k4 & U(0xFF)) == U(PROTOCOL_NEIGHBOUR):
            st[S_ARP if k.ip_bytes == 0 else S_NEIGHBOURS] += 1
        note_packet(buf, k, r, mine, sides[2 * n + 1 - side], payloads, st)
        if (k.kind == KIND_TCP and k.length > 0 and (k.flags & RST) == 0) or k.kind == KIND_DATAGRAM:
            count = watch_class(buf, k, r, mine, payloads, watch)
            if count >= 0 and st[S_WATCH_OFF] == 0:
                keep_watched(buf, k, r, count, watched, watched_bytes, st)
            elif count != UNWANTED:
                st[S_OVERFLOW] += 1
    return UPDATE_DONE, end


def rebuild(index: Any, flows: Any, n: Any, seed: Any) -> Any:
    """Fill an empty ``index`` with the first ``n`` rows of ``flows`` that packets can still find. Returns ``(n, 0)``."""
    mask = np.int64(index.shape[0] - 1)
    for row in range(n):
        r = flows[row]
        if r.flags & np.uint8(FLOW_SUPERSEDED):
            continue
        h = hash_key(r.a0, r.a1, r.b0, r.b1, r.k4, U(seed))
        i = np.int64(h >> U(32)) & mask
        while index[i] != U(0):
            i = (i + 1) & mask
        index[i] = (h & TAG) | U(row + 1)
    return n, 0
