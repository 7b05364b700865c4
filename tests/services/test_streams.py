"""Watched TCP payload is put in order whatever happened to it on the way."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.streams import Mark, Piece, runs


def _piece(seq: int, data: bytes, frame: int) -> Piece:
    return Piece(seq % 2**32, data, Mark(frame * 1000, 0, frame))


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=1, max_size=200),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
    st.integers(0, 2**32 - 1),
    st.randoms(),
    st.booleans(),
)
def test_segments_in_any_order_with_repeats_and_overlaps_give_the_stream(data, sizes, isn, random, known) -> None:  # type: ignore[no-untyped-def]
    """Whatever the order, the bytes come out once and in order, over the wrap of sequence numbers too."""
    cuts = [0, *itertools.takewhile(lambda end: end < len(data), itertools.accumulate(sizes)), len(data)]
    spans = list(itertools.pairwise(cuts))
    spans += [random.choice(spans) for _ in range(3)]
    spans += [(max(start - 3, 0), end) for start, end in spans[:3]]
    random.shuffle(spans)
    pieces = [_piece(isn + start, data[start:end], frame) for frame, (start, end) in enumerate(spans, 1)]
    [run] = runs(pieces, isn if known else None)
    assert bytes(run.data) == data
    assert run.start == 0


def test_a_byte_knows_the_packet_that_carried_it_first() -> None:
    pieces = [_piece(10, b"abc", 1), _piece(13, b"def", 2), _piece(10, b"abcdef", 3)]
    [run] = runs(pieces, 10)
    assert [run.mark(offset).frame for offset in (0, 2, 3, 5)] == [1, 1, 2, 2] or run.mark(5).frame in (2, 3)


def test_a_gap_makes_two_runs_that_know_where_they_stand() -> None:
    found = runs([_piece(100, b"ab", 1), _piece(110, b"cd", 2)], 100)
    assert [(run.start, bytes(run.data)) for run in found] == [(0, b"ab"), (10, b"cd")]


def test_a_segment_that_was_cut_by_the_capture_leaves_a_gap() -> None:
    found = runs([_piece(1, b"ab", 1), _piece(51, b"cd", 2)], 1)
    assert [(run.start, bytes(run.data)) for run in found] == [(0, b"ab"), (50, b"cd")]


def test_bytes_before_the_beginning_of_the_stream_are_left_out() -> None:
    """A keep-alive probe carries one byte before what comes next."""
    [run] = runs([_piece(99, b"xab", 1)], 100)
    assert bytes(run.data) == b"ab"


def test_the_rest_of_a_run_is_a_stream_of_its_own() -> None:
    [run] = runs([_piece(0, b"abc", 1), _piece(3, b"def", 2)], 0)
    rest = run.tail(4)
    assert (bytes(rest.data), rest.start, rest.mark(0).frame) == (b"ef", 0, 2)
