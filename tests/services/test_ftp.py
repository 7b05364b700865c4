"""FTP control dialogues: what they announce, how it is kept, and what counts as a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.dialogue import read_dialogue
from analyser.services.ftp import announcements, refusal
from analyser.services.streams import Conversation, Mark, Run
from analyser.tables import LabelTables
from tests.services import wire
from tests.services.made import CLIENT, SECOND, SERVER, START, Talking, first, flow, labelled


def _lines(*said: bytes) -> Conversation:
    """A conversation of lines, ``>`` by the client and ``<`` by the server, each in a packet of its own."""
    sides = {b">": Run(start=0), b"<": Run(start=0)}
    for number, line in enumerate(said, 1):
        sides[line[:1]].add(line[1:] + b"\r\n", Mark(number, 0, number))
    return Conversation(1, [sides[b">"]], [sides[b"<"]])


def _announced(*said: bytes) -> list[tuple[str, str | None, int]]:
    return [(item.kind, item.address, item.port) for item in announcements(read_dialogue(_lines(*said)).lines)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b">PORT 198,51,100,21,195,80", [("ftp-active", "198.51.100.21", 50_000)]),
        (b">port  10,0,0,5,0,21", [("ftp-active", "10.0.0.5", 21)]),
        (b">EPRT |1|198.51.100.21|50001|", [("ftp-active", "198.51.100.21", 50_001)]),
        (b">EPRT |2|2001:db8:0::5|50001|", [("ftp-active", "2001:db8::5", 50_001)]),
        (b">EPRT !1!198.51.100.21!50001!", [("ftp-active", "198.51.100.21", 50_001)]),
        (b"<227 Entering Passive Mode (192,0,2,10,195,81).", [("ftp-passive", "192.0.2.10", 50_001)]),
        (b"<227 Entering Passive Mode 10,0,0,5,195,81", [("ftp-passive", "10.0.0.5", 50_001)]),
        (b"<227 =192,0,2,10,4,1", [("ftp-passive", "192.0.2.10", 1025)]),
        (b"<229 Entering Extended Passive Mode (|||50002|)", [("ftp-passive", None, 50_002)]),
        (b"<229 ok !!!50002!", [("ftp-passive", None, 50_002)]),
        (b">PORT 198,51,100,21,195", []),
        (b">PORT 198,51,100,21,256,1", []),
        (b">PORT 300,51,100,21,1,1", []),
        (b">PORT 198,51,100,21,0,0", []),
        (b">EPRT |1|nowhere|50001|", []),
        (b">EPRT |1|198.51.100.21|70000|", []),
        (b"<229 Entering (|||0|)", []),
        (b"<227 Entering Passive Mode", []),
        (b">USER 1,2,3,4,5,6", []),
        (b"<200 1,2,3,4,5,6", []),
    ],
)
def test_announcing_lines_are_read_in_every_form_and_malformed_ones_announce_nothing(
    line: bytes, expected: list[tuple[str, str | None, int]]
) -> None:
    assert _announced(line) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((b"<227-Passive", b"<(192,0,2,10,195,80)", b"<227 end"), [("ftp-passive", "192.0.2.10", 50_000)]),
        ((b"<227-Passive", b"< 192, 0, 2, 10, 195, 80", b"<227 end"), [("ftp-passive", "192.0.2.10", 50_000)]),
        ((b"<227-Passive", b"<227 (192,0,2,10,195,80)", b"<1,2,3,4,5,6"), [("ftp-passive", "192.0.2.10", 50_000)]),
        ((b"<227-Passive", b">NOOP", b"<1,2,3,4,5,6"), []),
        ((b"<211-Status", b"<1,2,3,4,5,6", b"<211 end"), []),
    ],
)
def test_only_within_the_answer_to_pasv_do_numbers_in_any_line_announce_a_port(
    said: tuple[bytes, ...], expected: list[tuple[str, str | None, int]]
) -> None:
    assert _announced(*said) == expected


def test_a_line_in_pieces_is_one_announcement_with_the_packet_of_its_first_byte() -> None:
    talk = Talking(1)
    talk.resp(b"220 ready\r\n").orig(b"PASV\r\n")
    for piece in (b"227 Entering (192,0", b",2,10,19", b"5,80)\r", b"\n"):
        talk.resp(piece)
    found = labelled([CONTROL], [talk]).promises
    assert (found["announced"].to_list(), found["port"].to_list(), found["frame"].to_list()) == (
        ["192.0.2.10"],
        [50_000],
        [6],
    )


def test_a_server_that_announces_without_end_does_not_fill_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyser.services.promises.CAP", 50)
    talk = _control(1, b"<220 x", *[b"<229 (|||%d|)" % port for port in range(1024, 1200)], gap=0.001)
    assert labelled([CONTROL], [talk]).promises["port"].to_list() == list(range(1024, 1074))


def test_one_server_that_announces_without_end_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one dialogue announces is bounded by itself: another one's promise is kept though it comes later."""
    monkeypatch.setattr("analyser.services.promises.CAP_OF_DIALOGUE", 20)
    endless = _control(1, b"<220 x", *[b"<229 (|||%d|)" % port for port in range(1024, 1200)], gap=0.001)
    other = _control(2, b"<220 x", b"<229 (|||50000|)", gap=1)
    found = labelled([CONTROL, CONTROL | {"serial": 2}], [endless, other]).promises
    assert found["port"].to_list() == [*range(1024, 1044), 50_000]
    assert found["control"].to_list() == [1] * 20 + [2]


