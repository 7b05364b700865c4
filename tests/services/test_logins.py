"""Log-ins to shares and databases: the last answer that decides is the one that counts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services import wire
from tests.services.made import Talking, first, flow, labelled

MORE, DENIED, FAILURE, NO_SHARE, PENDING = 0xC0000016, 0xC0000022, 0xC000006D, 0xC00000CC, 0x103
NEGOTIATE, SETUP, TREE, CREATE, READ = 0, 1, 3, 5, 8

HELLO = wire.netbios(wire.smb2(NEGOTIATE, 0, answer=False))


def _said(answers: list[bytes], asked: bytes, port: int, cuts: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return the labels of a flow whose responder sends ``answers``, each behind a request, cut at places of the whole."""
    stream = b"".join(answers)
    talk = Talking(1).orig(asked)
    for begin, end in pairwise(sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})):
        talk.resp(stream[begin:end])
    made = flow(1, orig=asked, resp=stream, **{"id.resp_p": port})
    return first(labelled([made], [talk]))


def _smb(*answers: tuple[int, int]) -> list[bytes]:
    return [wire.netbios(wire.smb2(command, status)) for command, status in answers]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (((NEGOTIATE, 0), (SETUP, MORE), (SETUP, FAILURE)), "SMB 0xc000006d logon-failure"),
        (((NEGOTIATE, 0), (SETUP, MORE), (SETUP, 0), (TREE, 0)), None),
        (((NEGOTIATE, 0), (SETUP, MORE)), "SMB 0xc0000016 more-processing-required"),
        (((NEGOTIATE, 0), (SETUP, MORE), (SETUP, FAILURE), (SETUP, MORE), (SETUP, 0)), None),
        (((SETUP, 0), (TREE, NO_SHARE)), "SMB 0xc00000cc bad-network-name"),
        (((SETUP, 0), (TREE, NO_SHARE), (TREE, 0)), None),
        (((TREE, 0), (CREATE, DENIED)), "SMB 0xc0000022 access-denied"),
        (((TREE, 0), (CREATE, DENIED), (CREATE, 0)), None),
        (((TREE, 0), (CREATE, 0xC0000034)), None),  # a file that is not there yet
        (((TREE, 0), (READ, 0xC0000011)), None),  # the end of a file
        (((TREE, 0), (CREATE, DENIED), (CREATE, PENDING)), "SMB 0xc0000022 access-denied"),
        (((NEGOTIATE, 0xC00000BB),), "SMB 0xc00000bb not-supported"),
        (((SETUP, 0xC0990001),), "SMB 0xc0990001"),
    ],
)
def test_a_share_is_judged_by_its_last_deciding_answer(answers: tuple[tuple[int, int], ...], code: str | None) -> None:
    assert _said(_smb(*answers), HELLO, 445)["refused_code"] == code


def test_a_log_in_followed_by_encrypted_messages_succeeded() -> None:
    encrypted = wire.netbios(b"\xfdSMB" + bytes(60))
    assert _said([*_smb((SETUP, MORE)), encrypted], HELLO, 445)["refused_code"] is None


def test_chained_answers_are_all_read() -> None:
    """Two answers in one frame: the second is the last one."""
    chained = wire.netbios(wire.smb2(TREE, 0, chained=wire.smb2(CREATE, DENIED)))
    assert _said([chained], HELLO, 445)["refused_code"] == "SMB 0xc0000022 access-denied"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (wire.smb1(0x73, FAILURE), "SMB 0xc000006d logon-failure"),
        (wire.smb1(0x73, 0), None),
        (wire.smb1(0x73, 2 << 16 | 2, old=True), "SMB ERRSRV 2"),
        (wire.smb1(0xA2, 5 << 16 | 1, old=True), "SMB ERRDOS 5"),
        (wire.smb1(0xA2, 2 << 16 | 1, old=True), None),
    ],
)
def test_the_first_version_refuses_too(answer: bytes, code: str | None) -> None:
    assert _said([wire.netbios(answer)], wire.netbios(wire.smb1(0x72, 0)), 445)["refused_code"] == code


