"""Decoded packets to flow records: find or make the flow, take copies out, count, keep evidence.

Knows the records of ``flows.layout``. It must not know files or services. It allocates nothing: where the
table, the watched bytes or the quotes have no room it stops and says so, and Python makes room.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.decode import hash_key, mix
from analyser.flows.kernel.loads import be64, entry, inner, prefetch, u8
from analyser.flows.layout import (
    ANSWER_WINDOW,
    DUPLICATE_WINDOW,
    FIRST_BYTES,
    FLOW_LOOPBACK,
    FLOW_SUPERSEDED,
    FLOW_TLS_DONE0,
    FLOW_TLS_DONE1,
    KIND_DATAGRAM,
    KIND_EXCHANGE,
    KIND_FRAGMENT,
    KIND_QUOTE,
    KIND_TCP,
    S_DUPLICATES,
    S_FLOWS,
    S_OVERFLOW,
    S_PAYLOADS,
    S_QUOTES,
    S_QUOTES_OFF,
    S_SAME_TRAFFIC,
    S_SEED,
    S_SERIAL,
    S_WATCH_OFF,
    S_WATCHED,
    S_WATCHED_BYTES,
    UPDATE_DONE,
    UPDATE_QUOTES,
    UPDATE_TABLE,
    UPDATE_WATCH,
    WATCH_CONTROL,
    WATCH_CONTROL_LIMIT,
    WATCH_DATAGRAM,
    WATCH_DATAGRAM_LIMIT,
    WATCH_HTTP_LIMIT,
    WATCH_STREAM,
    WATCH_STREAM_LIMIT,
)

U = np.uint64
TAG = U(0xFFFFFFFF00000000)
LOW = U(0xFFFFFFFF)
ONE16 = np.uint16(1)
ONE32 = np.uint32(1)
HTTP_STATUS = U(0x485454502F312E00)  # "HTTP/1."

FIN = 1
SYN = 2
RST = 4
ACK = 16


@inner
def add16(n: Any) -> Any:
    """Return n + 1, staying at the largest 16-bit number."""
    return np.uint16(n + (n < 65535))


@inner
def ahead(a: Any, b: Any) -> Any:
    """Return how far sequence number ``a`` is beyond ``b`` (negative: behind), modulo 2**32 (RFC 9293, 3.4)."""
    d = (np.int64(a) - np.int64(b)) & 0xFFFFFFFF
    return d - 0x100000000 if d >= 0x80000000 else d


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
    r.pad = np.uint8(0)
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
        s.ttl_min = np.uint8(255)
        s.ttl_max = np.uint8(0)
        s.rst_ttl = np.uint8(0)
        s.acks = np.uint8(0)
    return n


@inner
def starts_anew(isn: Any, mine: Any, other: Any) -> Any:
    """Say whether a SYN without ACK of number ``isn`` opens another connection than the one recorded.

    It does when this side sent something before that was not this very SYN, or when only the tail of an
    older connection is recorded.
    """
    if mine.pkts > 0:
        return mine.nsyn == 0 or mine.isn != isn
    return other.pkts > 0 and other.nsyn == 0 and other.nsynack == 0


@inner
def find(k: Any, index: Any, flows: Any, sides: Any, st: Any) -> Any:
    """Return the row of the flow that ``k`` belongs to, made now if need be."""
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
                if k.kind == KIND_TCP and (k.flags & (SYN | ACK | RST)) == SYN:
                    side = np.int64(k.side)
                    if starts_anew(k.seq, sides[2 * n + side], sides[2 * n + 1 - side]):
                        r.flags |= np.uint8(FLOW_SUPERSEDED)
                        n = new_flow(k, flows, sides, st)
                        index[i] = tag | U(n + 1)
                return n
        i = (i + 1) & mask


@inner
def note_letter(r: Any, side: Any, letter: Any) -> Any:
    """Add a letter of the history the first time this side shows it."""
    nibble = np.int64(side) << 3 | letter
    bit = np.int64(1) << nibble
    if np.int64(r.letters) & bit == 0:
        r.letters = np.uint16(np.int64(r.letters) | bit)
        r.history |= U(nibble) << U(4 * np.int64(r.n_letters))
        r.n_letters = np.uint8(r.n_letters + np.uint8(1))


@inner
def is_copy(k: Any, seen: Any, st: Any) -> Any:
    """Say whether the same packet passed less than about a millisecond ago (TTL, MAC, VLAN may differ: routed copies)."""
    stamp = mix(
        k.hash ^ (U(k.seq) << U(32) | U(k.ack)),
        (U(k.ipid) << U(48) | U(k.checksum) << U(32) | U(k.length) << U(16)) ^ (U(k.flags) << U(8) | U(k.kind) << U(1) | U(k.side))
        ^ (U(k.window) << U(20)),
    )  # fmt: skip
    slot = seen[np.int64(stamp >> U(40)) & np.int64(seen.shape[0] - 1)]
    if slot.print == stamp:
        gap = k.t - slot.t
        if -DUPLICATE_WINDOW <= gap <= DUPLICATE_WINDOW:
            return True
    slot.print = stamp
    slot.t = k.t
    return False


@inner
def payload_row(k: Any, mine: Any, payloads: Any, st: Any) -> Any:
    """Return the PAYLOAD row of a side, made and cleared if this is its first payload."""
    n = np.int64(mine.payload)
    if n >= 0:
        return n
    n = st[S_PAYLOADS]
    st[S_PAYLOADS] = n + 1
    mine.payload = np.int32(n)
    d = payloads[n]
    d.data_t = k.t
    d.data_last_t = 0
    d.rtx_last_t = 0
    d.gap = U(0)
    d.digest = U(0)
    d.covered0 = U(0)
    d.covered1 = U(0)
    d.base = k.seq
    if k.kind == KIND_TCP and mine.nsyn + mine.nsynack > 0:
        d.base = np.uint32(np.int64(mine.isn) + 1)
    d.seq_end = d.base
    d.hole_low = np.uint32(0)
    d.hole_high = np.uint32(0)
    d.data_pkts = np.uint32(0)
    d.rtx = np.uint32(0)
    d.rtx_seq = np.uint32(0)
    d.after_rst = np.uint32(0)
    d.data_frame = k.frame
    d.data_last_frame = np.uint32(0)
    d.rtx_last_frame = np.uint32(0)
    d.data_file = k.file
    d.data_last_file = np.uint16(0)
    d.rtx_last_file = np.uint16(0)
    d.rtx_run = np.uint16(0)
    d.rtx_runs = np.uint16(0)
    d.repeats = np.uint16(0)
    for i in range(FIRST_BYTES):
        d.bytes[i] = np.uint8(0)
    return n


@inner
def keep_bytes(buf: Any, k: Any, d: Any, at: Any) -> Any:
    """Copy what belongs to the first bytes of the stream, ``at`` bytes from its beginning; the first copy stays."""
    if at < 0 or at >= FIRST_BYTES:
        return
    count = min(np.int64(k.caught), FIRST_BYTES - at)
    po = k.offset
    for i in range(count):
        x = at + i
        if x < 64:
            bit = U(1) << U(x)
            if d.covered0 & bit == U(0):
                d.covered0 |= bit
                d.bytes[x] = np.uint8(u8(buf, po + i))
        else:
            bit = U(1) << U(x - 64)
            if d.covered1 & bit == U(0):
                d.covered1 |= bit
                d.bytes[x] = np.uint8(u8(buf, po + i))


@inner
def note_segment(buf: Any, k: Any, r: Any, mine: Any, d: Any) -> Any:
    """Account for one TCP segment with payload: first bytes, holes, retransmissions."""
    seq = k.seq
    if k.flags & SYN:
        seq = np.uint32(np.int64(seq) + 1)  # TCP Fast Open: data rides on the SYN
    keep_bytes(buf, k, d, ahead(seq, d.base))
    end = np.uint32(np.int64(seq) + np.int64(k.length))
    d.data_pkts += ONE32
    if d.data_pkts == ONE32:
        if ahead(end, d.seq_end) > 0:
            hole = ahead(seq, d.seq_end)
            if hole > 0:
                d.gap += U(hole)
                d.hole_low = d.seq_end
                d.hole_high = seq
            d.seq_end = end
        return
    if ahead(end, d.seq_end) > 0:
        hole = ahead(seq, d.seq_end)
        if hole > 0:
            d.gap += U(hole)
            d.hole_low = d.seq_end
            d.hole_high = seq
        d.seq_end = end
        return
    if d.gap > U(0) and ahead(seq, d.hole_low) >= 0 and ahead(seq, d.hole_high) < 0:
        filled = min(np.int64(k.length), ahead(d.hole_high, seq))
        d.gap -= min(d.gap, U(filled))
        if seq == d.hole_low:
            d.hole_low = np.uint32(np.int64(seq) + filled)
        return
    d.rtx += ONE32
    d.rtx_last_t = k.t
    d.rtx_last_frame = k.frame
    d.rtx_last_file = k.file
    if d.rtx_run > 0 and d.rtx_seq == seq:
        d.rtx_run = add16(d.rtx_run)
    else:
        d.rtx_seq = seq
        d.rtx_run = ONE16
        d.rtx_runs = add16(d.rtx_runs)
    note_letter(r, k.side, 6)


@inner
def note_datagram(buf: Any, k: Any, mine: Any, other: Any, d: Any, before: Any) -> Any:
    """Account for one datagram: its first bytes, and whether the same one was sent again although it was answered."""
    digest = U(k.length) * U(0x9E3779B97F4A7C15) + U(1)
    count = min(np.int64(k.caught), np.int64(FIRST_BYTES))
    for i in range(count):
        digest = (digest ^ U(u8(buf, k.offset + i))) * U(0x100000001B3)
    d.data_pkts += ONE32
    if d.data_pkts == ONE32:
        keep_bytes(buf, k, d, 0)
    elif digest == d.digest:
        d.rtx += ONE32
        d.rtx_last_t = k.t
        d.rtx_last_frame = k.frame
        d.rtx_last_file = k.file
        if other.pkts > 0 and other.last_t >= before and k.t - other.last_t <= ANSWER_WINDOW:
            d.repeats = add16(d.repeats)
    d.digest = digest


@inner
def note_tcp(k: Any, r: Any, mine: Any) -> Any:
    """Account for the flags of one TCP packet."""
    f = np.int64(k.flags)
    side = k.side
    if f & SYN:
        if mine.nsyn + mine.nsynack == 0:
            mine.isn = k.seq
            mine.syn_t = k.t
            mine.syn_frame = k.frame
            mine.syn_file = k.file
            mine.syn_ipid = k.ipid
        mine.syn_last_t = k.t
        mine.syn_last_frame = k.frame
        mine.syn_last_file = k.file
        if f & ACK:
            mine.nsynack = add16(mine.nsynack)
            note_letter(r, side, 1)
        else:
            mine.nsyn = add16(mine.nsyn)
            note_letter(r, side, 0)
    if f & ACK and f & RST == 0:
        if f & SYN == 0:
            if k.length == 0 and f & FIN == 0:
                note_letter(r, side, 2)
            mine.acks = np.uint8(1)
        if mine.ack_first == 0 and mine.ack_max == 0:
            mine.ack_first = k.ack
            mine.ack_max = k.ack
        elif ahead(k.ack, mine.ack_max) > 0:
            mine.ack_max = k.ack
    if k.length > 0:
        note_letter(r, side, 3)
    if f & FIN:
        if mine.nfin == 0:
            mine.fin_t = k.t
            mine.fin_frame = k.frame
            mine.fin_file = k.file
        mine.nfin = add16(mine.nfin)
        note_letter(r, side, 4)
    if f & RST:
        if mine.nrst == 0:
            mine.rst_t = k.t
            mine.rst_frame = k.frame
            mine.rst_file = k.file
            mine.rst_ttl = k.ttl
            mine.rst_ipid = k.ipid
            mine.rst_win = k.window
            mine.rst_path = k.path
        mine.nrst = add16(mine.nrst)
        note_letter(r, side, 5)
    elif k.window == 0 and f & SYN == 0:
        mine.zero_window = add16(mine.zero_window)
        note_letter(r, side, 7)


@inner
def watch_class(buf: Any, k: Any, r: Any, mine: Any, payloads: Any, watch: Any) -> Any:
    """Say how many bytes of this packet the services stage wants; 0 for none, -1 when its side has had its share."""
    side = np.int64(k.side)
    had = np.int64(r.watched0 if side == 0 else r.watched1)
    port_a = np.int64(k.k4 >> U(48))
    port_b = np.int64((k.k4 >> U(32)) & U(0xFFFF))
    protocol = np.int64(k.k4 & U(0xFF))
    caught = np.int64(k.caught)
    if caught < 1 or (protocol != 6 and protocol != 17):
        return np.int64(0)
    if protocol == 17:
        if max(watch[1, port_a], watch[1, port_b]) != WATCH_DATAGRAM:
            return np.int64(0)
        if had >= WATCH_CONTROL_LIMIT:
            return np.int64(-1)
        return min(caught, np.int64(WATCH_DATAGRAM_LIMIT))
    kind = max(watch[0, port_a], watch[0, port_b])
    if kind == WATCH_CONTROL:
        if had >= WATCH_CONTROL_LIMIT:
            return np.int64(-1)
        return min(caught, np.int64(WATCH_STREAM_LIMIT), WATCH_CONTROL_LIMIT - had)
    d = payloads[np.int64(mine.payload)]
    tls = d.bytes[0] == 0x16 and d.bytes[1] == 3 and d.covered0 & U(3) == U(3)
    if not tls and d.covered0 & U(7) == U(7):
        tls = d.bytes[0] & 0x80 != 0 and d.bytes[2] == 1  # a ClientHello of SSL 2
    if tls:
        done = np.uint8(FLOW_TLS_DONE0 if side == 0 else FLOW_TLS_DONE1)
        if r.flags & done:
            return np.int64(0)
        if u8(buf, k.offset) == 0x17:
            r.flags |= done
            return min(caught, np.int64(16))
    if tls or kind == WATCH_STREAM:
        return min(caught, max(WATCH_STREAM_LIMIT - had, np.int64(0)))  # the head of a stream is all that is wanted
    if caught >= 12 and (be64(buf, k.offset) & U(0xFFFFFFFFFFFFFF00)) == HTTP_STATUS:
        if had >= WATCH_CONTROL_LIMIT:
            return np.int64(-1)
        return min(caught, np.int64(WATCH_HTTP_LIMIT))
    return np.int64(0)


@inner
def keep_watched(buf: Any, k: Any, r: Any, count: Any, rows: Any, bytes_: Any, st: Any) -> Any:
    """Copy ``count`` bytes of the packet for the services stage."""
    n = st[S_WATCHED]
    start = st[S_WATCHED_BYTES]
    w = rows[n]
    w.serial = r.serial
    w.t = k.t
    w.start = start
    w.frame = k.frame
    w.file = k.file
    w.seq = (
        np.uint32(np.int64(k.seq) + (1 if k.kind == KIND_TCP and k.flags & SYN else 0))
        if k.kind == KIND_TCP
        else np.uint32(0)
    )
    w.length = np.uint32(k.length)
    w.caught = np.uint32(count)
    w.side = k.side
    po = k.offset
    for i in range(count):
        bytes_[start + i] = np.uint8(u8(buf, po + i))
    st[S_WATCHED] = n + 1
    st[S_WATCHED_BYTES] = start + count
    if k.side == 0:
        r.watched0 = np.uint32(np.int64(r.watched0) + count)
    else:
        r.watched1 = np.uint32(np.int64(r.watched1) + count)


@inner
def keep_quote(k: Any, r: Any, quotes: Any, st: Any) -> Any:
    """Note an ICMP error about this flow."""
    r.icmp = add16(r.icmp)
    if st[S_QUOTES_OFF] != 0:
        st[S_OVERFLOW] += 1
        return
    q = quotes[st[S_QUOTES]]
    q.serial = r.serial
    q.t = k.t
    q.sender0 = k.sender0
    q.sender1 = k.sender1
    q.frame = k.frame
    q.file = k.file
    q.side = k.side
    q.version = k.version
    q.type = k.type
    q.code = k.code
    st[S_QUOTES] += 1


@inner
def same_traffic(k: Any, r: Any, mine: Any) -> Any:
    """Say whether another file holds this packet too, further apart than copies of one mirror are.

    A SYN that comes back with its own IP ID from another file shows that this file repeats the flow; from then on
    that file's packets of the flow say nothing new.
    """
    if np.int64(r.other_file) == np.int64(k.file) + 1:
        return True
    if (
        k.kind == KIND_TCP and (k.flags & SYN) != 0 and mine.nsyn + mine.nsynack > 0 and mine.isn == k.seq
        and mine.syn_ipid == k.ipid and k.ipid != 0 and mine.syn_file != k.file
    ):  # fmt: skip
        r.other_file = np.uint16(np.int64(k.file) + 1)
        return True
    return False


@inner
def note_packet(buf: Any, k: Any, r: Any, mine: Any, other: Any, payloads: Any, st: Any) -> Any:
    """Count a packet that is no copy in its side of the flow."""
    before = mine.last_t
    if mine.pkts == 0:
        mine.first_t = k.t
        mine.last_t = k.t
    mine.first_t = min(mine.first_t, k.t)
    if k.t >= mine.last_t:
        mine.last_t = k.t
        mine.last_frame = k.frame
        mine.last_file = k.file
    mine.pkts += ONE32
    mine.ip_bytes += U(k.ip_bytes)
    mine.bytes += U(k.length)
    if k.loopback:
        r.flags |= np.uint8(FLOW_LOOPBACK)
    reset = k.kind == KIND_TCP and (k.flags & RST) != 0
    if not reset:
        if mine.path == 0:
            mine.path = k.path
        mine.ttl_min = min(mine.ttl_min, k.ttl)
        mine.ttl_max = max(mine.ttl_max, k.ttl)
        mine.ipid_last = k.ipid
    if k.kind == KIND_FRAGMENT:
        return
    if k.kind == KIND_TCP:
        note_tcp(k, r, mine)
        if k.length == 0 or reset:
            return
    elif k.kind == KIND_EXCHANGE:
        if mine.nsyn + mine.nsynack == 0:
            mine.syn_t = k.t
            mine.syn_frame = k.frame
            mine.syn_file = k.file
        mine.syn_last_t = k.t
        mine.syn_last_frame = k.frame
        mine.syn_last_file = k.file
        if k.flags == 1:
            mine.nsyn = add16(mine.nsyn)
        else:
            mine.nsynack = add16(mine.nsynack)
        return
    else:
        note_letter(r, k.side, 3)
    d = payloads[payload_row(k, mine, payloads, st)]
    d.data_last_t = k.t
    d.data_last_frame = k.frame
    d.data_last_file = k.file
    if mine.nrst > 0 and k.t >= mine.rst_t:
        d.after_rst += ONE32
    if k.kind == KIND_TCP:
        note_segment(buf, k, r, mine, d)
    else:
        note_datagram(buf, k, mine, other, d, before)


@entry
def update(
    buf: Any, packets: Any, i: Any, end: Any, index: Any, flows: Any, sides: Any, payloads: Any, seen: Any,
    watch: Any, watched: Any, watched_bytes: Any, quotes: Any, st: Any,
) -> Any:  # fmt: skip
    """Count ``packets[i:end]`` (their payload is in ``buf``). Returns ``(reason, i)``: the first packet not yet counted."""
    mask = np.int64(index.shape[0] - 1)
    room = min(flows.shape[0] - st[S_FLOWS], payloads.shape[0] - st[S_PAYLOADS])
    if room < end - i or (st[S_FLOWS] + end - i) * 2 > index.shape[0]:
        return UPDATE_TABLE, i
    for j in range(i, end):
        prefetch(index, np.int64(packets[j].hash >> U(32)) & mask)
    for j in range(i, end):
        h = packets[j].hash
        v = index[np.int64(h >> U(32)) & mask]
        if (v ^ h) >> U(32) == U(0):
            prefetch(flows, np.int64(v & LOW) - 1)
            prefetch(sides, 2 * (np.int64(v & LOW) - 1))
    for j in range(i, end):
        k = packets[j]
        if st[S_QUOTES] >= quotes.shape[0]:
            return UPDATE_QUOTES, j
        if st[S_WATCH_OFF] == 0 and (
            st[S_WATCHED] >= watched.shape[0] or watched_bytes.shape[0] - st[S_WATCHED_BYTES] < WATCH_STREAM_LIMIT
        ):
            return UPDATE_WATCH, j
        copy = is_copy(k, seen, st)
        n = find(k, index, flows, sides, st)
        r = flows[n]
        side = np.int64(k.side)
        mine = sides[2 * n + side]
        if copy:
            st[S_DUPLICATES] += 1
            if k.kind != KIND_QUOTE:
                mine.dups += ONE32
            continue
        if k.kind == KIND_QUOTE:
            keep_quote(k, r, quotes, st)
            continue
        if same_traffic(k, r, mine):
            st[S_SAME_TRAFFIC] += 1
            mine.dups += ONE32
            continue
        note_packet(buf, k, r, mine, sides[2 * n + 1 - side], payloads, st)
        if (k.kind == KIND_TCP and k.length > 0 and (k.flags & RST) == 0) or k.kind == KIND_DATAGRAM:
            count = watch_class(buf, k, r, mine, payloads, watch)
            if count != 0:
                if count > 0 and st[S_WATCH_OFF] == 0:
                    keep_watched(buf, k, r, count, watched, watched_bytes, st)
                else:
                    st[S_OVERFLOW] += 1
    return UPDATE_DONE, end


@entry
def rebuild(index: Any, flows: Any, n: Any, seed: Any) -> Any:
    """Fill an empty ``index`` with the first ``n`` rows of ``flows`` that packets can still find."""
    mask = np.int64(index.shape[0] - 1)
    for row in range(n):
        r = flows[row]
        if r.flags & np.uint8(FLOW_SUPERSEDED):
            continue
        h = hash_key(r.a0, r.a1, r.b0, r.b1, r.k4, seed)
        i = np.int64(h >> U(32)) & mask
        while index[i] != U(0):
            i = (i + 1) & mask
        index[i] = (h & TAG) | U(row + 1)
