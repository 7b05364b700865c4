"""One IP packet to one decoded record: IP, TCP, UDP, ICMP, neighbour discovery.

Knows headers (RFC 791, 8200, 9293, 768, 792, 4443, 4861) and flow keys. It must not know link layers or flows.
Every length is compared with the end of the captured bytes before a load; what is not understood is counted
by name and never guessed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.opening import BY_PORTS, BY_PROTOCOL
from analyser.flows.kernel.tunnels import is_tunnel_port
from analyser.flows.layout import (
    KEY_ECHO,
    KEY_NEIGHBOUR,
    KEY_TYPE,
    KIND_DATAGRAM,
    KIND_EXCHANGE,
    KIND_FRAGMENT,
    KIND_TCP,
    PROTOCOL_NEIGHBOUR,
    S_MALFORMED,
    S_ORPHANS,
    S_SEED,
    S_TRUNCATED,
)
from analyser.machine.frames import call_at
from analyser.machine.loads import be16, be32, be64, inner, u8

U = np.uint64
C1 = U(0x9E3779B97F4A7C15)
C2 = U(0xBF58476D1CE4E5B9)
C3 = U(0x94D049BB133111EB)
MAPPED = U(0xFFFF00000000)  # ::ffff:0:0/96, where IPv4 addresses live


@inner
def mix(a: Any, b: Any) -> Any:
    """Return a 64-bit hash of two 64-bit words."""
    h = (a ^ (b * C3)) * C1
    h = (h ^ (h >> U(32))) * C2
    return h ^ (h >> U(29))


@inner
def hash_key(a0: Any, a1: Any, b0: Any, b1: Any, k4: Any, seed: Any) -> Any:
    """Return the seeded hash of a flow key. The seed keeps strangers from aiming at one slot of the index.

    It goes into each end before the second word does: where both words of an end meet first, whoever chooses IPv6
    addresses makes them cancel out, whatever the seed.
    """
    h = (a0 ^ seed) * C1
    h = (h ^ (h >> U(32)) ^ a1) * C2
    g = (b0 ^ seed) * C3
    g = (g ^ (g >> U(32)) ^ b1) * C1
    h = (h ^ (h >> U(29)) ^ (g >> U(31)) ^ g ^ k4) * C3
    h = h ^ (h >> U(32))
    return h * C1


@inner
def set_key(k: Any, s0: Any, s1: Any, d0: Any, d1: Any, sp: Any, dp: Any, kind: Any, protocol: Any, st: Any) -> Any:
    """Write the key of a packet from (s, sp) to (d, dp), the lower end first, and say which side sent it."""
    swap = s0 > d0 or (s0 == d0 and (s1 > d1 or (s1 == d1 and sp > dp)))
    tail = U(kind << 8 | protocol)
    if swap:
        k.a0 = d0
        k.a1 = d1
        k.b0 = s0
        k.b1 = s1
        k.k4 = U(dp) << U(48) | U(sp) << U(32) | tail
        k.side = np.uint8(1)
    else:
        k.a0 = s0
        k.a1 = s1
        k.b0 = d0
        k.b1 = d1
        k.k4 = U(sp) << U(48) | U(dp) << U(32) | tail
        k.side = np.uint8(0)
    k.hash = hash_key(k.a0, k.a1, k.b0, k.b1, k.k4, U(st[S_SEED]))


@inner
def print_of(k: Any) -> Any:
    """Return what copies of a packet have in common (TTL, MAC, VLAN may differ: routed copies)."""
    return mix(
        k.hash ^ (U(k.seq) << U(32) | U(k.ack)),
        (U(k.ipid) << U(48) | U(k.checksum) << U(32) | U(k.length) << U(16)) ^ (U(k.flags) << U(8) | U(k.kind) << U(1) | U(k.side))
        ^ (U(k.window) << U(20)),
    )  # fmt: skip


@inner
def decode_ip(
    buf: Any, p: Any, e: Any, version: Any, k: Any, fragments: Any, ip_counts: Any, st: Any, depth: Any, opener: Any
) -> Any:
    """Decode the IP packet at ``p``.

    Returns 0 nothing, 1 a record, 2 an ICMP error whose quote starts at ``k.offset``, 3 a tunnel (what stands inside is in
    ``k.ip_bytes``, the rest as ``tunnels`` says, its ends in ``k.sender…`` and ``k.a…``), 4 a quote of a tunnel, 5 what would
    have to be opened while ``opener``, the address of ``opening.opened``, is 0.

    ``depth`` 1 means the packet that an ICMP error quotes: it is cut, and its lengths speak of the original. 2 means an
    ICMP error whose quote is of no use: it is taken as it stands.
    """
    fragment_offset = np.int64(0)
    more = np.int64(0)
    fragment_id = np.int64(0)
    ipid = np.int64(0)
    if version == 4:
        if e - p < 20:
            st[S_TRUNCATED] += 1
            return 0
        header = (u8(buf, p) & 15) * 4
        total = be16(buf, p + 2)
        if total == 0:
            total = e - p  # a segment that the sender's network card will cut up
        if (u8(buf, p) >> 4) != 4 or header < 20 or total < header:
            st[S_MALFORMED] += 1
            return 0
        if p + header > e:
            st[S_TRUNCATED] += 1
            return 0
        end = p + total
        protocol = u8(buf, p + 9)
        ttl = u8(buf, p + 8)
        s0 = U(0)
        d0 = U(0)
        s1 = MAPPED | U(be32(buf, p + 12))
        d1 = MAPPED | U(be32(buf, p + 16))
        word = be16(buf, p + 6)
        fragment_offset = (word & 0x1FFF) * 8
        more = word & 0x2000
        ipid = be16(buf, p + 4)
        fragment_id = ipid
        q = p + header
    else:
        if e - p < 40:
            st[S_TRUNCATED] += 1
            return 0
        if (u8(buf, p) >> 4) != 6:
            st[S_MALFORMED] += 1
            return 0
        s0 = be64(buf, p + 8)
        s1 = be64(buf, p + 16)
        d0 = be64(buf, p + 24)
        d1 = be64(buf, p + 32)
        length = be16(buf, p + 4)
        end = p + 40 + length
        if length == 0:
            end = e  # jumbogram or offloaded segment
        protocol = u8(buf, p + 6)
        ttl = u8(buf, p + 7)
        q = p + 40
        for _ in range(12):  # extension headers; more than a dozen are nobody's real packet
            if (
                protocol == 0
                or protocol == 43
                or protocol == 60
                or protocol == 135
                or protocol == 139
                or protocol == 140
            ):
                if q + 8 > e:
                    st[S_TRUNCATED] += 1
                    return 0
                protocol, q = u8(buf, q), q + (u8(buf, q + 1) + 1) * 8
            elif protocol == 51:
                if q + 8 > e:
                    st[S_TRUNCATED] += 1
                    return 0
                protocol, q = u8(buf, q), q + (u8(buf, q + 1) + 2) * 4
            elif protocol == 44:
                if q + 8 > e:
                    st[S_TRUNCATED] += 1
                    return 0
                word = be16(buf, q + 2)
                fragment_offset = word & 0xFFF8
                more = word & 1
                fragment_id = be32(buf, q + 4)
                protocol, q = u8(buf, q), q + 8
                if fragment_offset != 0:
                    break
            else:
                break
    stop = min(e, end)
    sp = np.int64(0)
    dp = np.int64(0)
    flags = np.int64(0)
    seq = np.int64(0)
    ack = np.int64(0)
    window = np.int64(0)
    checksum = np.int64(0)
    kind = np.int64(KIND_DATAGRAM)
    key_kind = np.int64(0)
    way = np.int64(0)
    name = np.int64(0)
    offset = q
    length = end - q
    if fragment_offset != 0:
        tag = mix(mix(s1, d1), U(fragment_id) << U(8) | U(protocol))
        slot = fragments[np.int64(tag >> U(52))]
        if slot.key != tag:
            st[S_ORPHANS] += 1
            return 0
        sp = np.int64(slot.ports >> U(16))
        dp = np.int64(slot.ports & U(0xFFFF))
        kind = np.int64(KIND_FRAGMENT)
        checksum = fragment_offset & 0xFFFF
        offset = stop
    elif protocol == 6:
        if q + 4 > stop:
            st[S_TRUNCATED] += 1
            return 0
        sp = be16(buf, q)
        dp = be16(buf, q + 2)
        if q + 8 <= stop:
            seq = be32(buf, q + 4)
        if q + 20 <= stop:
            ack = be32(buf, q + 8)
            flags = u8(buf, q + 13)
            window = be16(buf, q + 14)
            checksum = be16(buf, q + 16)
            header = (u8(buf, q + 12) >> 4) * 4
            if header < 20 or q + header > end:
                if depth == 0:
                    st[S_MALFORMED] += 1
                return 0
            offset = q + header
            length = end - offset
            kind = np.int64(KIND_TCP)
        elif depth == 0:
            st[S_TRUNCATED] += 1
            return 0
    elif protocol == 17:
        if q + 4 > stop:
            st[S_TRUNCATED] += 1
            return 0
        sp = be16(buf, q)
        dp = be16(buf, q + 2)
        offset = q + 8
        length = end - offset
        if q + 8 <= stop:
            checksum = be16(buf, q + 6)
            told = be16(buf, q + 4) - 8
            if 0 <= told < length and more == 0:
                length = told
        if is_tunnel_port(dp) or is_tunnel_port(sp):
            # What is quoted may be too short to be looked into. Its source says nothing: any client may have such a port.
            if depth == 1 and is_tunnel_port(dp) and dp != 3544 and dp != 1701 and dp != 37008:
                return 4
            if depth == 0:
                way = np.int64(BY_PORTS)
                name = dp << 16 | sp
    elif (protocol == 1 and version == 4) or (protocol == 58 and version == 6):
        if q + 4 > stop:
            st[S_TRUNCATED] += 1
            return 0
        kind_of = u8(buf, q)
        code = u8(buf, q + 1)
        checksum = be16(buf, q + 2)
        if version == 4:
            error = kind_of == 3 or kind_of == 11 or kind_of == 12
            request = kind_of == 8 or kind_of == 13 or kind_of == 17
            answer = kind_of == 0 or kind_of == 14 or kind_of == 18
        else:
            error = 1 <= kind_of <= 4
            request = kind_of == 128
            answer = kind_of == 129
        if error and depth == 0 and more == 0 and q + 8 < stop:
            k.type = np.uint8(kind_of)
            k.code = np.uint8(code)
            k.sender0 = s0
            k.sender1 = s1
            k.version = np.uint8(version)
            k.offset = q + 8
            k.length = np.int32(stop)
            return 2
        offset = min(stop, q + 8)
        length = end - (q + 8)  # also where the header itself is cut off
        if version == 6 and (kind_of == 135 or kind_of == 136) and q + 24 <= stop and depth != 1:
            asks = kind_of == 135
            if asks:
                d0 = be64(buf, q + 8)
                d1 = be64(buf, q + 16)
            else:  # whom it answers is the other end of the question
                s0 = be64(buf, q + 8)
                s1 = be64(buf, q + 16)
            sp = np.int64(asks)  # in place of a port: what the target asks the asker is another exchange
            dp = np.int64(not asks)
            protocol = np.int64(PROTOCOL_NEIGHBOUR)
            key_kind = np.int64(KEY_NEIGHBOUR)
            kind = np.int64(KIND_EXCHANGE)
            flags = np.int64(1 if asks else 2)
            length = np.int64(0)
        elif (request or answer) and q + 8 <= stop:
            sp = be16(buf, q + 4)
            dp = sp
            key_kind = np.int64(KEY_ECHO)
            kind = np.int64(KIND_EXCHANGE)
            flags = np.int64(1 if request else 2)
            seq = be16(buf, q + 6)
        else:
            sp = kind_of << 8 | code
            dp = sp
            key_kind = np.int64(KEY_TYPE)
    elif protocol == 4 or protocol == 41 or protocol == 47 or protocol == 94 or protocol == 97 or protocol == 137:
        if depth == 1:
            return 4
        way = np.int64(BY_PROTOCOL)
        name = protocol
    elif protocol == 50 or protocol == 98 or protocol == 115:
        if depth == 0:
            ip_counts[protocol] += 1  # something is inside that we do not open: never a flow of its own
        return 0
    if way != 0:
        if opener == 0:
            return 5
        what = call_at(opener, buf, offset, min(stop, offset + length), way, name, k)
        if what >= 0:
            k.ip_bytes = np.int32(what)
            k.sender0 = s0
            k.sender1 = s1
            k.a0 = d0
            k.a1 = d1
            return 3
        if way == BY_PROTOCOL:
            ip_counts[protocol] += 1
            return 0
    if more != 0 and fragment_offset == 0:
        tag = mix(mix(s1, d1), U(fragment_id) << U(8) | U(protocol))
        slot = fragments[np.int64(tag >> U(52))]
        slot.key = tag
        slot.ports = U(sp) << U(16) | U(dp)
    if length < 0:
        length = np.int64(0)
    caught = stop - offset
    if caught > length:
        caught = length
    if caught < 0:
        caught = np.int64(0)
    set_key(k, s0, s1, d0, d1, sp, dp, key_kind, protocol, st)
    k.ttl = np.uint8(ttl)
    k.flags = np.uint8(flags)
    k.kind = np.uint8(kind)
    k.seq = np.uint32(seq)
    k.ack = np.uint32(ack)
    k.window = np.uint16(window)
    k.checksum = np.uint16(checksum)
    k.ipid = np.uint16(ipid)
    k.offset = offset
    k.length = np.int32(length)
    k.caught = np.int32(caught)
    k.ip_bytes = np.int32(end - p)
    local = (s0 == d0 and s1 == d1) or (version == 4 and ((s1 >> U(24)) & U(0xFF)) == U(127))
    k.loopback = np.uint8(1 if local else 0)
    return 1