_ANY_LINE = st.one_of(
    st.binary(max_size=60),
    st.from_regex(rb"(227|229|PORT|EPRT|EPSV|PASV)[ (-]{0,3}[|!,0-9 ().:a-f-]{0,40}", fullmatch=True),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([b">", b"<"]), _ANY_LINE), max_size=12))
def test_any_lines_announce_at_most_one_port_each_and_only_ports_that_there_are(
    said: list[tuple[bytes, bytes]],
) -> None:
    found = announcements(read_dialogue(_lines(*[side + line for side, line in said])).lines)
    assert len(found) <= sum(line.count(b"\n") + 1 for _, line in said)
    assert all(0 < item.port <= 65535 for item in found)


def test_a_proposed_port_that_the_server_turns_down_is_no_announcement() -> None:
    assert _announced(b">PORT 1,2,3,4,5,6", b"<500 Illegal PORT command", b">PASV", b"<227 (1,2,3,4,5,7)") == [
        ("ftp-passive", "1.2.3.4", 1287)
    ]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((b"<220 hi", b">USER x", b"<331 password", b">PASS y", b"<530 no"), "FTP 530"),
        ((b"<220 hi", b">PASS y", b"<530 no", b">QUIT", b"<221 bye"), "FTP 530"),
        ((b"<220 hi", b">PASS y", b"<530 no", b">PASS z", b"<230 welcome"), None),
        ((b"<230 in", b">STOR a", b"<150 go", b"<226 done", b">STOR b", b"<425 cannot open"), "FTP 425"),
        ((b"<230 in", b">STOR a", b"<425 cannot open", b">STOR a", b"<150 go", b"<226 done"), None),
        ((b"<230 in", b">SIZE a", b"<550 no such file"), None),
        ((b"<230 in", b">STOR a", b"<550 permission denied"), "FTP 550"),
        ((b"<230 in", b">FEAT", b"<500 unknown"), None),
        ((b"<421 too many users",), "FTP 421"),
        ((b"<220 hi", b">USER x", b"<331 password", b"<421 timeout"), None),
        ((b"<220-two", b"<220 lines", b">PASS y", b"<530-no", b"<530 really"), "FTP 530"),
        ((), None),
    ],
)
def test_the_last_deciding_reply_says_whether_the_application_refused(
    said: tuple[bytes, ...], code: str | None
) -> None:
    found = refusal(read_dialogue(_lines(*said)).lines)
    assert (found.code if found else None) == code


def _control(serial: int, *said: bytes, gap: float = 0.1) -> Talking:
    talk = Talking(serial, gap=gap)
    for line in said:
        (talk.orig if line[:1] == b">" else talk.resp)(line[1:] + b"\r\n")
    return talk


CONTROL = flow(1, resp=b"220 ready\r\n", orig=b"USER scan\r\n", **{"id.resp_p": 21})


def _data(serial: int, client: str, server: str, port: int, after: float = 1.0, **facts: object) -> dict[str, object]:
    at = START + int(after * SECOND)
    return flow(serial, **{"id.orig_h": client, "id.resp_h": server, "id.resp_p": port, "ts": at, **facts})


def _kept(result: LabelTables) -> list[tuple[str, int, int | None]]:
    return list(result.promises.select("kind", "port", "kept_by").iter_rows())


