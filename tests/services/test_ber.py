"""Messages in BER, written in any form, damaged and cut, are read by compiled code as one reads them by hand."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyser.machine.native import kernel
from analyser.services import snmp, structures
from analyser.services.byterows import byte_rows
from analyser.services.structures import STRUCTURES
from tests.fuzz.plain import Plain
from tests.services import plain_ber, wire

PLAIN = Plain()
_WIDTHS = (8, 40, 128, 320)

numbers = st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1), st.integers(0, 2**80))


@st.composite
def elements(draw: st.DrawFn, tags: tuple[int, ...], content: bytes) -> bytes:
    """Return an element; one of eight has another tag, a length that is no length, that is too long, or that says something else."""
    tag: int = draw(st.sampled_from(tags))
    length = len(content)
    wrong = draw(st.integers(0, 31))
    if wrong == 0:
        tag = draw(st.integers(0, 255))
    elif wrong == 1:
        length = draw(st.sampled_from([0, 1, length + 1, 2**16, 2**32 - 1, max(length - 1, 0)]))
    elif wrong == 2:
        return bytes([tag, draw(st.sampled_from([0x80, 0x85, 0x88, 0xFF]))]) + bytes(draw(st.integers(0, 8))) + content
    least = max((length.bit_length() + 7) // 8, 1)
    count = draw(st.sampled_from([0, 0, 0, least, 4])) if length < 0x80 else draw(st.sampled_from([least, 4]))
    return (
        bytes([tag]) + (bytes([0x80 | count]) + length.to_bytes(count, "big") if count else bytes([length])) + content
    )


@st.composite
def integers(draw: st.DrawFn, *usual: int) -> bytes:
    """Return an INTEGER, mostly one of the usual, perhaps with more zeros before it than there must be."""
    often: st.SearchStrategy[int] = st.sampled_from(usual) if len(usual) and draw(st.integers(0, 7)) else numbers
    value = draw(often)
    digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return draw(elements((2,), bytes(draw(st.sampled_from([0, 1, 1, 1, 3]))) + digits))


octets = st.binary(max_size=12).flatmap(lambda some: elements((4,), some))


@st.composite
def ldaps(draw: st.DrawFn) -> bytes:
    """Return a message of LDAP, mostly a bind."""
    if draw(st.booleans()):
        proof = draw(elements((0x80, 0xA3), draw(st.binary(max_size=4))))
        operation = draw(elements((0x60,), draw(integers(3)) + draw(octets) + proof))
    else:
        operation = draw(elements(tuple(range(0x40, 0x80)), draw(st.binary(max_size=6))))
    return draw(elements((0x30,), draw(integers(1, 2**31 - 1, 2**32)) + operation))


@st.composite
def tickets(draw: st.DrawFn) -> bytes:
    """Return how a message of Kerberos begins."""
    version = draw(elements((0xA0, 0xA1), draw(integers(5, 5, 5, 4))))
    return draw(elements(tuple(range(0x68, 0x80)), draw(elements((0x30,), version + draw(octets)))))


@st.composite
def pdus(draw: st.DrawFn, *tags: int) -> bytes:
    """Return a PDU with one binding."""
    name = (
        bytes.fromhex("2b060106030f0101")
        + bytes([draw(st.integers(0, 8))])
        + bytes(draw(st.sampled_from([1, 1, 1, 2])))
    )
    binding = draw(elements((0x30,), draw(elements((0x30,), draw(elements((6,), name))))))
    return draw(elements(tags, draw(integers(7)) + draw(integers(0, 16)) + draw(integers(0)) + binding))


@st.composite
def snmps(draw: st.DrawFn) -> bytes:
    """Return a message of SNMP of any version."""
    if draw(st.booleans()):
        body = draw(integers(0, 1)) + draw(octets) + draw(pdus(*range(0xA0, 0xA9), 0xA2, 0xA4))
    else:
        header = draw(elements((0x30,), draw(integers(77)) + draw(octets)))
        user = draw(octets) + draw(integers(1)) + draw(integers(9)) + draw(octets)
        inside = draw(octets) + draw(octets) + draw(pdus(0xA8, 0xA8, 0xA0))
        scoped = draw(elements((0x30, 0x30, 4), inside))
        body = draw(integers(3)) + header + draw(elements((4,), draw(elements((0x30,), user)))) + scoped
    return draw(elements((0x30,), body))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Return any of these, one of four cut, with a byte changed or with others behind it."""
    data = bytearray(draw(st.one_of(ldaps(), tickets(), snmps(), st.binary(max_size=12))))
    damage = draw(st.integers(0, 11))
    if damage == 0:
        del data[draw(st.integers(0, len(data))) :]
    elif damage == 1 and data:
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    elif damage == 2:
        data += draw(st.binary(max_size=140))
    return bytes(data)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(messages(), min_size=1, max_size=6),
    st.sampled_from(_WIDTHS),
    st.sampled_from([0, 0, 0, 1, 4, 7, 127, 400]),
)
@example([wire.snmp3(0xA8, 77, report=5), wire.ldap_bind(1), b"", b"\x30", b"\x30\x80"], 320, 0)
@example([wire.ldap_bind(1)[:size] for size in range(24)], 128, 0)
@example([wire.snmp3(0xA8, 77, report=5)[:size] for size in range(110)], 128, 0)
def test_messages_are_read_as_one_reads_them(some: list[bytes], width: int, at: int) -> None:
    """All formats, of rows in another order, from any place, cut at the width of the rows; also with every load tested."""
    before = [bytes(at) + data for data in some]
    rows = byte_rows(pl.Series(before, dtype=pl.Binary), width)
    index = np.arange(len(some))[::-1].copy()
    kept = [data[:width] for data in before[::-1]]
    for patched in (False, True):
        with patch.object(snmp, "kernel", PLAIN if patched else kernel):
            read = snmp.read_snmp(rows, index, at)
        columns = (getattr(read, name).tolist() for name in plain_ber.Snmp._fields)
        told = [plain_ber.Snmp(*fields) for fields in zip(*columns, strict=True)]
        assert told == [plain_ber.snmp(data, at) for data in kept]
        with patch.object(structures, "kernel", PLAIN if patched else kernel):
            kinds = {name: STRUCTURES[name].read(rows, index, at).tolist() for name in ("ldap", "kerberos")}
        assert kinds["ldap"] == [plain_ber.ldap(data, at) for data in kept]
        assert kinds["kerberos"] == [plain_ber.kerberos(data, at) for data in kept]
