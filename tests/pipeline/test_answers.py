"""What applications answer, from the bytes of a capture to the state of a port: the last answer of a dialogue decides.

All cases are one capture and one site: every case has a partner of its own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import pytest

from analyser.model.finding import PortFinding
from analyser.pipeline import judging
from samples import speech
from samples.cast import SERVER
from samples.story import Host, Story
from samples.talk import tcp, udp
from tests.services import wire


class Case(NamedTuple):
    """A dialogue under one rule: what each side sends in order (``<`` the responder), and what it comes to.

    ``state``: the state of the port, with its cause behind a slash; ``says``: what its detail must name.
    """

    rule: str
    port: int
    said: tuple[bytes, ...]
    state: str
    says: str | None = None


HTTP: Final = "server-to-printer/embedded-configuration"
IPP: Final = "server-to-printer/ipp-delivery"
LPR: Final = "server-to-printer/lpr-delivery"
SNMP: Final = "server-to-printer/snmp-accounting"
FTP: Final = "printer-to-server/ftp-scanning"
SMTP: Final = "printer-to-server/smtp-scanning"
SMB: Final = "printer-to-server/smb-scanning"
LDAP: Final = "other/ldap-plain"
TDS: Final = "other/sql-instance"
TERMINAL: Final = "printer-to-server/terminal-session"
TOSHIBA: Final = "printer-to-server/toshiba-ldap"

REFUSED: Final = "failing/application-refused"
GET: Final = b">" + speech.http_request("GET", "/", "printer")
POST: Final = b">POST /upload HTTP/1.1\r\nHost: printer\r\nExpect: 100-continue\r\nContent-Length: 4000\r\n\r\n"
PRINT: Final = b">" + speech.ipp_request("printer")


def _page(status: int, body: bytes = b"<html></html>", *, chunked: bool = False) -> bytes:
    head = b"HTTP/1.1 %d Word\r\nContent-Type: text/html\r\n" % status
    if chunked:
        return head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _ipp(status: int) -> bytes:
    return speech.http_reply(body=b"\x02\x00" + status.to_bytes(2, "big") + bytes(5), kind="application/ipp")


def _answers(*parts: bytes) -> tuple[bytes, ...]:
    return tuple(b"<" + part for part in parts)


def _halves(answer: bytes) -> tuple[bytes, bytes]:
    """Return header and body, as a printer that writes them one by one."""
    at = answer.index(b"\r\n\r\n") + 4
    return answer[:at], answer[at:]


def _inside(side: str, records: bytes) -> bytes:
    """Return TLS inside a packet of a database."""
    return side.encode() + wire.tds(0x12, records)


TRAP: Final = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
"""What looks like an answer and is the text of a page."""
FILLED: Final = b"x" * (1460 - len(_page(200, b"", chunked=True)) + 4)


def _with_trap(*, chunked: bool) -> tuple[bytes, bytes]:
    """Return a page in two segments, the second of which begins with the trap."""
    page = _page(200, FILLED + TRAP * 3, chunked=chunked)
    at = page.index(TRAP)
    return b"<" + page[:at], b"<" + page[at:]


def _share(*answers: tuple[int, int]) -> tuple[bytes, ...]:
    asked = b">" + wire.netbios(wire.smb2(0, 0, answer=False))
    pairs = ((asked, b"<" + wire.netbios(wire.smb2(command, status))) for command, status in answers)
    return tuple(part for pair in pairs for part in pair)


PRELOGIN: Final = (b">" + wire.tds(0x12, wire.TDS_PRELOGIN), b"<" + wire.tds(4, wire.TDS_PRELOGIN))
LOG_IN: Final = b">" + wire.tds(0x10, b"secret" * 20)

CASES: Final[dict[str, Case]] = {
    "a page": Case(HTTP, 50001, (GET, b"<" + _page(200)), "open"),
    "a challenge alone": Case(HTTP, 50001, (GET, b"<" + _page(401)), REFUSED, "HTTP 401"),
    "a challenge, then success": Case(HTTP, 50001, (GET, b"<" + _page(401), GET, b"<" + _page(200)), "open"),
    "success, then a prohibition": Case(HTTP, 50001, (GET, b"<" + _page(200), GET, b"<" + _page(403)), REFUSED, "HTTP 403"),
    "a page that is not there": Case(HTTP, 50001, (GET, b"<" + _page(404)), "open"),
    "an error of the server": Case(HTTP, 50001, (GET, b"<" + _page(503)), REFUSED, "HTTP 503"),
    "told to go on, then refused": Case(
        HTTP, 50001, (POST, b"<HTTP/1.1 100 Continue\r\n\r\n", b">" + bytes(4000), b"<" + _page(403)), REFUSED, "HTTP 403"
    ),
    "told to go on and refused in one segment": Case(
        HTTP, 50001, (POST, b"<HTTP/1.1 100 Continue\r\n\r\n" + _page(401)), REFUSED, "HTTP 401"
    ),
    "a status line cut by segments": Case(HTTP, 50001, (GET, b"<HTTP/1.", b"<" + _page(401)[7:]), REFUSED, "HTTP 401"),
    "an answer in the text of a page": Case(HTTP, 50001, (GET, *_with_trap(chunked=False)), "open"),
    "an answer in the text of a chunked page": Case(HTTP, 50001, (GET, *_with_trap(chunked=True)), "open"),
    "a chunked page, then an error": Case(
        HTTP, 50001, (GET, *_with_trap(chunked=True), GET, b"<" + _page(500)), REFUSED, "HTTP 500"
    ),
    "two questions at once, the second refused": Case(
        HTTP, 50001, (GET, GET, b"<" + _page(200), b"<" + _page(403)), REFUSED, "HTTP 403"
    ),
    "two questions and answers in one segment each": Case(
        HTTP, 50001, (GET + GET[1:], b"<" + _page(401) + _page(200)), "open"
    ),
    "many questions over one connection": Case(
        HTTP, 50001, (GET, b"<" + _page(200), GET, b"<" + _page(500), GET, b"<" + _page(200, chunked=True)), "open"
    ),
    "a job is taken": Case(IPP, 631, (PRINT, b"<" + _ipp(0)), "open"),
    "a job is refused inside a success of HTTP": Case(IPP, 631, (PRINT, b"<" + _ipp(0x0403)), REFUSED, "IPP 0x0403"),
    "a job is refused on the port of the web": Case(IPP, 80, (PRINT, b"<" + _ipp(0x0506)), REFUSED, "IPP 0x0506"),
    "a job is refused, header and body apart": Case(
        IPP, 631, (PRINT, b"<HTTP/1.1 100 Continue\r\n\r\n", *_answers(_ipp(0x0507)[:80], _ipp(0x0507)[80:])), REFUSED, "IPP 0x0507"
    ),
    "a job is refused on the port of the web, header and body apart": Case(
        IPP, 80, (PRINT, b"<HTTP/1.1 100 Continue\r\n\r\n", *_answers(*_halves(_ipp(0x0507)))), REFUSED, "IPP 0x0507"
    ),
    "the second job is refused on the port of the web": Case(
        IPP, 80, (PRINT, *_answers(*_halves(_ipp(0))), PRINT, *_answers(*_halves(_ipp(0x0406)))), REFUSED, "IPP 0x0406"
    ),
    "a busy printer takes the job in the end": Case(IPP, 631, (PRINT, b"<" + _ipp(0x0507), PRINT, b"<" + _ipp(0)), "open"),
    "a queue takes a job": Case(LPR, 515, (b">\x02lp\n", b"<\x00", b">\x02100 cfA001host\n", b"<\x00"), "open"),
    "a queue that does not exist": Case(LPR, 515, (b">\x02lp\n", b"<\x01"), REFUSED, "LPR 1"),
    "a queue that is full": Case(LPR, 515, (b">\x02lp\n", b"<\x00", b">\x03999 dfA001host\n", b"<\x02"), REFUSED, "LPR 2"),
    "a job in a bad format": Case(LPR, 515, (b">\x02lp\n", b"<\x00", b">\x02?\n", b"<\x03"), REFUSED, "LPR 3"),
    "a log-in to FTP": Case(FTP, 21, (b"<220 ready\r\n", b">USER x\r\n", b"<331 go on\r\n", b">PASS y\r\n", b"<230 in\r\n"), "open"),
    "a log-in to FTP is refused": Case(
        FTP, 21, (b"<220 ready\r\n", b">USER x\r\n", b"<331 go on\r\n", b">PASS y\r\n", b"<53", b"<0 no\r\n"), REFUSED, "FTP 530"
    ),
    "no data connection": Case(
        FTP, 21, (b"<220 ready\r\n", b">USER x\r\n", b"<230 in\r\n", b">STOR a\r\n", b"<425 cannot open\r\n"), REFUSED, "FTP 425"
    ),
    "a mail is taken": Case(SMTP, 25, (b"<220 a ESMTP\r\n", b">EHLO b\r\n", b"<250 a\r\n", b">MAIL FROM:<x>\r\n", b"<250 ok\r\n"), "open"),
    "a mail is refused": Case(
        SMTP, 25, (b"<220 a ESMTP\r\n", b">EHLO b\r\n", b"<250-a\r\n250 b\r\n", b">RCPT TO:<x>\r\n", b"<550 no\r\n"), REFUSED, "SMTP 550"
    ),
    "a log-in to a share": Case(SMB, 445, _share((0, 0), (1, 0xC0000016), (1, 0), (3, 0)), "open"),
    "a log-in to a share is refused": Case(
        SMB, 445, _share((0, 0), (1, 0xC0000016), (1, 0xC000006D)), REFUSED, "SMB 0xc000006d logon-failure"
    ),
    "a log-in to a share is not finished": Case(
        SMB, 445, _share((0, 0), (1, 0xC0000016)), REFUSED, "SMB 0xc0000016 more-processing-required"
    ),
    "no such share": Case(SMB, 445, _share((1, 0), (3, 0xC00000CC)), REFUSED, "SMB 0xc00000cc bad-network-name"),
    "a bind": Case(LDAP, 389, (b">" + wire.ldap_bind(1), b"<" + wire.ldap_result(1, 0)), "open"),
    "a bind in two steps": Case(
        LDAP, 389, (b">" + wire.ldap_bind(1), b"<" + wire.ldap_result(1, 14), b">" + wire.ldap_bind(2), b"<" + wire.ldap_result(2, 0)), "open"
    ),
    "wrong credentials": Case(LDAP, 389, (b">" + wire.ldap_bind(1), b"<" + wire.ldap_result(1, 49)), REFUSED, "LDAP 49"),
    "a log-in to a database": Case(
        TDS, 50122, (*PRELOGIN, LOG_IN, b"<" + wire.tds(4, wire.TDS_LOGGED_IN + wire.TDS_DONE)), "open"
    ),
    "a log-in to a database is refused": Case(
        TDS, 50122, (*PRELOGIN, LOG_IN, b"<" + wire.tds(4, wire.tds_error(18456) + wire.TDS_DONE)), REFUSED, "TDS 18456"
    ),
    "TLS dies inside a database": Case(
        TDS, 50122, (*PRELOGIN, _inside(">", wire.record(22, wire.client_hello())), _inside("<", wire.record(22, wire.server_hello())), _inside(">", wire.alert(48))), "failing/tls-alert", "unknown_ca"
    ),
    "a password in clear text": Case(
        TOSHIBA, 389, (b">" + wire.ldap_bind(1), b"<" + wire.ldap_result(1, 0)), "open", "password sent in clear text"
    ),
    "a card in clear text": Case(
        TERMINAL, 4096, (b">.SQ 1.0 SQPR1\r\n", b"<.SQ OK\r\n", b">.CARD 0123456789\r\n", b"<.CARD OK\r\n"), "open", "card number sent in clear text"
    ),
    "SNMP 3 answers": Case(
        SNMP, 161, (b">" + wire.snmp3(0xA0, 1), b"<" + wire.snmp3(0xA8, 1, report=4), b">" + wire.snmp3(0xA0, 2), b"<" + wire.snmp3(0xA2, 2)), "open"
    ),
    "SNMP 3 is only discovered": Case(
        SNMP, 161, (b">" + wire.snmp3(0xA0, 1), b"<" + wire.snmp3(0xA8, 1, report=4)), "open", "discovery only"
    ),
    "SNMP 3 does not know the user": Case(
        SNMP, 161, (b">" + wire.snmp3(0xA0, 1), b"<" + wire.snmp3(0xA8, 1, report=3)), REFUSED, "SNMP unknownUserNames"
    ),
    "SNMP 3 clocks never agree": Case(
        SNMP, 161, (b">" + wire.snmp3(0xA0, 1), b"<" + wire.snmp3(0xA8, 1, report=2), b">" + wire.snmp3(0xA0, 2), b"<" + wire.snmp3(0xA8, 2, report=2)), REFUSED, "SNMP notInTimeWindows"
    ),
}  # fmt: skip

TO_SERVER: Final = (FTP, SMTP, SMB, TERMINAL, TOSHIBA)
ROLES: Final = {LDAP: "ldap", TDS: "mssql", TERMINAL: "terminal-professional"}

SITE: Final = """
name = "Answers"
rules = ["ysoft-safeq-6", "infrastructure"]
features = ["server-spooling", "print-lpr", "online-accounting", "ftp-scanning", "smtp-scanning", "smb-scanning",
            "mssql-named-instance"]