def test_both_modes_announce_who_opens_to_whom_and_the_flow_that_comes_is_theirs() -> None:
    talk = _control(1, b"<220 ready", b">PASV", b"<227 (192,0,2,10,195,80)", b">PORT 198,51,100,21,195,81", b"<200 ok")
    result = labelled(
        [CONTROL, _data(2, CLIENT, SERVER, 50_000, orig=b"%PDF-1.7"), _data(3, SERVER, CLIENT, 50_001)], [talk]
    )
    assert _kept(result) == [("ftp-passive", 50_000, 2), ("ftp-active", 50_001, 3)]
    rows = result.labels.rows(named=True)
    assert [(row["service"], row["basis"], row["negotiated_by"]) for row in rows] == [
        ("ftp", "payload", None),
        ("ftp-data", "negotiated", 1),
        ("ftp-data", "negotiated", 1),
    ]
    assert list(result.promises["frame"]) == [6, 7]


def test_an_address_that_was_translated_on_the_way_is_kept_by_the_control_peer() -> None:
    talk = _control(1, b"<220 ready", b">PASV", b"<227 (10,0,0,5,195,80)")
    result = labelled([CONTROL, _data(2, CLIENT, SERVER, 50_000)], [talk])
    assert result.promises.row(0, named=True) | {"t": 0} == {
        "control": 1,
        "t": 0,
        "file": 0,
        "frame": 6,
        "kind": "ftp-passive",
        "initiator": CLIENT,
        "responder": SERVER,
        "announced": "10.0.0.5",
        "port": 50_000,
        "kept_by": 2,
    }


def test_a_flow_to_the_announced_third_address_keeps_the_promise_too() -> None:
    talk = _control(1, b"<220 ready", b">PASV", b"<227 (10,0,0,5,195,80)")
    result = labelled([CONTROL, _data(2, CLIENT, "10.0.0.5", 50_000)], [talk])
    assert _kept(result) == [("ftp-passive", 50_000, 2)]


@pytest.mark.parametrize(("after", "kept"), [(-10.0, None), (0.4, 2), (299.0, 2), (400.0, None)])
def test_an_announced_port_is_opened_soon_or_never(after: float, kept: int | None) -> None:
    talk = _control(1, b"<220 ready", b">EPSV", b"<229 (|||50000|)")
    result = labelled([CONTROL, _data(2, CLIENT, SERVER, 50_000, after)], [talk])
    assert _kept(result) == [("ftp-passive", 50_000, kept)]


def test_another_host_that_opens_the_announced_port_keeps_nothing() -> None:
    talk = _control(1, b"<220 ready", b">EPSV", b"<229 (|||50000|)")
    result = labelled([CONTROL, _data(2, "203.0.113.9", SERVER, 50_000)], [talk])
    assert _kept(result) == [("ftp-passive", 50_000, None)]


def test_one_port_announced_again_and_again_is_kept_each_time_by_the_flow_that_follows() -> None:
    talk = _control(1, b"<220 x", *[b"<229 (|||50000|)"] * 3, gap=10.0)
    flows = [_data(serial, CLIENT, SERVER, 50_000, 20.0 + 10 * (serial - 2) + 5) for serial in (2, 3, 4)]
    assert [kept for _, _, kept in _kept(labelled([CONTROL, *flows], [talk]))] == [2, 3, 4]


def test_after_the_change_to_tls_nothing_is_read_as_lines_and_the_handshake_is_seen() -> None:
    talk = _control(1, b"<220 ready", b">AUTH TLS", b"<234 go ahead")
    talk.orig(wire.record(22, wire.client_hello())).resp(wire.record(22, wire.server_hello()))
    talk.resp(b"227 (192,0,2,10,195,80)\r\n")
    result = labelled([CONTROL], [talk])
    row = first(result)
    assert (row["service"], row["tls_version"], row["server_name"]) == ("ftp", "TLS 1.2", "server.example")
    assert row["tls_client_hello_t"] > 0
    assert result.promises.height == 0


def test_a_refused_change_to_tls_leaves_the_dialogue_in_clear() -> None:
    talk = _control(1, b"<220 ready", b">AUTH TLS", b"<502 no", b">PASS x", b"<530 no")
    row = first(labelled([CONTROL], [talk]))
    assert (row["refused_code"], row["refused_frame"], row["tls_client_hello_t"]) == ("FTP 530", 8, 0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=12))
def test_any_dialogue_is_read(said: list[tuple[bool, bytes]]) -> None:
    talk = Talking(1)
    for from_orig, data in said:
        (talk.orig if from_orig else talk.resp)(data)
    result = labelled([CONTROL], [talk])
    assert result.labels.height == 1


def test_no_password_user_or_path_gets_out() -> None:
    secret = "hunter2"
    talk = _control(
        1, b"<220 x", b">USER hunter2", b"<331 hunter2?", b">PASS hunter2", b"<530 hunter2 no", b">STOR hunter2"
    )
    result = labelled([CONTROL], [talk])
    for table in (result.labels, result.promises, result.requests):
        assert secret not in table.write_csv()
