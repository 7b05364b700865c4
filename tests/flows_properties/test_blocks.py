"""Blocks hold a capture's bytes in their order, whoever reads ahead and whatever is lent meanwhile."""

from __future__ import annotations

import mmap
import threading

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.flows.blocks import Blocks, Bytes
from tests.flows_properties import packets as p
from tests.flows_properties.compare import MemorySource
from tests.flows_properties.traffic import EXAMPLES, pcap

ROUTE = p.Route("192.0.2.1", "192.0.2.2")


def capture(size: int) -> bytes:
    """Return a capture of so many bytes or some more, no two pieces of which are alike."""
    return pcap([(0, p.frame(ROUTE, bytes(n % 251 for n in range(size))))], 1)


@settings(max_examples=EXAMPLES * 20, deadline=None)
@given(
    st.data(),
    st.integers(0, 700),
    st.sampled_from([5, 16, 64, 1000]),
    st.sampled_from([1, 7, 64, 1 << 30]),
    st.booleans(),
)
def test_what_is_at_hand_goes_on_where_it_was_left(
    data: st.DataObject, length: int, size: int, piece: int, live: bool
) -> None:
    """Any part may be left over, any block may be read ahead or lent: no byte is lost, moved or given twice; what is lent stays."""
    stored = capture(length)
    blocks = Blocks(MemorySource(stored, piece=piece, live=live), size)
    lent: list[tuple[Bytes, int, int]] = []
    start, got = 0, 1
    while got:
        for _ in range(data.draw(st.integers(0, 3))):
            blocks.read_ahead()
        if data.draw(st.booleans()) and lent:
            blocks.take_back(lent.pop(0)[0])
        done = data.draw(st.sampled_from([blocks.end, 0, blocks.end // 2, max(blocks.end - 3, 0)]))
        before = blocks.end - done
        got = blocks.go_on(done, data.draw(st.sampled_from([0, 2 * size])))
        start += done
        assert blocks.end == before + got
        assert blocks.block[: blocks.end].tobytes() == stored[start : start + blocks.end]
        assert blocks.block.size > blocks.end
        if data.draw(st.booleans()):
            lent.append((blocks.lend(), start, blocks.end))
        assert all(block[:end].tobytes() == stored[at : at + end] for block, at, end in lent)
    assert start + blocks.end == len(stored)
    assert blocks.go_on(0, 0) == 0
    assert not blocks.read_ahead()


def test_nothing_is_read_to_where_pages_begin() -> None:
    """Every block of the usual size is read to a place well behind a page's beginning and well before its end."""
    size = 1 << 13
    places = []

    class Source(MemorySource):
        def readinto(self, view: memoryview) -> int:
            places.append(np.frombuffer(view, np.uint8).ctypes.data % mmap.PAGESIZE)
            return super().readinto(view)

    blocks = Blocks(Source(capture(5 * size)), size)
    blocks.read_ahead()
    while blocks.go_on(blocks.end, 0):
        blocks.lend()  # so that each is read to memory of its own
    assert len(places) > 5
    assert all(256 <= place <= mmap.PAGESIZE - 256 for place in places)


def test_two_threads_read_one_capture() -> None:
    """One thread reads ahead while another goes on from block to block: every byte comes once, in order."""
    stored = capture(60_000)
    blocks = Blocks(MemorySource(stored, piece=29), 64)
    ended = threading.Event()

    def read_ahead() -> None:
        while not ended.is_set():
            blocks.read_ahead()

    helper = threading.Thread(target=read_ahead)
    helper.start()
    found = bytearray()
    try:
        while blocks.go_on(blocks.end, 0):
            found += blocks.block[: blocks.end].tobytes()
    finally:
        ended.set()
        helper.join()
    assert bytes(found) == stored