[[host]]
name = "print-server"
addresses = ["192.0.2.10"]
roles = ["management-server", "site-server"]
"""


def _partner(number: int) -> Host:
    return Host(name=f"partner-{number}", address=f"198.51.100.{number}", segment="printers", delay=0.001)


@cache
def _findings(*, answers_only: bool = False) -> dict[str, PortFinding]:
    """Judge all cases: the state of each case's port. ``answers_only``: nothing of the initiators was captured."""
    story, site = Story(), SITE
    for number, case in enumerate(CASES.values(), 1):
        partner, at = _partner(number), float(number)
        _tell(story, partner, case, at)
        role = ROLES.get(case.rule, "mfd")
        vendor = "toshiba" if case.rule == TOSHIBA else "xerox"
        kind = f'vendor = "{vendor}"\nterminal = "embedded"\n' if role == "mfd" else ""
        site += f'\n[[host]]\nname = "{partner.name}"\naddresses = ["{partner.address}"]\nroles = ["{role}"]\n{kind}'
    if answers_only:
        ports = {1434, *(case.port for case in CASES.values())}
        story.moments = [moment for moment in story.moments if moment.packet.sport in ports]
    with TemporaryDirectory() as folder:
        capture, site_file = Path(folder, "answers.pcap"), Path(folder, "answers.toml")
        capture.write_bytes(story.render())
        site_file.write_text(site, encoding="utf-8")
        run = judging.check([str(capture)], site=site_file)
        run.flows.close()
    found = {}
    for number, (name, case) in enumerate(CASES.items(), 1):
        for verdict in run.document.verdicts:
            ends = [end.name for end in (verdict.initiator, verdict.responder) if end is not None]
            if verdict.rule.endswith(case.rule) and _partner(number).name in ends:
                found[name] = next(port for port in verdict.ports if port.port == case.port)
    return found


