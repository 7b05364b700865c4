"""SNMP messages of all versions are read from BER in every form, many at once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.byterows import byte_rows
from analyser.services.snmp import SnmpRows, read_snmp
from tests.services import wire


def _read(*messages: bytes, width: int = 320) -> SnmpRows:
    rows = byte_rows(pl.Series(messages, dtype=pl.Binary), width)
    return read_snmp(rows, np.arange(len(messages), dtype=np.int64))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([0, 1]),
    st.sampled_from([0xA0, 0xA1, 0xA2, 0xA3, 0xA5]),
    st.integers(0, 2**31 - 1),
    st.binary(max_size=60),
    st.integers(0, 18),
)
def test_what_was_written_is_read(version: int, tag: int, request: int, community: bytes, status: int) -> None:
    message = wire.snmp(tag, request, version=version, community=community, status=status)
    read = _read(message)
    assert (read.version[0], read.pdu[0], read.request[0]) == (version, tag, request)
    assert read.status[0] == (status if tag == 0xA2 else 0)
    assert message[read.name_at[0] : read.name_at[0] + read.name_length[0]] == community


@pytest.mark.parametrize("arc", [1, 2, 3, 4, 5, 6])
def test_a_report_of_version_3_tells_its_counter_and_the_message_it_answers(arc: int) -> None:
    read = _read(wire.snmp3(0xA8, 77, report=arc))
    assert (read.version[0], read.pdu[0], read.request[0], read.report[0]) == (3, 0xA8, 77, arc)


def test_an_encrypted_message_still_tells_its_version_id_and_user() -> None:
    message = wire.snmp3(0xA0, 78, user=b"operator", encrypted=True)
    read = _read(message)
    assert (read.version[0], read.pdu[0], read.request[0]) == (3, 0, 78)
    assert message[read.name_at[0] : read.name_at[0] + read.name_length[0]] == b"operator"


def test_lengths_in_long_form_are_legal() -> None:
    message = wire.ber(0x30, wire.integer(1), wire.ber(4, b"c", long=True), wire.pdu(0xA0, 5), long=True)
    read = _read(message)
    assert (read.version[0], read.request[0]) == (1, 5)


@pytest.mark.parametrize("size", range(0, 60, 3))
def test_a_message_cut_at_any_byte_says_less_and_nothing_wrong(size: int) -> None:
    read = _read(wire.snmp(0xA2, 500, status=16)[:size])
    assert read.version[0] in (-1, 1)
    assert read.pdu[0] in (0, 0xA2)
    assert read.request[0] in (0, 500)
    assert read.status[0] in (0, 16)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=100), min_size=1, max_size=20))
def test_any_bytes_are_read(messages: list[bytes]) -> None:
    read = _read(*messages)
    assert len(read.ok) == len(messages)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 90), st.integers(0, 255))
def test_any_wrong_byte_is_read(place: int, value: int) -> None:
    message = bytearray(wire.snmp3(0xA8, 77, report=5))
    message[place % len(message)] = value
    _read(bytes(message))
