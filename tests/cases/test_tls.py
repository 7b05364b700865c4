"""Cases of TLS: the version that stalls, and certificates."""

from __future__ import annotations

import pytest

from tests.cases.stage import MFD, SERVER, Stage, case_of, entries, frames, names, plays, tcp, wire

SESSION = "konica-minolta-session"
TLS_1_2, TLS_1_3 = 0x0303, 0x0304


def session(vendor: str, chosen: int | None, *, port: int = 5015, offered: int = TLS_1_3) -> Stage:
    """A device opens its session port and falls silent behind the ServerHello (None: there is none)."""
    stage = Stage()
    stage.host(SERVER, "terminal-server")
    stage.host(MFD, "mfd", vendor=vendor)
    for at in (1.0, 31.0):
        talk = tcp(stage.story, MFD, SERVER, port, at=at)
        talk.open()
        talk.say(wire.record(22, wire.client_hello(versions=(offered,))))
        if chosen is not None:
            talk.answer(wire.record(22, wire.server_hello(chosen)))
        talk.wait(20.0)
        talk.close()
    plays.tls(stage.story, SERVER, MFD, 443, at=60.0)
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
