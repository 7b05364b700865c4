"""Partial records of one flow to one record: the primitive behind expiry, rotation and parallel reading.

Knows the records of ``flows.layout``. ``a`` is always the earlier part. The fold is associative for
sequence numbers that lie within 2 GiB of one another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.account import ahead, may_move
from analyser.flows.kernel.ip import hash_key
from analyser.flows.kernel.update import LOW, TAG, starts_anew
from analyser.flows.layout import ACKS_ANY, ACKS_LATER, ACKS_SYN, FLOW_SUPERSEDED, OPENED_LATE
from analyser.machine.loads import inner

U = np.uint64


@inner
def sum16(a: Any, b: Any) -> Any:
    """Return a + b, staying at the largest 16-bit number."""
    total = np.int64(a) + np.int64(b)
    return np.uint16(total - (total > 65535) * (total - 65535))


@inner
def fold_flow(a: Any, b: Any) -> Any:
    """Add the flow-wide facts of ``b`` to ``a``: letters of the history in order of first occurrence, and counts."""
    history = b.history
    for _ in range(np.int64(b.n_letters)):
        nibble = np.int64(history & np.uint64(15))
        history = history >> np.uint64(4)
        bit = np.int64(1) << nibble
        if np.int64(a.letters) & bit == 0:
            a.letters = np.uint16(np.int64(a.letters) | bit)
            a.history |= np.uint64(nibble) << np.uint64(4 * np.int64(a.n_letters))
            a.n_letters = np.uint8(a.n_letters + np.uint8(1))
    a.icmp = sum16(a.icmp, b.icmp)
    a.watched0 += b.watched0
    a.watched1 += b.watched1
    if a.other_file == 0:
        a.other_file = b.other_file
    if a.other_point == 0:
        a.other_point = b.other_point
    a.flags = np.uint8((a.flags | b.flags) & ~np.uint8(FLOW_SUPERSEDED))
    a.flags |= b.flags & np.uint8(FLOW_SUPERSEDED)


@inner
def fold_payload(a: Any, b: Any) -> Any:
    """Add the payload facts of ``b`` to ``a``. The first bytes stay those of ``a``."""
    a.data_last_t = b.data_last_t
    a.data_last_frame = b.data_last_frame
    a.data_last_file = b.data_last_file
    if b.rtx > 0:
        a.rtx_last_t = b.rtx_last_t
        a.rtx_last_frame = b.rtx_last_frame
        a.rtx_last_file = b.rtx_last_file
        if a.rtx_runs > 0 and b.rtx_runs == 1 and a.rtx_seq == b.rtx_seq:
            a.rtx_run = sum16(a.rtx_run, b.rtx_run)
        else:
            a.rtx_run = b.rtx_run
            a.rtx_seq = b.rtx_seq
            a.rtx_runs = sum16(a.rtx_runs, b.rtx_runs)
    a.rtx += b.rtx
    a.gap += b.gap
    if b.hole_low != b.hole_high:
        a.hole_low = b.hole_low
        a.hole_high = b.hole_high
    if ahead(b.seq_end, a.seq_end) > 0:
        a.seq_end = b.seq_end
    a.data_pkts += b.data_pkts
    a.after_rst += b.after_rst
    a.repeats = sum16(a.repeats, b.repeats)
    a.digest = b.digest


@inner
def fold_side(a: Any, b: Any, movable: Any, payloads: Any) -> Any:
    """Add the facts of one side of ``b`` to the same side of ``a``, whose beginning is ``movable`` or not."""
    if b.pkts > 0:
        if a.pkts == 0:
            a.point = b.point
            a.first_t = b.first_t
            a.last_t = b.last_t
            a.last_frame = b.last_frame
            a.last_file = b.last_file
        else:
            a.first_t = min(a.first_t, b.first_t)
            if b.last_t >= a.last_t:
                a.last_t = b.last_t
                a.last_frame = b.last_frame
                a.last_file = b.last_file
        if b.nrst < b.pkts or b.ttl_max > 0:
            a.ipid_last = b.ipid_last
    if b.nsyn + b.nsynack > 0:
        if a.nsyn + a.nsynack == 0:
            a.isn = b.isn
            a.syn_t = b.syn_t
            a.syn_frame = b.syn_frame
            a.syn_file = b.syn_file
            a.syn_ipid = b.syn_ipid
            a.acks |= np.uint8(OPENED_LATE) if not movable else b.acks & np.uint8(OPENED_LATE)
        elif movable and b.acks & np.uint8(OPENED_LATE) == 0:
            a.isn = b.isn
        a.syn_last_t = b.syn_last_t
        a.syn_last_frame = b.syn_last_frame
        a.syn_last_file = b.syn_last_file
    if a.nfin == 0:
        a.fin_t = b.fin_t
        a.fin_frame = b.fin_frame
        a.fin_file = b.fin_file
        a.fin_seq = b.fin_seq
    if a.payload >= 0 and b.payload >= 0:
        before = payloads[np.int64(a.payload)].after_rst
        fold_payload(payloads[np.int64(a.payload)], payloads[np.int64(b.payload)])
        if a.nrst > 0:
            payloads[np.int64(a.payload)].after_rst = before + payloads[np.int64(b.payload)].data_pkts
    elif b.payload >= 0:
        a.payload = b.payload
        if a.nrst > 0:
            payloads[np.int64(b.payload)].after_rst = payloads[np.int64(b.payload)].data_pkts
    if a.nrst == 0:
        a.rst_t = b.rst_t
        a.rst_frame = b.rst_frame
        a.rst_file = b.rst_file
        a.rst_ttl = b.rst_ttl
        a.rst_ipid = b.rst_ipid
        a.rst_win = b.rst_win
        a.rst_path = b.rst_path
    if a.acks & np.uint8(ACKS_ANY) == 0:
        a.acks |= b.acks & np.uint8(ACKS_SYN)
        a.ack_first = b.ack_first
        a.ack_max = b.ack_max
    elif b.acks & np.uint8(ACKS_ANY) != 0 and ahead(b.ack_max, a.ack_max) > 0:
        a.ack_max = b.ack_max
    if a.path == 0:
        a.path = b.path
    if a.copy_ttl == 0:
        a.copy_path = b.copy_path
        a.copy_ttl = b.copy_ttl
    a.pkts += b.pkts
    a.dups += b.dups
    a.ip_bytes += b.ip_bytes
    a.bytes += b.bytes
    a.nsyn = sum16(a.nsyn, b.nsyn)
    a.nsynack = sum16(a.nsynack, b.nsynack)
    a.nfin = sum16(a.nfin, b.nfin)
    a.nrst = sum16(a.nrst, b.nrst)
    a.zero_window = sum16(a.zero_window, b.zero_window)
    a.ttl_min = min(a.ttl_min, b.ttl_min)
    a.ttl_max = max(a.ttl_max, b.ttl_max)
    a.acks |= b.acks & np.uint8(ACKS_ANY | ACKS_LATER)


@inner
def is_later_flow(sides: Any, i: Any, j: Any) -> Any:
    """Say whether row ``j`` begins with a SYN that opens another connection than row ``i``."""
    for side in range(2):
        theirs = sides[2 * j + side]
        if theirs.nsyn > 0 and starts_anew(theirs.isn, sides[2 * i + side], sides[2 * i + 1 - side]):
            return True
    return False


def fold(flows: Any, sides: Any, payloads: Any, index: Any, target: Any, seed: Any) -> Any:
    """Fold partial records of one flow, earlier parts first, each into the first of them.

    ``index`` is empty and has a power of two of words, at least twice as many as there are rows. ``target[row]`` becomes
    the row that now holds it (itself if it stays). Changes the records in place. Returns how many rows stay.
    """
    mask = np.int64(index.shape[0] - 1)
    kept = np.int64(0)
    for j in range(target.shape[0]):
        b = flows[j]
        target[j] = j
        h = hash_key(b.a0, b.a1, b.b0, b.b1, b.k4, U(seed))
        i = np.int64(h >> U(32)) & mask
        held = np.int64(-1)
        while index[i] != U(0):
            if (index[i] ^ h) & TAG == U(0):
                n = np.int64(index[i] & LOW) - 1
                a = flows[n]
                if a.k4 == b.k4 and a.a1 == b.a1 and a.b1 == b.b1 and a.a0 == b.a0 and a.b0 == b.b0:
                    held = n
                    break
            i = (i + 1) & mask
        tcp = (b.k4 & U(0xFFFF)) == U(6)
        if held >= 0 and not (tcp and is_later_flow(sides, held, j)):
            target[j] = held
            first, second = sides[2 * held], sides[2 * held + 1]
            movable = may_move(second, first)
            fold_side(first, sides[2 * j], may_move(first, second), payloads)
            fold_side(second, sides[2 * j + 1], movable, payloads)
            fold_flow(flows[held], b)
            continue
        index[i] = (h & TAG) | U(j + 1)
        kept += 1
    return kept, 0
