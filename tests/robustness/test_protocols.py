"""Every number that an IP header can hold as its protocol is a flow or has a name; none is taken for something else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from analyser.model.capture import InputError
from tests.robustness.running import read, unaccounted


def ipv4(protocol: int) -> bytes:
    """Return an Ethernet frame with an IPv4 packet of this protocol, 40 bytes of payload in it."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 60, 1, 0, 64, protocol, 0, b"\xc0\0\2\1", b"\xc0\0\2\2")
    return bytes(12) + b"\x08\0" + head + b"\0\1\0\2" + b"\x50" * 36


def ipv6(protocol: int) -> bytes:
    """Return an Ethernet frame with an IPv6 packet whose next header is this one."""
    head = struct.pack(">IHBB", 6 << 28, 40, protocol, 64) + b"\x20\1\x0d\xb8" + bytes(11) + b"\1"
    return bytes(12) + b"\x86\xdd" + head + b"\x20\1\x0d\xb8" + bytes(11) + b"\2" + b"\0\1\0\2" + b"\x50" * 36


@pytest.mark.parametrize("frame", [ipv4, ipv6])
def test_every_protocol_number_is_accounted_for(frame: Callable[[int], bytes], tmp_path: Path) -> None:
    """One packet of each of the 256 protocols: all in flows or counted by name, and no neighbour was asked for."""
    packets = [frame(protocol) for protocol in range(256)]
    path = tmp_path / "protocols.pcap"
    path.write_bytes(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 1)
        + b"".join(struct.pack("<IIII", 1_700_000_000 + n, 0, len(p), len(p)) + p for n, p in enumerate(packets))
    )
    run = read(path)
    assert not isinstance(run, InputError)
    assert unaccounted(run) == 0
    assert run.facts.packets == 256
    assert run.whole().tables.neighbours.is_empty()
    assert "neighbour discovery" not in run.facts.link_layer
