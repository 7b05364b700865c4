"""Cases of devices that answer, but not as they were asked: modes, lockout, SNMP."""

from __future__ import annotations

import pytest

from tests.cases.stage import (
    MFD,
    SECOND,
    SERVER,
    Host,
    Stage,
    case_of,
    entries,
    frames,
    names,
    plays,
    speech,
    tcp,
    udp,
    wire,
)

WRONG = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


def device(vendor: str, *features: str) -> Stage:
    """Two Terminal Servers and a device of a vendor."""
    stage = Stage(features)
    stage.host(SERVER, "terminal-server")
    stage.host(SECOND, "terminal-server")
    stage.host(MFD, "mfd", vendor=vendor)
    return stage


def refused(stage: Stage, port: int, at: float, client: Host = SERVER) -> None:
    """Ask for a port and be reset."""
    talk = tcp(stage.story, client, MFD, port, at=at)
    talk.syn()
    talk.refuse()


def knock(stage: Stage, port: int, at: float) -> None:
    """Ask for a port in vain."""
    tcp(stage.story, SERVER, MFD, port, at=at).knock(times=5)


# -- Konica Minolta's SSL mode ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shut", "taken", "rule"),
    [(50003, 50001, "konica-minolta-install"), (50001, 50003, "embedded-configuration")],
)
def test_the_ssl_mode_of_a_konica_minolta_is_told(shut: int, taken: int, rule: str) -> None:
    """The device refuses one of the two ports and answers on the other: its setting, with the frames of both."""
    stage = device("konica-minolta")
    plays.http(stage.story, SERVER, MFD, 80, at=1.0)
    (plays.tls if taken == 50003 else plays.http)(stage.story, SERVER, MFD, taken, at=2.0)
    refused(stage, shut, 3.0)
    plays.http(stage.story, SERVER, MFD, 80, at=20.0)
    document = stage.report()
    case = case_of(document, rule)
    assert case.id == "ysoft-safeq-6/km-ssl-mode"
    assert case.seen == f"TCP {taken} answers"
    (entry,) = [entry for entry in entries(document, rule) if entry.case]
    own = {number for port in entry.ports if port.port == shut for piece in port.evidence for number in piece.frames}
    assert own < frames(case)


@pytest.mark.parametrize("what", ["blocked", "alone", "sharp"])
def test_a_filter_or_a_port_refused_alone_is_not_the_ssl_mode(what: str) -> None:
    """Blocked on the way, refused without the other port answering, or another vendor: not the device's setting."""
    stage = device("sharp" if what == "sharp" else "konica-minolta")
    plays.http(stage.story, SERVER, MFD, 80, at=1.0)
    if what != "alone":
        plays.http(stage.story, SERVER, MFD, 50001, at=2.0)
    if what == "blocked":
        knock(stage, 50003, 3.0)
    else:
        refused(stage, 50003, 3.0)
    plays.http(stage.story, SERVER, MFD, 80, at=60.0)
    assert names(stage.report()) == set()


# -- Xerox -----------------------------------------------------------------------------------------------------------


def ask(stage: Stage, answer: bytes, at: float, client: Host = SERVER) -> None:
    """Fetch a page of the device."""
    plays.exchange(stage.story, client, MFD, 80, speech.http_request("GET", "/", "mfd"), answer, at=at)


def test_a_xerox_that_locked_the_server_out_is_told() -> None:
    """It works, three passwords are wrong, then only this server is turned away: a lockout, with the frames of the 401s."""
    stage = device("xerox")
    ask(stage, speech.http_reply(), 1.0)
    for at in (10.0, 20.0, 30.0):
        ask(stage, WRONG, at)
    for at in (40.0, 50.0):
        refused(stage, 80, at)
    ask(stage, speech.http_reply(), 55.0, SECOND)
    document = stage.report()
    case = case_of(document, "xerox-install")
    assert case.id == "ysoft-safeq-6/xerox-lockout"
    assert case.seen == "HTTP 401 3 times, then 2 attempts turned away"
    assert "leave mfd-1 alone for an hour" in case.first_step
    assert len(frames(case)) > 4