def test_a_session_that_is_turned_down_tells_the_code() -> None:
    called = b"\x20" + b"EK" * 16 + b"\x00"
    row = _said([wire.netbios(b"\x82", kind=0x83)], wire.netbios(called * 2, kind=0x81), 139)
    assert (row["service"], row["refused_code"]) == ("netbios", "NetBIOS 0x82")


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((wire.TDS_PRELOGIN, wire.tds_error(18456) + wire.TDS_DONE), "TDS 18456"),
        ((wire.TDS_PRELOGIN, wire.tds_error(50_000, 16) + wire.TDS_DONE), "TDS 50000"),
        ((wire.TDS_PRELOGIN, wire.TDS_CHANGE + wire.TDS_LOGGED_IN + wire.TDS_DONE), None),
        ((wire.TDS_PRELOGIN, wire.TDS_LOGGED_IN + wire.TDS_DONE, wire.tds_error(208, 16) + wire.TDS_DONE), None),
        ((wire.TDS_PRELOGIN, wire.TDS_LOGGED_IN + wire.TDS_DONE, wire.tds_error(229) + wire.TDS_DONE), "TDS 229"),
        ((wire.TDS_PRELOGIN, wire.TDS_LOGGED_IN, wire.tds_error(229) + wire.TDS_DONE, wire.TDS_DONE), None),
        ((wire.TDS_PRELOGIN, wire.TDS_LOGGED_IN, wire.tds_error(9001, 21)), "TDS 9001"),
        ((wire.TDS_PRELOGIN, b"\xed\x02\x00ab", wire.TDS_LOGGED_IN + wire.TDS_DONE), None),
        ((wire.TDS_PRELOGIN,), None),
        ((wire.tds_error(208, 16) + wire.TDS_DONE,), None),  # in the middle: nothing says that it was the log-in
    ],
)
def test_a_database_is_judged_by_its_last_answer(answers: tuple[bytes, ...], code: str | None) -> None:
    said = [wire.tds(4, answer) for answer in answers]
    assert _said(said, wire.tds(0x12, wire.TDS_PRELOGIN), 1433)["refused_code"] == code


def _login(password: str) -> bytes:
    """A LOGIN7 message (MS-TDS 2.2.6.4) with the places and lengths of host, user and password."""
    fixed = bytes(36) + b"".join(
        place.to_bytes(2, "little") + len(text).to_bytes(2, "little")
        for place, text in ((94, "host"), (102, "someone"), (116, password))
    )
    return wire.tds(0x10, fixed.ljust(94, b"\x00") + f"hostsomeone{password}".encode("utf-16-le"))


def _options(encryption: int | None) -> bytes:
    """A PRELOGIN with version and perhaps encryption."""
    if encryption is None:
        return bytes.fromhex("0000060006 ff 0f0007d00000")
    return bytes.fromhex("00000b0006 0100110001 ff 0f0007d00000") + bytes([encryption])


@pytest.mark.parametrize(
    ("client", "server", "login", "sublabel", "note"),
    [
        (2, 2, _login("secret"), "encryption not supported, client: not supported", "password sent in clear text"),
        (0, 2, _login(""), "encryption not supported, client: off", "login sent in clear text"),
        (0, 0, b"\x17\x03\x03\x00\x05", "encryption off, client: off", "only the login is encrypted"),
        (0, 3, b"", "encryption required, client: off", None),
        (1, 2, b"", "encryption not supported, client: on", None),
        (1, 1, b"", "encryption on, client: on", None),
        (None, 1, b"", "encryption on", None),
        (None, None, _login("secret"), None, "password sent in clear text"),
    ],
)
def test_what_both_sides_say_about_encryption_and_who_logs_in_for_all_to_read(
    client: int | None, server: int | None, login: bytes, sublabel: str | None, note: str | None
) -> None:
    asked, answer = wire.tds(0x12, _options(client)), wire.tds(4, _options(server))
    talk = Talking(1).orig(asked).resp(answer).orig(login)
    row = first(labelled([flow(1, orig=asked + login, resp=answer, **{"id.resp_p": 50122})], [talk]))
    assert (row["service"], row["sublabel"], row["answer_note"]) == ("tds", sublabel, note)
    assert "secret" not in repr(row)
    assert "someone" not in repr(row)


def test_without_the_beginning_of_a_conversation_nothing_is_said_about_its_login() -> None:
    talk = Talking(1).lost(60, from_orig=True).orig(_login("secret"))
    row = first(labelled([flow(1, orig=b"", **{"id.resp_p": 1433})], [talk], {("tcp", 1433): "tds"}))
    assert (row["service"], row["answer_note"]) == ("tds", None)


