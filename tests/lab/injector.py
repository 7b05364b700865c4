"""A device beside the road that only listens, and sends resets in both directions when it sees payload it does not like.

``injector PLAN``: pairs of addresses as JSON. It stands at the router, where it sees every packet; its resets claim to come from
the other end, with a TTL of its own.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from pathlib import Path
from typing import Final

_TTL: Final = 61
_EVERYTHING: Final = 3
"""ETH_P_ALL."""


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def reset(source: bytes, target: bytes, ports: tuple[int, int], seq: int) -> bytes:
    """Return an IPv4 packet with a TCP reset."""
    head = struct.pack(">HHIIBBHHH", *ports, seq, 0, 0x50, 4, 0, 0, 0)
    summed = checksum(source + target + struct.pack(">HH", 6, len(head)) + head)
    head = head[:16] + struct.pack(">H", summed) + head[18:]
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 4242, 0, _TTL, 6, 0, source, target) + head


def main() -> None:
    """Listen, and send two resets for the first payload of each connection."""
    pairs = {(socket.inet_aton(a), socket.inet_aton(b)) for a, b in json.loads(Path(sys.argv[1]).read_text())}
    done: set[tuple[bytes, bytes]] = set()
    road = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERYTHING))
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    print("ready", flush=True)
    while True:
        packet = road.recv(65536)
        if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != 6:
            continue
        source, target = packet[12:16], packet[16:20]
        if (source, target) not in pairs or (source, target) in done:
            continue
        at = 4 * (packet[0] & 15)
        sport, dport, seq, ack = struct.unpack_from(">HHII", packet, at)
        payload = struct.unpack_from(">H", packet, 2)[0] - at - 4 * (packet[at + 12] >> 4)
        if payload > 0:
            done.add((source, target))
            out.sendto(reset(target, source, (dport, sport), ack), (socket.inet_ntoa(source), 0))
            out.sendto(reset(source, target, (sport, dport), seq + payload), (socket.inet_ntoa(target), 0))


if __name__ == "__main__":
    main()
