"""Rows of bytes looked at all at once show what each shows alone."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.ber import Cursor
from analyser.services.byterows import byte_rows
from tests.services import wire

_ROWS = st.lists(st.text("abAB[{\x00", max_size=9).map(str.encode), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(rows=_ROWS, size=st.integers(1, 10), data=st.data())
def test_a_window_shows_zeros_behind_the_end_of_its_row(rows: list[bytes], size: int, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, 2**33), min_size=len(rows), max_size=len(rows)))
    places = [place if data.draw(st.booleans()) else place % 12 for place in places]
    kept = byte_rows(pl.Series(rows), width=8)
    found = kept.window(np.arange(len(rows))[::-1], np.array(places[::-1]), size)
    expected = [
        (row[:8] + bytes(8))[:8][place:][:size].ljust(size, b"\x00") for row, place in zip(rows, places, strict=True)
    ]
    assert [row.tobytes() for row in found] == expected[::-1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6))
def test_integers_of_any_length_are_read(values: list[int]) -> None:
    rows = byte_rows(pl.Series([wire.integer(value) for value in values]))
    cursor = Cursor(rows, np.arange(len(values)))
    assert cursor.integer().tolist() == values
    assert cursor.ok.all()


def test_lengths_in_any_form_are_read() -> None:
    contents = [3, 0x7F, 0x80, 0x1234, 0x12_3456]
    headers = [wire.ber(4, bytes(size))[:6] for size in contents] + [wire.ber(4, bytes(9), long=True)]
    cursor = Cursor(byte_rows(pl.Series(headers)), np.arange(6)).open(4)
    assert cursor.length.tolist() == [*contents, 9]
