"""Watched TCP payload is put in order whatever happened to it on the way."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services import placing
from analyser.services.placing import place
from analyser.services.streams import Conversation, Mark, Run, packed
from tests.services import segments
from tests.services.plain_runs import Piece
from tests.services.segments import Sent


def _piece(seq: int, data: bytes, frame: int) -> Piece:
    return Piece(seq % 2**32, data, Mark(frame * 1000, 0, frame))


def _placed(talks: list[tuple[Sent, Sent]]) -> list[Conversation]:
    flows, watched = segments.tables(talks)
    return [talk for part in place(watched, flows).streams() for talk in part.conversations()]


def runs(pieces: list[Piece], first_seq: int | None) -> list[Run]:
    """Put one side in order."""
    [talk] = _placed([(Sent(pieces, first_seq), Sent([], None))])
    return talk.orig


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


_SIDE = st.binary(max_size=60).flatmap(segments.sent)


@pytest.mark.parametrize("slice_size", [1, 200, placing._SLICE])
@settings(max_examples=60, deadline=None)
@given(talks=st.lists(st.tuples(_SIDE, _SIDE), max_size=5))
def test_many_flows_at_once_come_out_as_one_by_one(slice_size: int, talks: list[tuple[Sent, Sent]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placing, "_SLICE", slice_size)
        found = _placed(talks)
    assert found == [talk for talk in segments.plain(talks) if talk.orig or talk.resp]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_SIDE, _SIDE), max_size=5))
def test_conversations_packed_into_arrays_are_the_same_conversations(talks: list[tuple[Sent, Sent]]) -> None:
    whole = segments.plain(talks)
    assert list(packed(whole).conversations()) == whole