def test_a_log_in_inside_tls_says_nothing() -> None:
    inside = wire.tds(0x12, b"\x16\x03\x03\x00\x05hello") + b"\x17\x03\x03\x00\x20" + bytes(32)
    row = _said([wire.tds(4, wire.TDS_PRELOGIN), inside], wire.tds(0x12, wire.TDS_PRELOGIN), 1433)
    assert (row["service"], row["refused_code"]) == ("tds", None)


def test_only_the_log_in_may_lie_inside_tls() -> None:
    """Where neither side wants more, the password is encrypted and the answer to it is in clear again."""
    handshake = wire.tds(0x12, b"\x16\x03\x03\x00\x05hello")
    said = [wire.tds(4, wire.TDS_PRELOGIN), handshake, wire.tds(4, wire.tds_error(18456) + wire.TDS_DONE)]
    assert _said(said, wire.tds(0x12, wire.TDS_PRELOGIN), 50122)["refused_code"] == "TDS 18456"


def test_an_error_spread_over_packets_is_read() -> None:
    """The token begins in one packet and ends in the next; where it began is the evidence."""
    error = wire.tds_error(18456) + wire.TDS_DONE
    said = [wire.tds(4, wire.TDS_PRELOGIN), wire.tds(4, error[:5], last=False) + wire.tds(4, error[5:])]
    assert _said(said, wire.tds(0x12, wire.TDS_PRELOGIN), 1433)["refused_code"] == "TDS 18456"


@settings(deadline=None)
@given(cuts=st.lists(st.integers(1, 400), max_size=6), share=st.booleans())
def test_answers_may_be_cut_anywhere(cuts: list[int], share: bool) -> None:
    """However a stream is cut into segments, the answer is the same."""
    if share:
        said = _said(_smb((NEGOTIATE, 0), (SETUP, MORE), (SETUP, FAILURE)), HELLO, 445, tuple(cuts))
        assert said["refused_code"] == "SMB 0xc000006d logon-failure"
    else:
        answers = [wire.tds(4, wire.TDS_PRELOGIN), wire.tds(4, wire.tds_error(18456) + wire.TDS_DONE)]
        asked = wire.tds(0x12, wire.TDS_PRELOGIN)
        assert _said(answers, asked, 1433, tuple(cuts))["refused_code"] == "TDS 18456"


@settings(deadline=None)
@given(data=st.binary(max_size=200), port=st.sampled_from([139, 445, 1433]))
def test_any_bytes_behind_a_good_beginning_are_read_without_harm(data: bytes, port: int) -> None:
    """Hostile answers end the reading; they are never an error."""
    asked = wire.tds(0x12, wire.TDS_PRELOGIN) if port == 1433 else HELLO
    begin = wire.tds(4, wire.TDS_PRELOGIN) if port == 1433 else b"".join(_smb((NEGOTIATE, 0)))
    assert _said([begin, data], asked, port)["service"] in ("tds", "smb")


_TDS_PART = st.one_of(
    st.binary(max_size=40),
    st.tuples(st.sampled_from([1, 2, 4, 0x10, 0x12]), st.binary(max_size=60), st.booleans()).map(
        lambda item: wire.tds(item[0], item[1], last=item[2])
    ),
    st.sampled_from([
        wire.tds(0x12, wire.record(22, wire.client_hello())), wire.tds(0x12, wire.alert(48)),
        wire.tds(0x12, wire.record(22, wire.server_hello()))[:30], wire.record(23, bytes(9)), _login("secret"),
    ]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), _TDS_PART), max_size=8), st.integers(0, 3), st.integers(0, 3))
def test_any_parts_of_a_conversation_with_a_database_do_no_harm(
    parts: list[tuple[bool, bytes]], client: int, server: int
) -> None:
    """However packets of both sides and TLS follow one another, the flow keeps its name and nothing of a login is told."""
    asked, answer = wire.tds(0x12, _options(client)), wire.tds(4, _options(server))
    talk = Talking(1).orig(asked).resp(answer)
    for from_orig, data in parts:
        if data:
            (talk.orig if from_orig else talk.resp)(data)
    row = first(labelled([flow(1, orig=asked, resp=answer, **{"id.resp_p": 50122})], [talk]))
    assert row["service"] == "tds"
    assert "secret" not in repr(row)