def _tell(story: Story, partner: Host, case: Case, at: float) -> None:
    client, server = (partner, SERVER) if case.rule in TO_SERVER else (SERVER, partner)
    if case.rule == TDS:
        browser = udp(story, client, server, 1434, at=at - 0.5)
        browser.say(speech.sql_browser_request("SAFEQ"))
        browser.answer(speech.sql_browser_answer("SAFEQ", case.port))
    if case.rule == SNMP:
        asking = udp(story, client, server, case.port, at=at)
        for part in case.said:
            (asking.say if part[:1] == b">" else asking.answer)(part[1:])
        return
    talk = tcp(story, client, server, case.port, at=at)
    talk.open()
    for part in case.said:
        (talk.say if part[:1] == b">" else talk.answer)(part[1:])
    talk.close()


@pytest.mark.parametrize("name", CASES)
def test_the_last_answer_of_a_dialogue_decides(name: str) -> None:
    """State, cause and code of each port follow from the bytes of its dialogue."""
    case, found = CASES[name], _findings()[name]
    told = f"{found.state.value}/{found.cause.value}" if found.cause else found.state.value
    assert told == case.state
    if case.says is not None:
        assert case.says in (found.detail or "")


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.state == REFUSED and case.rule not in (LPR, SNMP)]
)
def test_a_refusal_is_seen_where_only_answers_were_captured(name: str) -> None:
    """A no in so many words needs no question; an acknowledgement of LPR does, and so does the answer to a datagram."""
    case, found = CASES[name], _findings(answers_only=True)[name]
    assert (found.state, found.cause) == ("failing", "application-refused")
    assert case.says is not None
    assert case.says in (found.detail or "")


def test_no_answer_gives_away_what_was_said() -> None:
    """Names, passwords and texts of the dialogues stand in no detail."""
    details = " ".join(finding.detail or "" for finding in _findings().values())
    assert not any(word in details for word in ("secret", "cn=x", "floor", "login failed", "0123456789"))
