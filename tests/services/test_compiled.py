"""The source of the compiled functions, interpreted with every load tested: it stays inside its rows and says what machine code says."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services import matcher, structures
from analyser.services.byterows import HEAD, PREFIX, byte_rows
from analyser.services.kernel import layout
from analyser.services.matcher import FirstBytes, Matcher
from analyser.services.signature import Signature
from tests.fuzz.plain import Plain
from tests.services.made import SIGNATURES
from tests.services.made_signatures import PORTS, short, signatures

PLAIN = Plain()
BEGINNINGS = [
    data for signature in SIGNATURES for example in signature.examples for data in (example.orig, example.resp)
]
FORMATS = (
    layout.TEXT_LINE, layout.HTTP_REQUEST, layout.IPP_REQUEST, layout.LPR_COMMAND, layout.TDS_PRELOGIN, layout.DNS,
    layout.NETBIOS_NAME, layout.LDAP, layout.KERBEROS,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(signatures(), short, short, st.integers(0, 1), st.sampled_from([*PORTS, 3]), st.integers(1, 14))
def test_no_signature_reads_beyond_a_row(
    some: list[Signature], orig: bytes, resp: bytes, transport: int, port: int, width: int
) -> None:
    """A flow by itself, in rows that its bytes fill, so that behind them there is nothing, neither a row nor memory."""
    ready = Matcher(some)
    sides = (byte_rows(pl.Series([data], dtype=pl.Binary), width) for data in (orig, resp))
    flow = FirstBytes(np.array([transport], np.uint8), np.array([port], np.uint16), *sides)
    told = ready.match(flow)
    with patch.object(matcher, "kernel", PLAIN), patch.object(structures, "kernel", PLAIN):
        read = ready.match(flow)
    for one in ("service", "sublabel", "orig", "resp"):
        assert getattr(read, one).tolist() == getattr(told, one).tolist()


@pytest.mark.parametrize("which", FORMATS)
@settings(max_examples=40, deadline=None)
@given(
    data=st.sampled_from(BEGINNINGS), more=st.binary(max_size=PREFIX), at=st.integers(0, PREFIX - 1), drawn=st.data()
)
def test_no_format_reads_beyond_a_row(which: int, data: bytes, more: bytes, at: int, drawn: st.DataObject) -> None:
    """From the beginning, where an example may fit, and from any other place."""
    width = drawn.draw(st.sampled_from([PREFIX, HEAD]))
    cut = drawn.draw(st.integers(0, len(data)))
    rows = byte_rows(pl.Series([data[:cut] + more if drawn.draw(st.booleans()) else data], dtype=pl.Binary), width)
    for place in (0, at):
        read = structures._compiled(which)
        told = read(rows, np.zeros(1, np.int64), place)
        with patch.object(structures, "kernel", PLAIN):
            assert read(rows, np.zeros(1, np.int64), place).tolist() == told.tolist()


def test_rows_that_do_not_fit_one_another_are_refused() -> None:
    """Compiled code reads both sides as rows of one width, a row for each flow."""
    wide, narrow = byte_rows(pl.Series([b"a"]), HEAD), byte_rows(pl.Series([b"a"]), PREFIX)
    one = np.zeros(1, np.uint8)
    for orig, resp, ports in ((wide, narrow, 1), (narrow, wide, 1), (wide, wide, 2)):
        with pytest.raises(ValueError, match="a row for each flow"):
            FirstBytes(one, np.zeros(ports, np.uint16), orig, resp)
