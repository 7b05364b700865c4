"""Questions for addresses and their answers: outcomes, names in wire format, and bytes of all kinds that raise nothing."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR, DNSRR

from analyser.services.lookups import lookups
from analyser.tables import LOOKUPS, WATCHED
from tests.services.made import SECOND, START, flow, tables

WANTED = ("192.0.2.10", "2001:db8::10")


def asked(name: str, kind: str = "A", number: int = 7) -> bytes:
    return bytes(DNS(id=number, rd=1, qd=DNSQR(qname=name, qtype=kind)))


def answered(name: str, code: int, *records: DNSRR, kind: str = "A", number: int = 7) -> bytes:
    return bytes(DNS(id=number, qr=1, rcode=code, qd=DNSQR(qname=name, qtype=kind), an=list(records)))


def record(name: str, data: str, kind: str = "A") -> DNSRR:
    return DNSRR(rrname=name, rdata=data, type=kind)


def told(*said: tuple[bytes, bytes | None], service: str | None = "dns") -> list[dict[str, Any]]:
    """Return LOOKUPS of dialogues, each of them a flow of its own."""
    flows, watched = [], []
    for serial, (question, answer) in enumerate(said, 1):
        flows.append(flow(serial, proto="udp", **{"id.resp_p": 53}))
        for number, data in enumerate((question, answer)):
            if data is not None:
                watched.append(
                    {"serial": serial, "t": START + serial * SECOND + number, "file": 0, "frame": 2 * serial + number,
                     "from_orig": number == 0, "seq": 0, "ack": 0, "length": len(data), "data": data}
                )  # fmt: skip
    made = tables(flows, watched)
    labels = pl.DataFrame({"service": [service] * len(flows)}, schema={"service": pl.String})
    found = lookups(made.flows, labels, made.watched, WANTED)
    assert dict(found.schema) == LOOKUPS
    return found.to_dicts()


@pytest.mark.parametrize(
    ("answer", "outcome", "address"),
    [
        (answered("a.example.", 0, record("a.example.", "192.0.2.10")), "found", "192.0.2.10"),
        (answered("a.example.", 0, record("a.example.", "203.0.113.9")), "found", None),
        (answered("a.example.", 0, record("a.example.", "b.example.", "CNAME"), record("b.example.", "192.0.2.10")), "found", "192.0.2.10"),
        (answered("a.example.", 3), "no-such-name", None),
        (answered("a.example.", 2), "server-failure", None),
        (answered("a.example.", 5), "refused", None),
        (None, "no-answer", None),
        (answered("a.example.", 3, number=8), "no-answer", None),
        (answered("b.example.", 3), "no-answer", None),
    ],
)  # fmt: skip
def test_how_a_question_ended(answer: bytes | None, outcome: str, address: str | None) -> None:
    """Each response code has its word; an answer to another question is none, and an alias leads to the address."""
    (row,) = told((asked("A.example."), answer and answer.replace(b"\x01a\x07", b"\x01A\x07")))
    assert (row["outcome"], row["address"], row["name"]) == (outcome, address, b"\x01a\x07example\x00")
    assert (row["frame"], row["answer_frame"]) == (2, 0 if outcome == "no-answer" else 3)


def test_addresses_of_version_6_are_found() -> None:
    """A question for AAAA and its answer."""
    answer = answered("a.example.", 0, record("a.example.", "2001:db8::10", "AAAA"), kind="AAAA")
    (row,) = told((asked("a.example.", "AAAA"), answer))
    assert (row["outcome"], row["address"]) == ("found", "2001:db8::10")


def test_a_name_without_an_address_and_other_questions_tell_nothing() -> None:
    """No data for a type is no failure, and who asks for a mail server is not looking for an address."""
    assert told((asked("a.example."), answered("a.example.", 0))) == []
    assert told((asked("a.example.", "MX"), answered("a.example.", 3, kind="MX"))) == []


def test_questions_of_one_kind_are_one_row() -> None:
    """The same question asked three times, failing each time, is one row with its count; success is another."""
    failed = (asked("a.example."), answered("a.example.", 3))
    found = (asked("a.example."), answered("a.example.", 0, record("a.example.", "192.0.2.10")))
    rows = told(failed, failed, found, failed)
    assert [(row["outcome"], row["times"], row["frame"]) for row in rows] == [("no-such-name", 3, 2), ("found", 1, 6)]


def test_what_is_no_dns_is_not_read() -> None:
    """Flows that are not told to be DNS are left alone."""
    assert told((asked("a.example."), answered("a.example.", 3)), service="ntp") == []


BYTES = st.one_of(
    st.binary(max_size=600),
    st.sampled_from([asked("a.example."), answered("a.example.", 0, record("a.example.", "192.0.2.10"))]).flatmap(
        lambda whole: st.tuples(st.integers(0, len(whole)), st.binary(max_size=20)).map(
            lambda cut: whole[: cut[0]] + cut[1] + whole[cut[0] + 1 :]
        )
    ),
)


@settings(deadline=None)
@given(st.lists(st.tuples(BYTES, st.none() | BYTES), max_size=6))
def test_any_bytes_give_rows_or_none(said: list[tuple[bytes, bytes | None]]) -> None:
    """Cut, damaged and random datagrams never raise; what is told has the form of a name and a known word."""
    for row in told(*said):
        assert row["name"].endswith(b"\x00")
        assert len(row["name"]) <= 255
        assert row["outcome"] in {"found", "no-such-name", "server-failure", "refused", "no-answer"}
        assert row["address"] in {None, *WANTED}


def test_no_datagram_no_lookup() -> None:
    """Without flows or watched packets there is an empty table of the right columns."""
    made = tables([flow(1, proto="udp", **{"id.resp_p": 53})])
    labels = pl.DataFrame({"service": ["dns"]})
    assert dict(lookups(made.flows, labels, pl.DataFrame(schema=WATCHED), WANTED).schema) == LOOKUPS
