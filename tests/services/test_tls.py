"""What is read of TLS: versions, names, times and alerts, from whole, cut, odd and hostile handshakes."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.certificates import Certificates
from analyser.services.handshakes import COLUMNS, facts_frame
from analyser.services.streams import Conversation, Mark, Run, packed
from tests.services import wire
from tests.services.made import Talking, first, flow, labelled


def _side(*packets: bytes, t: int = 1000, start: int = 0) -> list[Run]:
    run = Run(start=start)
    for number, packet in enumerate(packets):
        run.add(packet, Mark(t + 10 * number, 0, t + number))
    return [run] if packets else []


class _Facts(NamedTuple):
    """The columns by their names without "tls"."""

    version: str | None
    offered: str | None
    server_name: str | None
    client_hello_t: int
    server_hello_t: int
    client_next_t: int
    alert: str | None
    alert_from_orig: bool
    alert_frame: int
    alert_file: int


def _read(orig: list[Run], resp: list[Run]) -> _Facts:
    [row] = facts_frame(packed([Conversation(1, orig, resp)]), Certificates()).select(COLUMNS).rows()
    return _Facts(*row)


CLIENT = wire.record(22, wire.client_hello(), 0x0301)
SERVER = wire.record(22, wire.server_hello())


def test_a_whole_handshake_gives_versions_name_and_times() -> None:
    facts = _read(_side(CLIENT, wire.record(20, b"\x01"), t=1000), _side(SERVER, t=1005))
    assert (facts.version, facts.offered, facts.server_name) == ("TLS 1.2", "TLS 1.2", "server.example")
    assert (facts.client_hello_t, facts.server_hello_t, facts.client_next_t) == (1000, 1005, 1010)
    assert facts.alert is None


def test_version_1_3_is_read_from_the_extension_not_from_the_old_field() -> None:
    hello = wire.record(22, wire.client_hello(versions=(0x0A0A, 0x0304, 0x0303)), 0x0301)
    facts = _read(_side(hello), _side(wire.record(22, wire.server_hello(0x0304))))
    assert (facts.offered, facts.version) == ("TLS 1.3", "TLS 1.3")


@pytest.mark.parametrize(
    ("number", "name"), [(0x0300, "SSL 3.0"), (0x0301, "TLS 1.0"), (0x0302, "TLS 1.1"), (0x0303, "TLS 1.2")]
)
def test_each_older_version_has_its_name(number: int, name: str) -> None:
    facts = _read(
        _side(wire.record(22, wire.client_hello(legacy=number))), _side(wire.record(22, wire.server_hello(number)))
    )
    assert (facts.offered, facts.version) == (name, name)


def test_a_hello_in_many_small_segments_and_records_is_read_whole() -> None:
    hello = wire.client_hello(name=b"a-rather-long-name.print.example")
    records = b"".join(wire.record(22, hello[at : at + 20]) for at in range(0, len(hello), 20))
    facts = _read(_side(*(records[at : at + 7] for at in range(0, len(records), 7))), [])
    assert facts.server_name == "a-rather-long-name.print.example"


def test_a_cut_hello_of_1_2_does_not_tell_whether_1_3_was_offered() -> None:
    whole = wire.record(22, wire.client_hello(versions=(0x0304,)))
    assert _read(_side(whole[:60]), []).offered is None
    old = wire.record(22, wire.client_hello(legacy=0x0301))
    assert _read(_side(old[:60]), []).offered == "TLS 1.0"


def test_a_name_that_is_no_host_name_is_not_shown() -> None:
    assert _read(_side(wire.record(22, wire.client_hello(name=b"\x1b[31mred"))), []).server_name is None


def test_a_hello_of_ssl_2_offers_a_version_and_is_answered_by_records() -> None:
    hello = bytes.fromhex("801c 01 0301 0003 0000 0010 000005") + bytes(16)
    facts = _read(
        _side(hello, wire.record(22, b"\x10\x00\x00\x00")), _side(wire.record(22, wire.server_hello(0x0301)), t=1005)
    )
    assert (facts.offered, facts.version) == ("TLS 1.0", "TLS 1.0")
    assert facts.client_next_t == 1010


def test_a_hello_that_nobody_answers_leaves_the_answer_out() -> None:
    facts = _read(_side(CLIENT), [])
    assert (facts.client_hello_t, facts.server_hello_t, facts.client_next_t) == (1000, 0, 0)


def test_a_repeated_hello_is_not_the_next_record_of_the_client() -> None:
    facts = _read(_side(CLIENT), _side(SERVER, t=1005))
    assert facts.client_next_t == 0


@pytest.mark.parametrize("from_orig", [True, False])
def test_a_fatal_alert_tells_its_name_sender_and_frame(from_orig: bool) -> None:
    client, server = _side(CLIENT, t=1000), _side(SERVER, t=2000)
    (client if from_orig else server)[0].add(wire.alert(48), Mark(3000, 0, 77))
    facts = _read(client, server)
    assert (facts.alert, facts.alert_from_orig, facts.alert_frame) == ("unknown_ca", from_orig, 77)


def test_of_two_alerts_the_earlier_counts() -> None:
    client, server = _side(CLIENT, t=1000), _side(SERVER, t=2000)
    client[0].add(wire.alert(46), Mark(4000, 0, 9))
    server[0].add(wire.alert(40), Mark(3000, 0, 8))
    assert _read(client, server).alert == "handshake_failure"


def test_warnings_and_encrypted_alerts_are_no_fatal_alerts() -> None:
    warned = _read(_side(CLIENT), _side(wire.alert(112, level=1) + SERVER))
    encrypted = _read(_side(CLIENT), _side(SERVER, wire.record(20, b"\x01"), wire.record(21, b"\x02\x28"), t=1001))
    assert (warned.alert, encrypted.alert) == (None, None)


def test_an_unknown_alert_is_told_by_its_number() -> None:
    assert _read(_side(CLIENT), _side(wire.alert(200))).alert == "alert 200"


def test_a_server_whose_hello_was_not_captured_did_answer() -> None:
    facts = _read(_side(CLIENT), _side(wire.record(23, b"x" * 30), t=1500, start=90))
    assert (facts.server_hello_t, facts.version) == (1500, None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=5), st.lists(st.binary(max_size=80), max_size=5), st.integers(0, 50))
def test_any_bytes_give_facts(orig: list[bytes], resp: list[bytes], start: int) -> None:
    _read(_side(*orig, start=start), _side(*resp, start=start))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(CLIENT + SERVER) - 1), st.integers(0, 255))
def test_any_wrong_byte_gives_facts(place: int, value: int) -> None:
    damaged = bytearray(CLIENT + SERVER)
    damaged[place] = value
    _read(_side(bytes(damaged[: len(CLIENT)])), _side(bytes(damaged[len(CLIENT) :])))


def test_the_columns_come_from_watched_packets() -> None:
    talk = Talking(1).orig(CLIENT).resp(SERVER).orig(wire.record(20, b"\x01"))
    row = first(labelled([flow(1, orig=CLIENT, resp=SERVER, **{"id.resp_p": 5022})], [talk]))
    assert (row["service"], row["basis"], row["tls_version"], row["server_name"]) == (
        "tls",
        "payload",
        "TLS 1.2",
        "server.example",
    )
    times = [row[f"tls_{name}_t"] for name in ("client_hello", "server_hello", "client_next")]
    assert times == [item["t"] for item in talk.rows]


def test_a_side_that_was_not_watched_is_read_from_its_first_bytes() -> None:
    """The engine does not watch a side that begins with an alert."""
    talk = Talking(1).orig(CLIENT)
    row = first(labelled([flow(1, orig=CLIENT, resp=wire.alert(70))], [talk]))
    assert (row["tls_alert"], row["tls_alert_from_orig"], row["tls_alert_frame"]) == ("protocol_version", False, 5)


def test_first_bytes_alone_still_tell_the_chosen_version() -> None:
    row = first(labelled([flow(1, orig=CLIENT, resp=wire.record(22, wire.server_hello(0x0304)))]))
    assert row["tls_version"] == "TLS 1.3"


@pytest.mark.parametrize(
    ("resp", "wrong", "service"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", True, "http"),
        (b"SSH-2.0-x\r\n", True, "ssh"),
        (b"<!DOCTYPE html>", True, "tls"),
        (SERVER, False, "tls"),
        (wire.alert(40), False, "tls"),
        (b"\x9a\x01\xfe\x00", False, "tls"),
        (b"", False, "tls"),
    ],
)
def test_a_hello_answered_in_clear_text_is_told(resp: bytes, wrong: bool, service: str) -> None:
    row = first(labelled([flow(1, orig=CLIENT, resp=resp, **{"id.resp_p": 443})]))
    assert (row["wrong_side"], row["service"]) == (wrong, service)


def test_clear_text_asked_and_an_alert_answered_is_tls_that_refuses() -> None:
    row = first(labelled([flow(1, orig=b"GET / HTTP/1.1\r\n\r\n", resp=wire.alert(10))]))
    assert (row["service"], row["tls_alert"], row["wrong_side"]) == ("tls", "unexpected_message", False)
