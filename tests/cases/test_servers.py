"""Cases between servers and clients: announced ports, security at one side, failover, health probes."""

from __future__ import annotations

import pytest

from samples.cast import workstation
from tests.cases.stage import MFD, SECOND, SERVER, Host, Stage, case_of, entries, frames, names, plays, speech, tcp, udp

DATABASE = Host(name="database", address="198.51.100.60", segment="databases", ttl=128, delay=0.0006)
INSIDE = Host(name="inside", address="203.0.113.77", segment="nowhere", ttl=64)
PC = workstation(1)
BALANCER = Host(name="balancer", address="192.0.2.101", ttl=64)


# -- SQL Server ------------------------------------------------------------------------------------------------------


def instance(*, answered: bool, port: str = "silent") -> Stage:
    """The Management Service asks the Browser for the instance's port and goes there."""
    stage = Stage(["mssql-named-instance"])
    stage.host(SERVER, "management")
    stage.host(DATABASE, "mssql")
    for at in (1.0, 41.0):
        question = udp(stage.story, SERVER, DATABASE, 1434, at=at)
        question.say(speech.sql_browser_request("SAFEQ"))
        if answered:
            question.answer(speech.sql_browser_answer("SAFEQ", 52101))
            talk = tcp(stage.story, SERVER, DATABASE, 52101, at=at + 0.01)
            if port == "silent":
                talk.knock(times=5)
            else:
                talk.syn()
                talk.refuse()
    if port == "default":
        plays.exchange(stage.story, SERVER, DATABASE, 1433, speech.tds_prelogin(), speech.tds_answer(), at=50.0)
    plays.http(stage.story, SERVER, SECOND, 80, at=90.0)
    return stage


def test_a_named_instance_behind_a_filter_is_told() -> None:
    """The Browser names a port, and that port does not answer: which port to let through, with the Browser's answer."""
    document = instance(answered=True).report()
    case = case_of(document, "sql-instance")
    assert case.id == "ysoft-safeq-6/sql-instance-port"
    assert case.first_step.startswith("let TCP 52101 through from print-server to database")
    (entry,) = entries(document, "sql-instance")
    assert {number for piece in entry.ports[0].evidence for number in piece.frames} <= frames(case)


def test_an_instance_that_refuses_is_not_behind_a_filter() -> None:
    """Nothing listens on the announced port: no filter."""
    assert names(instance(answered=True, port="refuses").report()) == set()


def test_a_browser_that_is_silent_concerns_the_named_instance_only() -> None:
    """1434 is silent while the default instance answers; a database server of which nothing is heard is no such case."""
    case = case_of(instance(answered=False, port="default").report(), "sql-browser")
    assert case.id == "ysoft-safeq-6/sql-browser-silent"
    assert case.seen == "it answers on TCP 1433"
    assert names(instance(answered=False).report()) == set()


# -- FTP -------------------------------------------------------------------------------------------------------------


def scan(line: bytes, opener: Host, target: Host, *, outcome: str = "silent") -> Stage:
    """A printer logs in by FTP and announces with ``line`` that it waits on port 50277; ``opener`` tries ``target`` there."""
    stage = Stage(["ftp-scanning"])
    stage.host(SERVER, "flexispooler")
    stage.host(MFD, "mfd", vendor="hp")
    control = plays.ftp_login(stage.story, MFD, SERVER, at=1.0)
    control.say(line)
    control.answer(b"200 I will come\r\n")
    control.say(b"STOR scan-0001.pdf\r\n")
    data = tcp(stage.story, opener, target, 50277, at=control.at + 0.02, source_port=20)
    if outcome == "silent":
        data.knock(times=5)
    elif outcome == "refused":
        data.syn()
        data.refuse()
    else:
        data.open()
        data.answer(b"a scan")
        data.close()
    control.wait(40.0)
    control.say(b"QUIT\r\n")
    control.answer(b"221 goodbye\r\n")
    control.close()
    return stage


ELSEWHERE = b"PORT 203,0,113,77,196,101\r\n"
AT_HOME = b"PORT 198,51,100,21,196,101\r\n"


def test_ftp_behind_address_translation_is_told() -> None:
    """The printer announces an address that is not its own: the case, with the frame of the line that announces it."""
    document = scan(ELSEWHERE, SERVER, INSIDE).report()
    case = case_of(document, "ftp-active-data")
    assert case.id == "ysoft-safeq-6/ftp-behind-nat"
    assert case.seen == "TCP 50277 was announced at 203.0.113.77, and the other end is 198.51.100.21"
    (line,) = [piece for piece in case.evidence if "tcp.port==21" in piece.filter]
    assert len(line.frames) == 1


def test_ftp_data_that_a_filter_stops_is_told() -> None:
    """The address is right and the data connection gets no answer: the filter does not follow FTP."""
    case = case_of(scan(AT_HOME, SERVER, MFD).report(), "ftp-active-data")
    assert case.id == "ysoft-safeq-6/ftp-data-stopped"
    assert case.seen == "TCP 50277 was announced"


def test_data_that_comes_or_is_refused_is_no_case_of_ftp() -> None:
    """Data that is transferred, or refused by the printer itself, is neither translation nor a filter."""
    for outcome in ("works", "refused"):
        assert names(scan(AT_HOME, SERVER, MFD, outcome=outcome).report()) == set()


# -- security at one side --------------------------------------------------------------------------------------------


