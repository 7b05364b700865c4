"""Packed headers that are cut, and what they ask for: as far as they go, and never wrong."""

from __future__ import annotations

import hpack
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyser.services.byterows import ByteRows
from analyser.services.http2 import PREFACE, _whole, asks_etcd

SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
NAMES = st.sampled_from(
    [":method", ":scheme", ":authority", "content-type", "user-agent", "te", "grpc-timeout", "x-own"]
)
FIELDS = st.lists(st.tuples(NAMES, st.text("abcdef/.:-0123456789", max_size=40)), max_size=8)


def opening(path: str, *, before: list[tuple[str, str]], flags: int = 4, wrap: bytes = b"", padding: int = 0) -> bytes:
    """Return the first bytes of a client that asks for ``path``."""
    block = wrap + hpack.Encoder().encode([*before, (":path", path), ("te", "trailers")]) + bytes(padding)
    return PREFACE + SETTINGS + len(block).to_bytes(3, "big") + b"\x01" + bytes([flags]) + b"\0\0\0\x01" + block


def asks(data: bytes) -> bool:
    """Say whether the first bytes ask etcd's third interface for something."""
    rows = ByteRows(
        np.frombuffer(data.ljust(512, b"\0")[:512], np.uint8).reshape(1, 512), np.array([min(len(data), 512)])
    )
    return bool(asks_etcd(rows, np.array([0]), 0)[0] == 0)


@given(FIELDS, st.booleans())
def test_a_path_is_found_whatever_stands_before_it(before: list[tuple[str, str]], pads: bool) -> None:
    """Any fields before it, plain or with padding and priority: the path decides."""
    shape = {"flags": 0x2C, "wrap": b"\x03" + bytes(5), "padding": 3} if pads else {}
    assert asks(opening("/etcdserverpb.KV/Range", before=before, **shape)) is (  # type: ignore[arg-type]
        len(opening("/etcdserverpb.KV/Range", before=before)) < 500
    )
    assert not asks(opening("/helloworld.Greeter/SayHello", before=before))


@given(FIELDS, st.integers(0, 300))
def test_a_cut_block_is_read_as_far_as_it_goes(fields: list[tuple[str, str]], size: int) -> None:
    """What is whole of a cut block are its first fields, unpacked as in the whole block."""
    block = hpack.Encoder().encode(fields)
    size = min(size, len(block))
    whole = _whole(block[:size])
    assert whole <= size
    found = [(str(name), str(value)) for name, value in hpack.Decoder().decode(block[:whole])]
    assert found == fields[: len(found)]
    if size == len(block):
        assert found == fields


@given(st.binary(max_size=200))
def test_any_bytes_are_no_fault(data: bytes) -> None:
    """Whatever follows the preface, nothing is raised; without the preface nothing is found."""
    asks(PREFACE + data)
    asks(PREFACE + SETTINGS + len(data).to_bytes(3, "big") + b"\x01\x04\0\0\0\x01" + data)
    assert not asks(data)
