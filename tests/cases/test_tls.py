"""Cases of TLS: the version that stalls, and certificates."""

from __future__ import annotations

import pytest

from tests.cases.stage import MFD, SERVER, Stage, case_of, entries, frames, names, plays, speech, tcp, wire

SESSION = "konica-minolta-session"
TLS_1_2, TLS_1_3 = 0x0303, 0x0304
HANDSHAKE_FAILURE, EXPIRED, UNKNOWN_CA, PROTOCOL_VERSION = 40, 45, 48, 70
HELLO = wire.record(22, wire.client_hello(versions=(TLS_1_2,)))


def device(vendor: str) -> Stage:
    """A Terminal Server and a device of a vendor, which answers on one port."""
    stage = Stage()
    stage.host(SERVER, "terminal-server")
    stage.host(MFD, "mfd", vendor=vendor)
    plays.http(stage.story, SERVER, MFD, 80, at=60.0)
    return stage


def session(vendor: str, chosen: int | None, *, port: int = 5015) -> Stage:
    """A device opens a port, offers TLS 1.3, and falls silent behind the ServerHello (None: there is none)."""
    stage = device(vendor)
    for at in (1.0, 31.0):
        talk = tcp(stage.story, MFD, SERVER, port, at=at)
        talk.open()
        talk.say(wire.record(22, wire.client_hello(versions=(TLS_1_3,))))
        if chosen is not None:
            talk.answer(wire.record(22, wire.server_hello(chosen)))
        talk.wait(20.0)
        talk.close()
    return stage


def test_a_konica_minolta_that_stalls_in_tls_1_3_is_told() -> None:
    """Both sides agree on TLS 1.3 and the device falls silent: the case, with what to switch off where, and the frames."""
    document = session("konica-minolta", TLS_1_3).report()
    case = case_of(document, SESSION)
    assert case.id == "ysoft-safeq-6/km-tls-1-3"
    assert case.first_step == "switch TLS 1.3 off on mfd-1"
    assert case.seen == "TLS 1.3 offered in 2 attempts; TLS 1.3 chosen in 2 attempts"
    (entry,) = entries(document, SESSION)
    (port,) = [port for port in entry.ports if port.port == 5015]
    assert {number for piece in port.evidence for number in piece.frames} <= frames(case)
    assert (entry.verdict, entry.severity, port.cause) == ("failing", "violation", "tls-stalled")


@pytest.mark.parametrize(
    ("vendor", "chosen", "port"),
    [("sharp", TLS_1_3, 5022), ("konica-minolta", TLS_1_2, 5015), ("konica-minolta", None, 5015)],
)
def test_another_vendor_another_version_or_no_answer_is_not_that_case(
    vendor: str, chosen: int | None, port: int
) -> None:
    """What stalls in TLS 1.2, without a ServerHello, or on another vendor's device is not the known case."""
    assert names(session(vendor, chosen, port=port).report()) == set()


def test_an_alert_about_the_version_is_no_stall() -> None:
    """A device of another vendor that speaks TLS 1.3 only and says so is not the device that falls silent."""
    assert names(rejecting("sharp", 5012, PROTOCOL_VERSION).report()) == set()


def rejecting(vendor: str, port: int, alert: int, *, by_server: bool = False) -> Stage:
    """A device shakes hands with the server, sees its certificate, and one side ends it with an alert."""
    stage = device(vendor)
    for at in (1.0, 31.0):
        talk = tcp(stage.story, MFD, SERVER, port, at=at)
        talk.open()
        talk.say(HELLO)
        talk.answer(speech.tls_server_hello("terminal-server.example"))
        (talk.answer if by_server else talk.say)(wire.alert(alert))
        talk.close("server" if by_server else "client")
    return stage


@pytest.mark.parametrize(
    ("vendor", "rule", "port", "alert", "name"),
    [
        ("hp", "hp-web-services", 5025, UNKNOWN_CA, "hp-certificate"),
        ("hp", "terminal-application", 5022, EXPIRED, "hp-certificate"),
        ("toshiba", "vendor-web-services", 5012, UNKNOWN_CA, "toshiba-certificate"),
        ("toshiba", "toshiba-ldap", 389, EXPIRED, "toshiba-certificate"),
    ],
)
def test_a_device_that_does_not_trust_the_certificate_is_told(
    vendor: str, rule: str, port: int, alert: int, name: str
) -> None:
    """The alert comes from the device and is about the certificate: the vendor's case, with what the certificate says."""
    document = rejecting(vendor, port, alert).report()
    case = case_of(document, rule)
    assert case.id == f"ysoft-safeq-6/{name}"
    assert "mfd-1" in case.first_step
    assert "terminal-server.example" in (case.seen or "")
    assert names(document) == {name}


@pytest.mark.parametrize(
    ("vendor", "port", "alert", "by_server"),
    [
        ("sharp", 5012, UNKNOWN_CA, False),
        ("hp", 5025, UNKNOWN_CA, True),
        ("hp", 5025, HANDSHAKE_FAILURE, False),
        ("toshiba", 5012, PROTOCOL_VERSION, False),
    ],
)
def test_other_alerts_are_no_case_of_certificates(vendor: str, port: int, alert: int, by_server: bool) -> None:
    """Another vendor, an alert of the server, or one about something else is not told as the vendor's case."""
    assert names(rejecting(vendor, port, alert, by_server=by_server).report()) == set()


def installing(vendor: str, port: int, *, said: bytes = HELLO, answer: bytes = b"", hello: bytes = b"") -> Stage:
    """The server opens a device's port and says a ClientHello; the device says ``hello`` and ``answer`` and hangs up."""
    stage = device(vendor)
    for at in (1.0, 31.0):
        talk = tcp(stage.story, SERVER, MFD, port, at=at)
        talk.open()
        talk.say(said)
        for part in (hello, answer):
            if part:
                talk.answer(part)
        talk.close("server")
    return stage


@pytest.mark.parametrize(("port", "answer"), [(51443, wire.alert(HANDSHAKE_FAILURE)), (443, b"")])
def test_a_ricoh_without_certificate_is_told(port: int, answer: bytes) -> None:
    """A Ricoh device gives up the handshake before its ServerHello, with an alert or without a word."""
    document = installing("ricoh", port, answer=answer).report()
    case = case_of(document, "ricoh-install")
    assert case.id == "ysoft-safeq-6/ricoh-no-certificate"
    assert case.confidence == "medium"
    assert case.first_step.startswith("create a device certificate on mfd-1")


@pytest.mark.parametrize(
    "stage",
    [
        installing("ricoh", 443, hello=speech.tls_server_hello(), answer=wire.alert(HANDSHAKE_FAILURE)),
        installing("ricoh", 443, said=speech.http_request("GET", "/", "mfd")),
        installing("xerox", 443, answer=wire.alert(HANDSHAKE_FAILURE)),
    ],
    ids=["it showed a certificate", "it was asked in clear text", "it is no Ricoh"],
)
def test_other_failures_are_not_a_missing_certificate(stage: Stage) -> None:
    """A certificate that was shown, a question in clear text, or another vendor: not the case."""
    assert names(stage.report()) == set()