def secured(*, forgotten: bool, clear: bool = False) -> Stage:
    """Two workstations speak TLS with the Spooler Controller (or clear text); the third is cut short in clear text."""
    stage = Stage(["workstation-client"])
    stage.host(SERVER, "spooler-controller")
    for number in (1, 2, 3):
        stage.host(workstation(number), "workstation")
    for number, at in ((1, 1.0), (2, 2.0)):
        talk = tcp(stage.story, workstation(number), SERVER, 5555, at=at)
        talk.open()
        talk.say(speech.opaque() if clear else speech.tls_client_hello())
        talk.answer(speech.opaque() if clear else speech.tls_server_hello())
        talk.say(speech.opaque() if clear else speech.tls_client_finish())
        talk.wait(30.0)
        talk.answer(speech.opaque() if clear else speech.tls_data())
        talk.close()
    for at in (5.0, 20.0) if forgotten else ():
        cut = tcp(stage.story, workstation(3), SERVER, 5555, at=at)
        cut.open()
        cut.say(speech.opaque())
        cut.close("server")
    return stage


def test_security_forgotten_at_one_workstation_is_told() -> None:
    """Clear text is always cut short where the others speak TLS: which workstation to bring in line."""
    document = secured(forgotten=True).report()
    case = case_of(document, "spooler-controller")
    assert case.id == "ysoft-safeq-6/one-side-secured"
    assert case.first_step.startswith("bring workstation-3 to the same setting")
    assert names(document) == {"one-side-secured"}


def test_a_connection_cut_short_among_others_of_its_kind_is_not_that_case() -> None:
    """Where all speak clear text, a connection that the server closes is about something else."""
    assert names(secured(forgotten=True, clear=True).report()) == set()
    assert names(secured(forgotten=False).report()) == set()


# -- failover --------------------------------------------------------------------------------------------------------


def failover(*, second: str = "answers", before: bool = False) -> Stage:
    """A workstation's Spooler Controller does not answer; the second one ``answers``, is ``silent``, or not asked."""
    stage = Stage(["workstation-client"])
    stage.extra = '[[group]]\nname = "controllers"\nmembers = ["print-server", "print-server-2"]'
    stage.host(SERVER, "spooler-controller", group="controllers")
    stage.host(SECOND, "spooler-controller", group="controllers")
    stage.host(PC, "workstation")
    plays.tls(stage.story, PC, SERVER, 9443, at=0.5)
    tcp(stage.story, PC, SERVER, 5555, at=5.0).knock(times=4)
    if second == "answers":
        plays.private(stage.story, PC, SECOND, 5555, at=1.0 if before else 20.0)
    elif second == "silent":
        tcp(stage.story, PC, SECOND, 5555, at=20.0).knock(times=4)
    plays.tls(stage.story, PC, SERVER, 9443, at=60.0)
    return stage


def test_failover_of_spooler_controllers_is_told() -> None:
    """The first does not answer, the second does, afterwards: the case names both and shows the flow to the second."""
    document = failover().report()
    case = case_of(document, "spooler-controller")
    assert case.id == "ysoft-safeq-6/spooler-controller-failover"
    assert case.seen == "print-server-2 (192.0.2.11) answered instead"
    assert "print-server runs" in case.first_step
    assert any("192.0.2.11" in piece.filter for piece in case.evidence)


@pytest.mark.parametrize("stage", [failover(second="silent"), failover(second="none"), failover(before=True)])
def test_without_another_that_answers_afterwards_there_is_no_failover(stage: Stage) -> None:
    """Both silent, only one asked, or the other one answered before the first failed: nothing shows a failover."""
    assert names(stage.report()) == set()


# -- health probes ---------------------------------------------------------------------------------------------------


def probed(*times: float, port: int = 5022, known: bool = True, listed: str = "") -> Stage:
    """An address probes a port of the Terminal Server; ``known``: it is a printer of the site."""
    stage = Stage()
    stage.host(SERVER, "terminal-server", "spooler-controller", **({"group": "servers"} if listed else {}))
    if listed:
        stage.extra = f'[[group]]\nname = "servers"\nmembers = ["print-server"]\nprobes = ["{listed}"]'
    stage.host(MFD, "mfd", vendor="hp")
    for at in times:
        plays.probe(stage.story, MFD if known else BALANCER, SERVER, port, at=at)
    plays.http(stage.story, SERVER, MFD, 80, at=60.0)
    return stage


EVERY_FIVE = (1.0, 6.0, 11.0, 16.0)


def test_probes_of_a_known_address_are_told() -> None:
    """A port that is only ever tested is inconclusive, and the case says that these are probes, and how often."""
    document = probed(*EVERY_FIVE).report()
    case = case_of(document, "terminal-application")
    assert case.id == "ysoft-safeq-6/load-balancer-probe"
    assert case.seen == "4 times, about every 5.0 s"
    (entry,) = entries(document, "terminal-application")
    assert entry.verdict == "inconclusive"


def test_probes_of_an_unlisted_address_are_told() -> None:
    """A balancer that the site does not name is unexpected, and the case says where to name it."""
    document = probed(*EVERY_FIVE, port=5555, known=False).report()
    (odd,) = [entry for entry in document.unexpected if entry.case is not None]
    assert odd.case is not None
    assert odd.port == 5555
    assert odd.case.id == "ysoft-safeq-6/load-balancer-probe"
    assert "192.0.2.101" in odd.case.first_step
    assert "probes" in odd.case.first_step


@pytest.mark.parametrize(
    "stage",
    [
        probed(1.0),
        probed(1.0, 1.01, 1.02, 1.03, known=False),
        probed(*EVERY_FIVE, port=445, known=False),
        probed(*EVERY_FIVE, known=False, listed=BALANCER.address),
    ],
    ids=["once", "all at once", "another port", "named in the site"],
)
def test_other_tests_of_a_port_are_no_probes_of_a_balancer(stage: Stage) -> None:
    """One test, a burst, a port that no balancer asks for; and one that the site names needs no explanation."""
    assert names(stage.report()) == set()
