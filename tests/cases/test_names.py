"""Cases of DNS: a name that is not found before a connection that is never tried; no other name is told."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR

from analyser.pipeline.installing import install
from analyser.report.json import report_json
from samples.cast import workstation
from tests.cases.stage import MFD, SERVER, Host, Stage, case_of, frames, names, plays, speech, tcp, udp

RESOLVER = Host(name="resolver", address="192.0.2.53", ttl=64)
PC, NEIGHBOUR = workstation(1), workstation(2)
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
RULE = "spooler-controller"


def answer(name: str, code: int, *addresses: str) -> bytes:
    """An answer to a question for the address of a name."""
    records = [DNSRR(rrname=name, rdata=address) for address in addresses]
    return bytes(DNS(id=7, qr=1, rd=1, ra=1, rcode=code, qd=DNSQR(qname=name), an=records))


def ask(stage: Stage, name: str, code: int | None, *addresses: str, at: float, client: Host = PC) -> None:
    """Let a client ask the resolver; ``code`` None: no answer."""
    question = udp(stage.story, client, RESOLVER, 53, at=at)
    question.say(speech.dns_query(name))
    if code is not None:
        question.answer(answer(name, code, *addresses))


def office(server: Host = SERVER) -> Stage:
    """A workstation and its Spooler Controller, which it never reaches; both are seen to live."""
    stage = Stage(["workstation-client"])
    stage.host(server, "spooler-controller")
    stage.host(PC, "workstation")
    stage.host(NEIGHBOUR, "workstation")
    plays.private(stage.story, NEIGHBOUR, server, 5555, at=0.2)
    plays.tls(stage.story, NEIGHBOUR, server, 9443, at=0.4)
    ask(stage, "www.example.", NO_ERROR, "198.51.100.80", at=0.5)
    plays.http(stage.story, NEIGHBOUR, server, 80, at=60.0)
    return stage


@pytest.mark.parametrize("name", ["print-server.", "Print-Server.office.example."])
def test_a_host_name_that_does_not_exist_is_told(name: str) -> None:
    """The name of the host, alone or with a domain behind it, in any case of letters; the frames are those of DNS."""
    stage = office()
    ask(stage, name, NO_SUCH_NAME, at=2.0)
    ask(stage, name, NO_SUCH_NAME, at=3.0)
    document = stage.report()
    case = case_of(document, RULE)
    assert case.id == "ysoft-safeq-6/dns-no-such-name"
    assert case.seen == "203.0.113.101 asked 192.0.2.53 for print-server: no such name (2 questions)"
    assert len(frames(case)) == 2
    assert "udp.port==53" in case.evidence[0].filter


def test_another_name_of_the_host_is_known_from_an_answer_and_not_told() -> None:
    """A neighbour's answer gives the name to the host's address; what the workstation asked for stays unsaid."""
    stage = office()
    ask(stage, "secret-alias.example.", NO_ERROR, SERVER.address, at=1.0, client=NEIGHBOUR)
    ask(stage, "secret-alias.example.", NO_SUCH_NAME, at=2.0)
    document = stage.report()
    assert "for print-server" in (case_of(document, RULE).seen or "")
    assert b"secret-alias" not in report_json(document)


@pytest.mark.parametrize(("code", "word"), [(SERVER_FAILURE, "server failure"), (5, "refused"), (None, "no answer")])
def test_a_name_server_that_fails_is_told(code: int | None, word: str) -> None:
    """A failure, a refusal, or silence of the name server is a case of its own."""
    stage = office()
    for at in (2.0, 4.0, 8.0):
        ask(stage, "print-server.example.", code, at=at)
    case = case_of(stage.report(), RULE)
    assert case.id == "ysoft-safeq-6/dns-server-fails"
    assert word in (case.seen or "")


def test_other_names_and_names_found_in_the_end_are_no_case() -> None:
    """A stranger's name, a name found with another domain behind it, or a question of somebody else: no case."""
    other = office()
    ask(other, "print-server-9.example.", NO_SUCH_NAME, at=2.0)
    ask(other, "www.example.", NO_SUCH_NAME, at=3.0)
    found = office()
    ask(found, "print-server.wrong.example.", NO_SUCH_NAME, at=2.0)
    ask(found, "print-server.right.example.", NO_ERROR, SERVER.address, at=3.0)
    stranger = office()
    ask(stranger, "print-server.", NO_SUCH_NAME, at=2.0, client=Host(name="x", address="198.51.100.99"))
    for stage in (other, found, stranger):
        assert names(stage.report()) == set()


def test_a_connection_that_is_tried_all_the_same_is_no_case() -> None:
    """Whoever connects has an address from somewhere."""
    stage = office()
    ask(stage, "print-server.", NO_SUCH_NAME, at=2.0)
    tcp(stage.story, PC, SERVER, 5555, at=5.0).knock(times=5)
    assert names(stage.report()) == set()


def test_silence_that_only_the_capture_lacks_is_no_case() -> None:
    """Where nothing of the resolver's side is in the capture, a question without answer says nothing."""
    stage = Stage(["workstation-client"])
    stage.host(SERVER, "spooler-controller")
    stage.host(PC, "workstation")
    far = Host(name="far", address="198.51.100.53", segment="elsewhere")
    question = udp(stage.story, Host(name=PC.name, address=PC.address), far, 53, at=1.0)
    question.say(speech.dns_query("print-server."))
    plays.http(stage.story, SERVER, MFD, 80, at=60.0)
    stage.story.moments = [moment for moment in stage.story.moments if moment.receiver is not SERVER]
    assert names(stage.report()) == set()


def test_a_client_of_a_network_and_a_server_that_looks_for_a_printer_are_told() -> None:
    """Whoever needs the other end may be one of many, or be named by the rule only."""
    stage = Stage(["workstation-client", "online-accounting"])
    stage.host(SERVER, "spooler-controller")
    stage.host(MFD, "mfd", vendor="hp", terminal="none")
    stage.extra = '[[network]]\nname = "office"\ncidr = "203.0.113.0/24"\nroles = ["workstation"]'
    ask(stage, "print-server.example.", NO_SUCH_NAME, at=1.0, client=PC)
    ask(stage, "mfd-1.example.", NO_SUCH_NAME, at=2.0, client=SERVER)
    plays.http(stage.story, SERVER, RESOLVER, 80, at=60.0)
    document = stage.report()
    office_case, printer_case = case_of(document, RULE), case_of(document, "snmp-accounting")
    assert office_case.seen == "203.0.113.101 asked 192.0.2.53 for print-server: no such name (1 question)"
    assert printer_case.seen == "192.0.2.10 asked 192.0.2.53 for mfd-1: no such name (1 question)"


def test_made_up_names_of_an_installation_are_no_names() -> None:
    """``install`` calls its two machines server and printer; who asks DNS for such a name asks for somebody else."""
    stage = Stage()
    ask(stage, "server.example.", NO_SUCH_NAME, at=1.0, client=MFD)
    plays.http(stage.story, SERVER, MFD, 80, at=60.0)
    with TemporaryDirectory() as folder:
        capture = Path(folder, "story.pcap")
        capture.write_bytes(stage.story.render())
        made = install("hp", [str(capture)], servers=[SERVER.address], printers=[MFD.address])
    assert names(made.document) == set()
