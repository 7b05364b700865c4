"""The door of the stage: what wins over what, what little evidence says, and that nothing breaks it."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.watch import watch_ports
from analyser.tables import LABELS, PROMISES, REQUESTS
from tests.services.made import CLIENT, SECOND, SERVER, START, Talking, first, flow, labelled

PORTS = {("tcp", 80): "http", ("tcp", 443): "https", ("tcp", 5555): "proprietary", ("udp", 161): "snmp"}


def _row(**facts: Any) -> dict[str, Any]:
    port = facts.pop("port", 80)
    return first(labelled([flow(1, **{"id.resp_p": port, **facts})], ports=PORTS))


def _said(row: dict[str, Any]) -> tuple[Any, Any, Any]:
    return row["service"], row["basis"], row["sublabel"]


def test_bytes_win_over_the_port() -> None:
    assert _said(_row(resp=b"SSH-2.0-x\r\n")) == ("ssh", "payload", None)


def test_without_bytes_the_port_is_a_guess_and_says_so() -> None:
    assert _said(_row()) == ("http", "port", None)


def test_a_word_for_a_protocol_inside_tls_is_guessed_as_tls() -> None:
    assert _said(_row(port=443)) == ("tls", "port", None)


def test_a_word_that_is_no_service_guesses_nothing() -> None:
    assert _said(_row(port=5555)) == (None, None, None)


def test_the_guess_minds_the_transport() -> None:
    assert _said(_row(port=161)) == (None, None, None)


def test_bytes_of_the_responder_that_nothing_explains_are_opaque() -> None:
    assert _said(_row(resp=b"\x99\x01\x02")) == ("http", "port", "opaque")
    assert _said(_row(port=6010, resp=b"\x99\x01\x02")) == (None, None, "opaque")


def test_bytes_of_the_initiator_alone_are_not_called_opaque_yet() -> None:
    """The responder speaks first in many protocols: what it would have said is not known."""
    assert _said(_row(port=6010, orig=b"\x99\x01\x02")) == (None, None, None)


def test_where_the_sides_contradict_the_responder_says_what_listens_there() -> None:
    assert _said(_row(orig=b"GET / HTTP/1.1\r\n\r\n", resp=b"SSH-2.0-x\r\n"))[0] == "ssh"


def test_the_finer_of_two_agreeing_sides_wins() -> None:
    assert _said(_row(orig=b"POST /ipp/print HTTP/1.1\r\n", resp=b"HTTP/1.1 200 OK\r\n"))[0] == "ipp"
    assert _said(_row(orig=b"OPTIONS / HTTP/1.1\r\n", resp=b"HTTP/1.1 207 x\r\n"))[0] == "webdav"


def test_a_guessed_direction_is_tried_both_ways_a_proved_one_is_not() -> None:
    """The capture began late and the server was taken for the initiator."""
    mirrored = {"orig": b"* OK ready\r\n", "port": 50_000, "id.orig_p": 143}
    assert _said(_row(guessed=True, **mirrored)) == ("imap", "payload", None)
    assert _said(_row(guessed=False, **mirrored)) == (None, None, None)


def test_labels_keep_the_rows_and_order_of_the_flows_and_the_schemas_of_the_house() -> None:
    flows = [flow(serial, resp=b"SSH-2.0-x" if serial % 2 else b"") for serial in (5, 3, 9, 1)]
    result = labelled(flows, ports=PORTS)
    assert list(result.labels["service"]) == ["ssh", "ssh", "ssh", "ssh"]
    flows[1] = flow(3)
    assert list(labelled(flows, ports=PORTS).labels["service"]) == ["ssh", "http", "ssh", "ssh"]
    assert (result.labels.schema, result.promises.schema, result.requests.schema) == (
        pl.Schema(LABELS),
        pl.Schema(PROMISES),
        pl.Schema(REQUESTS),
    )


def test_no_flows_give_empty_tables_of_the_same_schemas() -> None:
    result = labelled([])
    assert (result.labels.schema, result.labels.height) == (pl.Schema(LABELS), 0)
    assert (result.promises.schema, result.requests.schema) == (pl.Schema(PROMISES), pl.Schema(REQUESTS))


def test_null_payload_and_other_transports_are_labelled_too() -> None:
    assert _said(_row(orig_payload=None, resp_payload=None)) == ("http", "port", None)
    assert _said(_row(proto="icmp", orig=b"SSH-2.0-x")) == (None, None, None)


BROWSER_ANSWER = (
    b"\x05\x60\x00ServerName;DB1;InstanceName;A;IsClustered;No;Version;15.0;tcp;50122;np;x;;ServerName;DB1;tcp;50123;;"
)


def _browser(**facts: Any) -> tuple[dict[str, Any], Talking]:
    made = flow(1, proto="udp", orig=b"\x03", resp=BROWSER_ANSWER, **{"id.resp_p": 1434, **facts})
    return made, Talking(1).orig(b"\x03").resp(BROWSER_ANSWER)


def test_a_database_instance_stays_at_the_port_that_the_browser_announced() -> None:
    made, talk = _browser()
    later = [
        flow(serial, ts=START + after * SECOND, **{"id.resp_p": port})
        for serial, after, port in ((2, 1, 50_122), (3, 4000, 50_122), (4, 2, 50_124))
    ]
    result = labelled([made, *later], [talk])
    kept = result.promises.select("kind", "initiator", "responder", "port", "kept_by").rows()
    assert kept == [("sql-browser", CLIENT, SERVER, 50_122, 2), ("sql-browser", CLIENT, SERVER, 50_123, None)]
    said = result.labels.select("service", "basis", "negotiated_by").rows()
    assert said[1:] == [("tds", "negotiated", 1), ("tds", "negotiated", 1), (None, None, None)]


@pytest.mark.parametrize(
    ("resp", "expected"),
    [
        (bytes.fromhex("04010025000001000000150006"), ("tds", "negotiated")),
        (b"HTTP/1.1 200 OK\r\n", ("http", "payload")),
    ],
)
def test_bytes_that_are_no_database_win_over_the_announcement(resp: bytes, expected: tuple[str, str]) -> None:
    made, talk = _browser()
    result = labelled([made, flow(2, ts=START + SECOND, resp=resp, **{"id.resp_p": 50_122})], [talk])
    row = result.labels.row(1, named=True)
    assert ((row["service"], row["basis"]), row["negotiated_by"]) == (expected, 1)


def test_every_watched_port_has_a_class_that_the_engine_knows() -> None:
    known = {("tcp", "stream"), ("tcp", "control"), ("udp", "datagram")}
    assert {(transport, kind) for (transport, _), kind in watch_ports().items()} == known


_SIDES = st.one_of(
    st.binary(max_size=140),
    st.sampled_from([b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\x03", b"\x30\x84\x00\x00\x00\x41", b"220 "]),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["tcp", "udp", "icmp"]), st.sampled_from([21, 25, 53, 137, 161, 389, 515, 631, 1434, 9100, 40_000]), _SIDES, _SIDES, st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.binary(max_size=80), st.integers(0, 2**32 - 1)), max_size=20),
)  # fmt: skip
def test_any_flows_with_any_watched_packets_are_labelled(
    sides: list[tuple[str, int, bytes, bytes, bool]], packets: list[tuple[int, bool, bytes, int]]
) -> None:
    flows = [
        flow(serial, proto=proto, orig=orig, resp=resp, guessed=guessed, **{"id.resp_p": port})
        for serial, (proto, port, orig, resp, guessed) in enumerate(sides, 1)
    ]
    talks = []
    for serial, from_orig, data, seq in packets:
        talk = Talking(serial)
        talk.sent[from_orig] = seq
        talks.append((talk.orig if from_orig else talk.resp)(data))
    result = labelled(flows, talks, PORTS)
    assert result.labels.height == len(flows)
    proved = result.labels.filter(pl.col("basis").is_not_null())
    assert proved["service"].null_count() == 0


def test_a_protocol_without_a_word_gives_a_sub_label_and_no_service() -> None:
    """The debug bridge is told from a message queue; a port's guess stays a guess beside it."""
    hello = b"CNXN\x01\x00\x00\x01\x00\x00\x10\x00\x07\x00\x00\x00\x32\x02\x00\x00\xbc\xb1\xa7\xb1host::\x00"
    row = first(labelled([flow(1, orig=hello, resp=hello, **{"id.resp_p": 5555})]))
    assert (row["service"], row["basis"], row["sublabel"]) == (None, None, "adb")
    row = first(labelled([flow(1, orig=hello, resp=hello, **{"id.resp_p": 80})], ports={("tcp", 80): "http"}))
    assert (row["service"], row["basis"], row["sublabel"]) == ("http", "port", "adb")
