"""One packet added to its flow: counts, first bytes, holes, retransmissions, letters of the history.

Knows what TCP flags and sequence numbers mean for a record. It must not know how the flow was found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.layout import (
    ACKS_ANY,
    ACKS_LATER,
    ACKS_SYN,
    ANSWER_WINDOW,
    FIRST_BYTES,
    FLOW_LOOPBACK,
    KIND_EXCHANGE,
    KIND_FRAGMENT,
    KIND_TCP,
    OPENED_LATE,
    S_PAYLOADS,
)
from analyser.machine.loads import inner, u8

U = np.uint64
ONE16 = np.uint16(1)
ONE32 = np.uint32(1)

FAR = (
    1 << 20
)  # a stream whose first payload is so far from its SYN belongs to another SYN (a SYN-ACK may change its number)

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
def note_letters(r: Any, side: Any, new: Any) -> Any:
    """Add letters to the history, each the first time this side shows it. ``new``: bits of S H A D F R T W."""
    for letter in range(8):
        nibble = np.int64(side) << 3 | letter
        bit = np.int64(1) << nibble
        if new & (np.int64(1) << letter) and np.int64(r.letters) & bit == 0:
            r.letters = np.uint16(np.int64(r.letters) | bit)
            r.history |= U(nibble) << U(4 * np.int64(r.n_letters))
            r.n_letters = np.uint8(r.n_letters + np.uint8(1))


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
        base = np.uint32(np.int64(mine.isn) + 1)
        if -1 <= ahead(k.seq, base) < FAR:  # -1: data on the SYN itself
            d.base = base
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
    """Copy what belongs to the first bytes of the stream, ``at`` bytes from its beginning; the first copy stays.

    What lies before the beginning is no part of it, as for a receiver (RFC 9293, 3.10.7.4).
    """
    if at >= FIRST_BYTES:
        return
    count = min(np.int64(k.caught), FIRST_BYTES - at)
    po = k.offset
    for i in range(max(-at, np.int64(0)), count):
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
def note_segment(buf: Any, k: Any, r: Any, d: Any) -> Any:
    """Account for one TCP segment with payload: first bytes, holes, retransmissions."""
    seq = k.seq
    if k.flags & SYN:
        seq = np.uint32(np.int64(seq) + 1)  # TCP Fast Open: data rides on the SYN
    keep_bytes(buf, k, d, ahead(seq, d.base))
    end = np.uint32(np.int64(seq) + np.int64(k.length))
    d.data_pkts += ONE32
    if ahead(end, d.seq_end) > 0:
        hole = ahead(seq, d.seq_end)
        if hole > 0:
            d.gap += U(hole)
            d.hole_low = d.seq_end
            d.hole_high = seq
        d.seq_end = end
        return
    if d.data_pkts == ONE32:
        return
    if d.gap > U(0) and ahead(seq, d.hole_low) >= 0 and ahead(seq, d.hole_high) < 0:
        filled = min(np.int64(k.length), ahead(d.hole_high, seq))
        d.gap -= min(d.gap, U(filled))
        if seq == d.hole_low:
            d.hole_low = np.uint32(np.int64(seq) + filled)
        elif end == d.hole_high:
            d.hole_high = seq
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
    note_letters(r, k.side, np.int64(64))


@inner
def is_first_datagram(buf: Any, k: Any, d: Any) -> Any:
    """Say whether a datagram has the IP ID, the length and the first bytes of the first one of its side."""
    if d.base != k.ipid or d.hole_low != k.length:
        return False
    count: Any = min(np.int64(k.caught), FIRST_BYTES)
    unlike = 0
    for i in range(count):
        unlike |= d.bytes[i] ^ u8(buf, k.offset + i)
    return unlike == 0


@inner
def note_datagram(buf: Any, k: Any, other: Any, d: Any, before: Any) -> Any:
    """Account for one datagram: its first bytes, and whether the same one was sent again although it was answered."""
    digest = U(k.length) * U(0x9E3779B97F4A7C15) + U(1)
    count = min(np.int64(k.caught), np.int64(FIRST_BYTES))
    for i in range(count):
        digest = (digest ^ U(u8(buf, k.offset + i))) * U(0x100000001B3)
    d.data_pkts += ONE32
    if d.data_pkts == ONE32:
        keep_bytes(buf, k, d, 0)
        d.base = np.uint32(k.ipid)
        d.hole_low = np.uint32(k.length)
        d.hole_high = np.uint32(k.length)
    elif digest == d.digest:
        d.rtx += ONE32
        d.rtx_last_t = k.t
        d.rtx_last_frame = k.frame
        d.rtx_last_file = k.file
        if other.pkts > 0 and other.last_t >= before and k.t - other.last_t <= ANSWER_WINDOW:
            d.repeats = add16(d.repeats)
    d.digest = digest


@inner
def note_opening(k: Any, mine: Any) -> Any:
    """Remember the first and the last SYN, SYN-ACK, question or answer of a side; call it before they are counted."""
    if mine.nsyn + mine.nsynack == 0:
        mine.isn = k.seq
        mine.syn_t = k.t
        mine.syn_frame = k.frame
        mine.syn_file = k.file
        mine.syn_ipid = k.ipid
    mine.syn_last_t = k.t
    mine.syn_last_frame = k.frame
    mine.syn_last_file = k.file


@inner
def may_move(mine: Any, other: Any) -> Any:
    """Say whether a stream would begin at the number of a SYN-ACK that comes now: nobody has taken up one before.

    A server that keeps no state (SYN cookies) answers a SYN that comes again with another number.
    """
    return mine.nsyn == 0 and mine.payload < 0 and other.acks & np.uint8(ACKS_LATER) == 0


@inner
def note_tcp(k: Any, r: Any, mine: Any, other: Any) -> Any:
    """Account for the flags of one TCP packet. A reset neither opens nor ends, whatever it says (RFC 9293, 3.10.7)."""
    f = np.int64(k.flags)
    letters = np.int64(0)
    if f & RST:
        f &= ~(SYN | FIN)
    if f & SYN:
        movable = may_move(mine, other)
        if mine.nsyn + mine.nsynack == 0 and not movable:
            mine.acks |= np.uint8(OPENED_LATE)
        note_opening(k, mine)
        if f & ACK:
            if movable:
                mine.isn = k.seq
            mine.nsynack = add16(mine.nsynack)
            letters |= 2
        else:
            mine.nsyn = add16(mine.nsyn)
            letters |= 1
    if f & ACK and f & RST == 0:
        if f & SYN == 0:
            if k.length == 0 and f & FIN == 0:
                letters |= 4
            mine.acks |= np.uint8(ACKS_LATER)
        if mine.acks & np.uint8(ACKS_ANY) == 0:
            mine.acks |= np.uint8(ACKS_ANY | ACKS_SYN if f & SYN else ACKS_ANY)
            mine.ack_first = k.ack
            mine.ack_max = k.ack
        elif ahead(k.ack, mine.ack_max) > 0:
            mine.ack_max = k.ack
    if k.length > 0:
        letters |= 8
    if f & FIN:
        if mine.nfin == 0:
            mine.fin_t = k.t
            mine.fin_frame = k.frame
            mine.fin_file = k.file
            mine.fin_seq = np.uint16((np.int64(k.seq) + np.int64(k.length) + (f & SYN) // SYN) & 0xFFFF)
        mine.nfin = add16(mine.nfin)
        letters |= 16
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
        letters |= 32
    elif k.window == 0 and f & SYN == 0:
        mine.zero_window = add16(mine.zero_window)
        letters |= 128
    note_letters(r, k.side, letters)


@inner
def note_packet(buf: Any, k: Any, r: Any, mine: Any, other: Any, payloads: Any, st: Any) -> Any:
    """Count a packet that is no copy in its side of the flow."""
    before = mine.last_t
    if mine.pkts == 0:
        mine.first_t = k.t
        mine.last_t = k.t
        mine.point = k.point
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
        note_tcp(k, r, mine, other)
        if k.length == 0 or reset:
            return
    elif k.kind == KIND_EXCHANGE:
        note_opening(k, mine)
        if k.flags == 1:
            mine.nsyn = add16(mine.nsyn)
        else:
            mine.nsynack = add16(mine.nsynack)
        return
    else:
        note_letters(r, k.side, np.int64(8))
    d = payloads[payload_row(k, mine, payloads, st)]
    d.data_last_t = k.t
    d.data_last_frame = k.frame
    d.data_last_file = k.file
    if mine.nrst > 0 and k.t >= mine.rst_t:
        d.after_rst += ONE32
    if k.kind == KIND_TCP:
        note_segment(buf, k, r, d)
    else:
        note_datagram(buf, k, other, d, before)
