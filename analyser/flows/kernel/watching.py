"""Which packets are copied for the services stage, and copying them; ICMP errors likewise.

Knows where bytes beyond a stream's first ones matter: control dialogues, handshakes, status lines, datagrams.
It must not know what they mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.account import SYN, add16
from analyser.flows.layout import (
    FLOW_IPP0,
    FLOW_IPP1,
    FLOW_TLS_DONE0,
    FLOW_TLS_DONE1,
    KIND_TCP,
    S_OVERFLOW,
    S_QUOTES,
    S_QUOTES_OFF,
    S_WATCHED,
    S_WATCHED_BYTES,
    WATCH_ASKING_LIMIT,
    WATCH_CONTROL,
    WATCH_CONTROL_LIMIT,
    WATCH_DATAGRAM,
    WATCH_DATAGRAM_LIMIT,
    WATCH_HTTP_LIMIT,
    WATCH_IPP_SHORTEST,
    WATCH_STREAM,
    WATCH_STREAM_LIMIT,
)
from analyser.machine.loads import be64, inner, u8

U = np.uint64
UNWANTED = np.int64(-2)
SPENT = np.int64(-1)
HTTP_STATUS = U(0x485454502F312E00)  # "HTTP/1."


@inner
def watch_class(buf: Any, k: Any, r: Any, mine: Any, payloads: Any, watch: Any) -> Any:
    """Say how many bytes of this packet the services stage wants; UNWANTED, or SPENT when its side has had its share.

    An empty datagram is wanted like any other: it is the whole request of the time protocol (RFC 868).
    """
    side = np.int64(k.side)
    had = np.int64(r.watched0 if side == 0 else r.watched1)
    port_a = np.int64(k.k4 >> U(48))
    port_b = np.int64((k.k4 >> U(32)) & U(0xFFFF))
    protocol = np.int64(k.k4 & U(0xFF))
    caught = np.int64(k.caught)
    if protocol != 6 and protocol != 17:
        return UNWANTED
    if protocol == 17:
        if max(watch[1, port_a], watch[1, port_b]) != WATCH_DATAGRAM:
            return UNWANTED
        if had >= WATCH_CONTROL_LIMIT:
            return SPENT
        return min(caught, np.int64(WATCH_DATAGRAM_LIMIT))
    if caught < 1:
        return UNWANTED
    kind = max(watch[0, port_a], watch[0, port_b])
    if kind == WATCH_CONTROL:
        if had >= WATCH_CONTROL_LIMIT:
            return SPENT
        return min(caught, np.int64(WATCH_STREAM_LIMIT), WATCH_CONTROL_LIMIT - had)
    d = payloads[np.int64(mine.payload)]
    tls = d.bytes[0] == 0x16 and d.bytes[1] == 3 and d.covered0 & U(3) == U(3)
    if not tls and d.covered0 & U(7) == U(7):
        tls = d.bytes[0] & 0x80 != 0 and d.bytes[2] == 1  # a ClientHello of SSL 2
    if tls:
        done = np.uint8(FLOW_TLS_DONE0 if side == 0 else FLOW_TLS_DONE1)
        if r.flags & done:
            return UNWANTED
        if u8(buf, k.offset) == 0x17:
            r.flags |= done
            return min(caught, np.int64(16))
    # PRELOGIN of a database and its answer: an instance has any port
    tds = d.bytes[1] == 1 and (d.bytes[0] == 0x12 or d.bytes[0] == 4) and d.covered0 & U(3) == U(3)
    if tls or tds or kind == WATCH_STREAM:
        limit = np.int64(WATCH_STREAM_LIMIT)
        if not tls and watch[0, port_a if side == 0 else port_b] != WATCH_STREAM and not (tds and d.bytes[0] == 4):
            limit = np.int64(WATCH_ASKING_LIMIT)  # a print job, of which only the answers matter
        if had >= limit:
            return UNWANTED  # the head of a stream is all that is wanted
        return min(caught, limit - had)
    status = caught >= 12 and (be64(buf, k.offset) & U(0xFFFFFFFFFFFFFF00)) == HTTP_STATUS
    printing = np.uint8(FLOW_IPP0 if side == 0 else FLOW_IPP1)
    if not status and r.flags & printing == 0:
        return UNWANTED
    if had >= WATCH_CONTROL_LIMIT:
        return SPENT
    if not status:  # the body of an answer whose header came by itself
        if caught > WATCH_IPP_SHORTEST:
            r.flags &= ~printing
        return min(caught, np.int64(WATCH_HTTP_LIMIT))
    count = min(caught, np.int64(WATCH_HTTP_LIMIT))
    if names_ipp(buf, k.offset, count):
        r.flags |= printing
        return min(caught, np.int64(WATCH_ASKING_LIMIT))
    return count


@inner
def names_ipp(buf: Any, at: Any, count: Any) -> Any:
    """Say whether the last half of "application/ipp" stands in ``count`` bytes."""
    for i in range(count - 3):
        p = at + i
        if u8(buf, p) == 0x2F and u8(buf, p + 1) == 0x69 and u8(buf, p + 2) == 0x70 and u8(buf, p + 3) == 0x70:
            return True
    return False


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
    w.ack = k.ack if k.kind == KIND_TCP else np.uint32(0)
    w.length = np.uint32(k.length)
    w.caught = np.uint32(count)
    w.side = k.side
    w.part = r.part
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
    q.part = r.part
    st[S_QUOTES] += 1
