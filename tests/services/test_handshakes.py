"""TLS of many flows, read at once, is held against a reader that takes one conversation byte by byte."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services import chains
from analyser.services.certificates import Certificates
from analyser.services.handshakes import ALL_FACTS, COLUMNS, SCHEMA, facts_frame, tls_facts
from analyser.services.streams import Conversation, Mark, Run, packed
from analyser.tables import LABELS
from tests.services import segments, wire
from tests.services.plain_tls import TlsFacts, read_tls
from tests.services.segments import Sent


def plain_row(facts: TlsFacts) -> tuple[Any, ...]:
    """Return facts of one conversation in the order of the columns, the certificate itself in place of its number."""
    return (
        facts.cipher,
        facts.protocols,
        facts.protocol,
        facts.certificate,
        facts.version,
        facts.offered,
        facts.server_name,
        facts.client_hello_t,
        facts.server_hello_t,
        facts.client_next_t,
        facts.alert,
        facts.alert_from_orig,
        facts.alert_mark.frame,
        facts.alert_mark.file,
    )


_VERSION = st.sampled_from([0x0002, 0x0200, 0x0301, 0x0303, 0x0304, 0x0A0A])
_NAME = st.sampled_from([b"a", b"Host.example", b"-bad", b"x" * 253, b"x" * 254, b"\xff", b""])
_EXTENSION = st.one_of(
    _NAME.map(wire.server_name),
    st.lists(_VERSION, max_size=4).map(
        lambda items: wire.extension(43, bytes([2 * len(items)]) + b"".join(item.to_bytes(2, "big") for item in items))
    ),
    _VERSION.map(lambda version: wire.extension(43, version.to_bytes(2, "big"))),
    st.binary(max_size=9).map(lambda body: wire.extension(16, len(body).to_bytes(2, "big") + body)),
    st.tuples(st.sampled_from([0, 16, 43]), st.binary(max_size=9)).map(lambda item: wire.extension(*item)),
)


@st.composite
def _hello(draw: st.DrawFn, kinds: tuple[int, ...] = (1, 1, 2, 2, 11)) -> bytes:
    kind = draw(st.sampled_from(kinds))
    extensions = b"".join(draw(st.lists(_EXTENSION, max_size=4)))
    session = draw(st.sampled_from([b"", bytes(32)]))
    body = draw(_VERSION).to_bytes(2, "big") + bytes(32) + bytes([len(session)]) + session
    body += b"\x00\x02\x13\x01\x01\x00" if kind == 1 else b"\x13\x01\x00"
    message = wire.handshake(kind, body + len(extensions).to_bytes(2, "big") + extensions)
    message = message[: draw(st.sampled_from([len(message), len(message), 1, 3, 4, 5, 6, 60]))]
    step = draw(st.sampled_from([len(message), len(message), 1, 7, 40]))
    certificates = draw(_CERTIFICATES) if kind == 2 else b""
    if draw(st.booleans()):  # in the same records or in others
        return _records(message + certificates, step)
    return _records(message, step) + _records(certificates, draw(st.sampled_from([200, 9, 13])))


def _records(message: bytes, step: int) -> bytes:
    return b"".join(wire.record(22, message[at : at + step]) for at in range(0, len(message), step))


def _certificates(listed: list[bytes], more: int) -> bytes:
    """A message with certificates, sometimes with sizes that are too large."""
    body = b"".join((len(item) + more).to_bytes(3, "big") + item for item in listed)
    return wire.handshake(11, len(body).to_bytes(3, "big") + body)


_CERTIFICATES = st.builds(_certificates, st.lists(st.binary(max_size=40), max_size=3), st.sampled_from([0, 0, 1]))


_RECORD = st.one_of(
    _hello(),
    _hello(),
    st.tuples(st.sampled_from([21, 21, 20, 23, 22, 24]), st.sampled_from([b"", b"\x02\x28", b"\x02\xc8", b"\x01\x00"]))
    .map(lambda item: wire.record(*item)),
    st.just(bytes.fromhex("801c 01 0301 0003 0000 0010 000005") + bytes(16)),
    st.just(bytes.fromhex("8006 01 0002 0003 00")),
    st.binary(max_size=8),
)  # fmt: skip


@st.composite
def _side(draw: st.DrawFn, own: int) -> Sent:
    first = draw(_hello((own,))) if draw(st.sampled_from([True, True, False])) else b""
    data = bytearray(first + b"".join(draw(st.lists(_RECORD, max_size=3))))
    if draw(st.booleans()):
        for place, value in draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=2)):
            data[place : place + 1] = bytes([value])
    return draw(segments.sent(bytes(data[: draw(st.sampled_from([len(data), len(data), 3, 70]))])))


_TALK = st.tuples(_side(1), _side(2))


def _by_serial(facts: pl.DataFrame, shown: Certificates) -> dict[int, tuple[Any, ...]]:
    assert facts.schema == pl.Schema(SCHEMA)
    data = facts["certificate"].replace_strict(dict(enumerate(shown.all())), return_dtype=pl.Binary)
    return {row[0]: row[1:] for row in facts.with_columns(data).rows()}


@pytest.mark.parametrize("in_step", [0, 2, chains._IN_STEP])
@settings(max_examples=100, deadline=None)
@given(talks=st.lists(_TALK, min_size=1, max_size=4))
def test_many_conversations_at_once_show_what_each_shows_alone(in_step: int, talks: list[tuple[Sent, Sent]]) -> None:
    whole = segments.plain(talks)
    expected = {talk.serial: plain_row(read_tls(talk.orig, talk.resp)) for talk in whole}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "_IN_STEP", in_step)
        shown = Certificates()
        assert _by_serial(facts_frame(packed(whole), shown), shown) == expected


def _heads(talk: Conversation, sent: tuple[Sent, Sent], heads: tuple[bytes, bytes]) -> Conversation:
    """Where not both sides were watched, one of which nothing is known is read from its first bytes."""
    if sent[0].pieces and sent[1].pieces:
        return talk
    made = [Run(0, bytearray(head), [0], [Mark(7 + number, number, 9)]) for number, head in enumerate(heads)]
    sides = [side or [run] * bool(run.data) for side, run in zip((talk.orig, talk.resp), made, strict=True)]
    return Conversation(talk.serial, *sides)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_TALK, st.tuples(st.one_of(st.just(b""), _RECORD), _RECORD)), min_size=1, max_size=4))
def test_columns_of_flows_are_those_of_their_conversations(
    drawn: list[tuple[tuple[Sent, Sent], tuple[bytes, bytes]]],
) -> None:
    talks = [talk for talk, _ in drawn]
    flows, watched = segments.tables(talks)
    flows = flows.with_columns(
        orig_payload=pl.Series([heads[0] for _, heads in drawn], dtype=pl.Binary),
        resp_payload=pl.Series([heads[1] for _, heads in drawn], dtype=pl.Binary),
        **{f"{side}_data_{name}": pl.lit(value, dtype=flows[f"{side}_data_{name}"].dtype)
           for number, side in enumerate(("orig", "resp"))
           for name, value in (("t", 7 + number), ("file", number), ("frame", 9))},
    )  # fmt: skip
    tls = pl.lit("tls")
    labels = flows.select(service=tls, orig_says=tls, resp_says=tls)
    shown = Certificates()
    facts = tls_facts(flows, labels, watched, pl.DataFrame(schema=ALL_FACTS), shown)
    found = _by_serial(facts.select(list(SCHEMA)), shown)
    read = [_heads(whole, talk, heads) for whole, (talk, heads) in zip(segments.plain(talks), drawn, strict=True)]
    expected = {talk.serial: plain_row(read_tls(talk.orig, talk.resp)) for talk in read if talk.orig or talk.resp}
    assert {name: LABELS[name] for name in COLUMNS}.items() <= SCHEMA.items()
    assert found == expected