@pytest.mark.parametrize("what", ["two", "success", "all", "from the start", "sharp", "again"])
def test_other_refusals_are_no_lockout(what: str) -> None:
    """Two wrong passwords, success between, everybody refused, refused before, another vendor, or served again."""
    stage = device("sharp" if what == "sharp" else "xerox")
    ask(stage, speech.http_reply(), 1.0)
    if what == "from the start":
        refused(stage, 80, 2.0)
    for at in (10.0, 20.0) if what == "two" else (10.0, 20.0, 30.0):
        ask(stage, WRONG, at)
        if what == "success" and at == 20.0:
            ask(stage, speech.http_reply(), 25.0)
    for at in (40.0, 50.0):
        refused(stage, 80, at)
    if what == "all":
        refused(stage, 80, 55.0, SECOND)
    if what == "again":
        ask(stage, speech.http_reply(), 60.0)
    assert "xerox-lockout" not in names(stage.report())


def test_a_versalink_without_https_is_told() -> None:
    """443 is refused by the device itself while 80 answers."""
    stage = device("xerox")
    ask(stage, speech.http_reply(), 1.0)
    refused(stage, 443, 3.0)
    ask(stage, speech.http_reply(), 20.0)
    case = case_of(stage.report(), "xerox-install")
    assert case.id == "ysoft-safeq-6/xerox-https-off"
    assert case.first_step.startswith("switch HTTPS on at mfd-1")


def test_https_that_is_blocked_is_not_off() -> None:
    """No answer on 443 is no word of the device."""
    stage = device("xerox")
    ask(stage, speech.http_reply(), 1.0)
    knock(stage, 443, 3.0)
    ask(stage, speech.http_reply(), 60.0)
    assert names(stage.report()) == set()


def reported(vendor: str, report: int) -> Stage:
    """The device answers SNMPv3 with a report."""
    stage = device(vendor)
    talk = udp(stage.story, SERVER, MFD, 161, at=1.0)
    for number in (1, 2):
        talk.say(wire.snmp3(0xA0, number))
        talk.answer(wire.snmp3(0xA8, number, report=report))
        talk.wait(5.0)
    return stage


@pytest.mark.parametrize("report", [1, 2, 3, 5, 6])
def test_a_versalink_with_other_snmp_users_is_told(report: int) -> None:
    """Each report that turns a request down is the case of users and passwords."""
    case = case_of(reported("xerox", report).report(), "snmp-install-check")
    assert case.id == "ysoft-safeq-6/xerox-snmpv3"


def test_reports_of_others_and_introductions_are_not_that_case() -> None:
    """The report that begins every conversation is no refusal, and another vendor's report is not the known case."""
    assert names(reported("xerox", 4).report()) == set()
    assert names(reported("hp", 3).report()) == set()


# -- SNMP ------------------------------------------------------------------------------------------------------------


def silent(*, alive: bool = True, other: str | None = None) -> Stage:
    """A printer does not answer the first server; ``other``: the community with which the second is answered."""
    stage = device("hp", "online-accounting")
    unheard = udp(stage.story, SERVER, MFD, 161, at=2.0)
    for _ in range(4):
        unheard.say(speech.snmp_get(4001))
        unheard.wait(5.0)
    if alive:
        plays.tls(stage.story, SERVER, MFD, 7627, at=30.0)
    else:
        plays.http(stage.story, SERVER, SECOND, 80, at=30.0)
    if other is not None:
        heard = udp(stage.story, SECOND, MFD, 161, at=40.0)
        heard.say(speech.snmp_get(5001, other))
        heard.answer(speech.snmp_response(5001, other))
    return stage


def test_silence_of_snmp_is_told_with_the_community_first() -> None:
    """A living printer that does not answer SNMP: community, agent, filter, in this order; no firewall is claimed."""
    case = case_of(silent().report(), "snmp-install-check")
    assert case.id == "ysoft-safeq-6/snmp-silence"
    assert "community" in case.first_step
    assert case.seen == "it answers on TCP 7627"
    assert "firewall" not in f"{case.explanation} {case.first_step}"


def test_silence_is_not_that_case_where_others_are_answered_or_nothing_lives() -> None:
    """The same question answered to another server, or a printer of which nothing is heard, is not the known case."""
    assert names(silent(other="sample").report()) == set()
    assert names(silent(alive=False).report()) == set()


def test_another_community_that_is_answered_has_a_case_of_its_own() -> None:
    """The printer answers another community: that is what to enter, and no silence of the agent. None of them is told."""
    document = silent(other="floor-secret").report()
    assert names(document) == {"snmp-other-community"}
    assert "floor-secret" not in repr(document)
