"""Datagrams become requests: what is one request, which answer is its own, what was asked again in vain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services import wire
from tests.services.made import START, Talking, flow, labelled


def _udp(serial: int, port: int, **facts: Any) -> dict[str, Any]:
    return flow(serial, proto="udp", orig_nsyn=0, resp_nsynack=0, **{"id.resp_p": port, **facts})


def _asked(talk: Talking, port: int = 161, **facts: Any) -> list[dict[str, Any]]:
    """Label one flow with this talk and return its REQUESTS."""
    first = {side: next((row["data"] for row in talk.rows if row["from_orig"] == orig), b"") for side, orig in _SIDES}
    services = {("udp", 161): "snmp", ("udp", 53): "dns", ("udp", 1434): "sql-browser"}
    return labelled([_udp(1, port, **first, **facts)], [talk], services).requests.rows(named=True)


_SIDES = (("orig", True), ("resp", False))
GET, RESPONSE = 0xA0, 0xA2


def test_a_request_and_its_answer_are_one_row() -> None:
    [row] = _asked(Talking(1).orig(wire.snmp(GET, 7)).resp(wire.snmp(RESPONSE, 7)))
    assert row["credential"] > 0
    assert row | {"credential": 0} == {
        "serial": 1,
        "t": START + 100_000_000,
        "last_t": START + 100_000_000,
        "file": 0,
        "frame": 4,
        "last_frame": 4,
        "last_file": 0,
        "sent": 1,
        "answer_t": START + 200_000_000,
        "answer_frame": 5,
        "answer_file": 0,
        "repeat_after_answer": 0,
        "credential": 0,
    }


def test_the_same_bytes_sent_again_are_the_same_request() -> None:
    talk = Talking(1, gap=5.0)
    for _ in range(4):
        talk.orig(wire.snmp(GET, 7))
    [row] = _asked(talk)
    assert (row["sent"], row["frame"], row["last_frame"], row["answer_t"]) == (4, 4, 7, 0)
    assert row["last_t"] - row["t"] == 15_000_000_000


def test_another_id_is_another_request_and_an_answer_finds_its_own() -> None:
    """The answer to the first comes after the second was sent."""
    talk = Talking(1).orig(wire.snmp(GET, 7)).orig(wire.snmp(GET, 8)).resp(wire.snmp(RESPONSE, 7))
    assert [(row["frame"], row["answer_frame"]) for row in _asked(talk)] == [(4, 6), (5, 0)]


def test_an_answer_with_a_foreign_id_answers_nothing() -> None:
    [row] = _asked(Talking(1).orig(wire.snmp(GET, 7)).resp(wire.snmp(RESPONSE, 9)))
    assert row["answer_t"] == 0


@pytest.mark.parametrize(("after", "rows", "in_vain"), [(1.0, 1, 1), (4.9, 1, 1), (5.1, 2, 0)])
def test_a_request_repeated_soon_after_its_answer_was_answered_in_vain(after: float, rows: int, in_vain: int) -> None:
    talk = Talking(1).orig(wire.snmp(GET, 7)).resp(wire.snmp(RESPONSE, 7)).orig(wire.snmp(GET, 7), after=after)
    found = _asked(talk)
    assert (len(found), found[0]["repeat_after_answer"]) == (rows, in_vain)


def test_every_repeat_after_an_answer_counts() -> None:
    talk = Talking(1, gap=1.0).orig(wire.snmp(GET, 7))
    for _ in range(3):
        talk.resp(wire.snmp(RESPONSE, 7)).orig(wire.snmp(GET, 7))
    [row] = _asked(talk)
    assert (row["sent"], row["repeat_after_answer"]) == (4, 3)


def test_the_same_bytes_after_a_long_silence_are_a_new_request() -> None:
    talk = Talking(1).orig(b"\x02").orig(b"\x02", after=59.0).orig(b"\x02", after=61.0)
    assert [row["sent"] for row in _asked(talk, 1434)] == [2, 1]


def test_without_ids_the_next_datagram_of_the_other_side_is_the_answer() -> None:
    talk = Talking(1).orig(b"\x04ONE\0").orig(b"\x04TWO\0").resp(b"\x05\x00\x00x")
    assert [(row["frame"], row["answer_frame"]) for row in _asked(talk, 1434)] == [(4, 0), (5, 6)]


def test_dns_answers_find_their_question_by_id() -> None:
    talk = Talking(1).orig(wire.dns(1, answer=False)).orig(wire.dns(2, answer=False)).resp(wire.dns(1, answer=True))
    assert [row["answer_frame"] for row in _asked(talk, 53)] == [6, 0]


def test_traps_and_answers_are_no_requests() -> None:
    assert _asked(Talking(1).orig(wire.snmp(0xA7, 7)).orig(wire.snmp(RESPONSE, 8))) == []


def test_an_answer_without_a_request_makes_no_row() -> None:
    assert _asked(Talking(1).resp(wire.snmp(RESPONSE, 7))) == []


def test_datagrams_to_a_group_have_no_answers_in_their_flow() -> None:
    talk = Talking(1).orig(wire.dns(0, answer=False))
    assert _asked(talk, 5353, **{"id.resp_h": "224.0.0.251"}) == []


def test_equal_credentials_are_equal_numbers_in_one_run_and_others_differ() -> None:
    words = [(1, b"floor"), (1, b"floor"), (0, b"floor"), (1, b"roof"), (1, b"")]
    flows, talks = [], []
    for serial, (version, community) in enumerate(words, 1):
        message = wire.snmp(GET, 7, version=version, community=community)
        flows.append(_udp(serial, 161, orig=message))
        talks.append(Talking(serial, first_frame=serial * 10).orig(message))
    numbers = dict(labelled(flows, talks).requests.select("serial", "credential").iter_rows())
    assert numbers[1] == numbers[2] != 0
    assert len({numbers[1], numbers[3], numbers[4]}) == 3
    assert numbers[5] == 0
    again = dict(labelled(flows, talks).requests.select("serial", "credential").iter_rows())
    assert again[1] != numbers[1]


def test_a_community_never_gets_out() -> None:
    message = wire.snmp(GET, 7, community=b"hunter2")
    result = labelled([_udp(1, 161, orig=message)], [Talking(1).orig(message)])
    for table in (result.labels, result.promises, result.requests):
        assert "hunter2" not in table.write_csv()


def test_requests_of_many_flows_stay_apart_and_come_in_time_order() -> None:
    talks = [
        Talking(serial, first_frame=serial * 100, gap=serial / 10).orig(b"\x02").orig(b"\x02") for serial in (1, 2, 3)
    ]
    rows = labelled([_udp(serial, 1434, orig=b"\x02") for serial in (1, 2, 3)], talks).requests.rows(named=True)
    assert [(row["serial"], row["sent"]) for row in rows] == [(1, 2), (2, 2), (3, 2)]


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([37, 53, 137, 161, 1434]),
    st.lists(st.tuples(st.booleans(), st.binary(max_size=40), st.floats(0, 100)), max_size=20),
)
def test_any_datagrams_are_counted_once(port: int, said: list[tuple[bool, bytes, float]]) -> None:
    """No request is invented: the datagrams of all requests together are at most those that were sent."""
    talk = Talking(1)
    for from_orig, data, after in said:
        (talk.orig if from_orig else talk.resp)(data, after=after)
    rows = _asked(talk, port)
    assert sum(row["sent"] for row in rows) <= sum(from_orig for from_orig, _, _ in said)
    assert all(row["t"] <= row["last_t"] for row in rows)
    assert all(row["answer_t"] == 0 or row["answer_t"] >= row["t"] for row in rows)
