"""Applications that say no: the last answer of each protocol decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services import wire
from tests.services.made import Talking, first, flow, labelled


def _http(*statuses: int) -> Talking:
    talk = Talking(1)
    for status in statuses:
        talk.orig(b"GET / HTTP/1.1\r\n\r\n").resp(b"HTTP/1.1 %d Word\r\nServer: x\r\n" % status)
    return talk


@pytest.mark.parametrize("status", [b"\xff\xfe\xfd", b"\x00\x03\x00", b"4\xc3\xa9", b"40", b""])
def test_a_status_that_is_no_number_says_nothing(status: bytes) -> None:
    """A status line may hold any bytes: no refusal follows, and no error."""
    talk = Talking(1).orig(b"GET / HTTP/1.1\r\n\r\n").resp(b"HTTP/1.1 " + status + b"\r\n\r\n")
    assert _tcp(talk, 80)["refused_code"] is None


def _tcp(talk: Talking, port: int, orig: bytes = b"", resp: bytes = b"") -> dict[str, Any]:
    said = {side: next((row["data"] for row in talk.rows if row["from_orig"] == of), b"") for side, of in _SIDES}
    made = flow(1, orig=orig or said["orig"], resp=resp or said["resp"], **{"id.resp_p": port})
    return first(labelled([made], [talk], {("tcp", 515): "lpr", ("tcp", 389): "ldap"}))


_SIDES = (("orig", True), ("resp", False))


@pytest.mark.parametrize(
    ("statuses", "code", "frame"),
    [
        ((401,), "HTTP 401", 5),
        ((401, 200), None, 0),
        ((200, 403), "HTTP 403", 7),
        ((407,), "HTTP 407", 5),
        ((503,), "HTTP 503", 5),
        ((500, 301), None, 0),
        ((404,), None, 0),
        ((401, 100), "HTTP 401", 5),
        ((200,), None, 0),
    ],
)
def test_http_is_judged_by_the_last_final_status(statuses: tuple[int, ...], code: str | None, frame: int) -> None:
    row = _tcp(_http(*statuses), 80)
    assert (row["refused_code"], row["refused_frame"]) == (code, frame)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((b"<220 x ESMTP", b">EHLO m", b"<250 x", b">AUTH LOGIN", b"<535 no"), "SMTP 535"),
        ((b"<220 x ESMTP", b">RCPT TO:<x>", b"<550 no", b">RSET", b"<250 ok", b">QUIT", b"<221 bye"), "SMTP 550"),
        ((b"<220 x ESMTP", b">EHLO m", b"<502 no", b">HELO m", b"<250 x"), None),
        ((b"<554 no service",), "SMTP 554"),
        ((b"<421 too busy",), "SMTP 421"),
        ((b"<220 x ESMTP", b">EHLO m\r\nRCPT TO:<x>\r\nQUIT", b"<250 x\r\n550 no\r\n221 bye"), "SMTP 550"),
        ((b"<220 x ESMTP", b">MAIL FROM:<x>\r\nRCPT TO:<y>", b"<250 ok\r\n250 ok", b">QUIT", b"<221 bye"), None),
        (
            (b"<220 x ESMTP", b">DATA", b"<354 go on", b">QUIT\r\nRSET\r\n.", b"<552 too big", b">QUIT", b"<221 bye"),
            "SMTP 552",
        ),
        ((b"<220 x ESMTP", b">DATA", b"<354 go on", b">a mail\r\n.", b"<250 taken", b">QUIT", b"<221 bye"), None),
        ((b"<220 x ESMTP", b">EHLO m", b"<250-x", b"<250 STARTTLS", b">STARTTLS", b"<220 go", b"<550 x"), None),
    ],
)
def test_smtp_is_judged_by_the_last_reply_that_matters(lines: tuple[bytes, ...], code: str | None) -> None:
    assert _dialogue(lines, 25)["refused_code"] == code


@pytest.mark.parametrize(
    ("lines", "port", "code"),
    [
        ((b"<+OK POP3", b">USER x", b"<+OK", b">PASS y", b"<-ERR no", b">QUIT", b"<+OK bye"), 110, "POP3 -ERR"),
        ((b"<+OK POP3", b">PASS y", b"<-ERR no", b">PASS z", b"<+OK in"), 110, None),
        ((b"<* OK IMAP", b">a1 LOGIN x y", b"<a1 NO no"), 143, "IMAP NO"),
        ((b"<* OK IMAP", b">a1 LOGIN x y", b"<a1 NO no", b">a2 LOGIN x z", b"<a2 OK in"), 143, None),
        ((b"<* BYE too many",), 143, "IMAP BYE"),
    ],
)
def test_mailboxes_are_judged_by_the_last_status(lines: tuple[bytes, ...], port: int, code: str | None) -> None:
    assert _dialogue(lines, port)["refused_code"] == code


def _dialogue(lines: tuple[bytes, ...], port: int) -> dict[str, Any]:
    talk = Talking(1)
    for line in lines:
        (talk.orig if line[:1] == b">" else talk.resp)(line[1:] + b"\r\n")
    return _tcp(talk, port)


@pytest.mark.parametrize(
    ("answers", "code"), [((b"\x00", b"\x00"), None), ((b"\x01",), "LPR 1"), ((b"\x00", b"\x03"), "LPR 3")]
)
def test_lpr_is_judged_by_the_last_acknowledgement(answers: tuple[bytes, ...], code: str | None) -> None:
    talk = Talking(1).orig(b"\x02lp\n")
    for answer in answers:
        talk.resp(answer).orig(b"\x02100 cfA001host\n")
    assert _tcp(talk, 515)["refused_code"] == code


def test_the_text_that_answers_a_query_of_lpr_is_no_refusal() -> None:
    assert _tcp(Talking(1).orig(b"\x04lp\n").resp(b"no entries\n"), 515)["refused_code"] is None


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((49,), "LDAP 49"),
        ((49, 0), None),
        ((14, 0), None),
        ((14,), "LDAP 14"),
        ((0,), None),
        ((32,), None),
        ((1,), "LDAP 1"),
        ((2,), None),
    ],
)
def test_ldap_is_judged_by_the_last_result(codes: tuple[int, ...], expected: str | None) -> None:
    talk = Talking(1)
    for number, code in enumerate(codes, 1):
        talk.orig(wire.ldap_bind(number)).resp(wire.ldap_result(number, code))
    assert _tcp(talk, 389)["refused_code"] == expected


def test_a_server_that_does_not_encrypt_refuses_by_a_protocol_error() -> None:
    """The answer to StartTLS: "I do not know this" turns a client away that wanted nothing else."""
    asked = wire.ber(0x30, wire.integer(1), wire.ber(0x77, wire.ber(0x80, b"1.3.6.1.4.1.1466.20037")))
    assert _tcp(Talking(1).orig(asked).resp(wire.ldap_result(1, 2, 0x78)), 389)["refused_code"] == "LDAP 2"


def test_ldap_results_in_long_form_and_cut_over_segments_are_read() -> None:
    answer = wire.ber(0x30, wire.integer(1), wire.ber(0x61, wire.ber(10, b"\x31"), wire.ber(4), long=True), long=True)
    row = _tcp(Talking(1).orig(wire.ldap_bind(1)).resp(answer[:5]).resp(answer[5:]), 389)
    assert (row["refused_code"], row["refused_frame"]) == ("LDAP 49", 5)


def _ipp(status: int, *, chunked: bool = False) -> bytes:
    body = b"\x02\x00" + status.to_bytes(2, "big") + b"\x00\x00\x00\x01\x03"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n"
    if chunked:
        return head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("statuses", "code"),
    [((0x0000,), None), ((0x0400,), "IPP 0x0400"), ((0x0507, 0x0001), None), ((0, 0x0506), "IPP 0x0506")],
)
def test_ipp_is_judged_by_the_status_in_the_body(statuses: tuple[int, ...], code: str | None, chunked: bool) -> None:
    talk = Talking(1)
    for status in statuses:
        answer = _ipp(status, chunked=chunked)
        talk.orig(b"POST /ipp/print HTTP/1.1\r\n\r\n").resp(answer[:60]).resp(answer[60:])
    assert _tcp(talk, 631)["refused_code"] == code


def _snmp3(*answers: tuple[int, bool]) -> dict[str, Any]:
    """Each answer is a usmStats arc (0 for a Response); then whether another request follows at the end."""
    talk = Talking(1)
    for number, (arc, followed) in enumerate(answers, 1):
        talk.orig(wire.snmp3(0xA0, number)).resp(wire.snmp3(0xA8 if arc else 0xA2, number, report=arc))
        if followed:
            talk.orig(wire.snmp3(0xA0, number + 100))
    made = flow(1, proto="udp", orig=talk.rows[0]["data"], resp=talk.rows[1]["data"], **{"id.resp_p": 161})
    return first(labelled([made], [talk]))


@pytest.mark.parametrize(
    ("answers", "code", "note"),
    [
        (((4, False),), None, "discovery only"),
        (((4, True),), None, None),
        (((2, False),), None, "discovery only"),
        (((4, False), (0, False)), None, None),
        (((4, False), (2, False), (0, False)), None, None),
        (((4, False), (2, False), (2, False)), "SNMP notInTimeWindows", None),
        (((4, False), (5, False)), "SNMP wrongDigests", None),
        (((3, False),), "SNMP unknownUserNames", None),
        (((1, False),), "SNMP unsupportedSecLevels", None),
        (((6, False),), "SNMP decryptionErrors", None),
        (((5, False), (0, False)), None, None),
    ],
)
def test_reports_of_snmp_3_introduce_or_refuse(
    answers: tuple[tuple[int, bool], ...], code: str | None, note: str | None
) -> None:
    row = _snmp3(*answers)
    assert (row["refused_code"], row["answer_note"]) == (code, note)


@pytest.mark.parametrize(
    ("status", "code"), [(0, None), (2, None), (16, "SNMP authorizationError"), (6, "SNMP noAccess")]
)
def test_an_snmp_response_refuses_only_where_it_says_you_may_not(status: int, code: str | None) -> None:
    talk = Talking(1).orig(wire.snmp(0xA0, 1)).resp(wire.snmp(0xA2, 1, status=status))
    made = flow(1, proto="udp", orig=talk.rows[0]["data"], resp=talk.rows[1]["data"], **{"id.resp_p": 161})
    assert first(labelled([made], [talk]))["refused_code"] == code
