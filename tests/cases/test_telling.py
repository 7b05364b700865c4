"""Where a known case is told: on the page, in an installation, by explain, and the same in portions; it changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import jsonschema
import pytest

from analyser.compliance.cases import around
from analyser.flows import reader
from analyser.flows.layout import S_FLOWS
from analyser.flows.memory import Limits, Memory
from analyser.model.finding import ReportDocument
from analyser.pipeline import judging
from analyser.report.json import report_json, report_schema
from analyser.report.text import report_text
from tests.cases import test_devices, test_names, test_servers, test_tls
from tests.cases.stage import MFD, SERVER, Stage, case_of, cases_of, names, speech
from tests.cli.running import PCAPS, SITES, run

LOCKED_OUT = "Known case: Xerox: the device has locked the server out (medium confidence);"


def stages() -> dict[str, Stage]:
    """Return a story of each kind: facts of one flow, of a pair, of other clients and servers, of names."""
    lockout = test_devices.device("xerox")
    test_devices.ask(lockout, speech.http_reply(), 1.0)
    for at in (10.0, 20.0, 30.0):
        test_devices.ask(lockout, test_devices.WRONG, at)
    for at in (40.0, 50.0):
        test_devices.refused(lockout, 80, at)
    alias = test_names.office()
    test_names.ask(alias, "alias.example.", 0, SERVER.address, at=1.0, client=test_names.NEIGHBOUR)
    test_names.ask(alias, "alias.example.", 3, at=2.0)
    return {
        "km-tls-1-3": test_tls.session("konica-minolta", test_tls.TLS_1_3),
        "xerox-lockout": lockout,
        "dns-no-such-name": alias,
        "spooler-controller-failover": test_servers.failover(),
        "ftp-behind-nat": test_servers.scan(test_servers.ELSEWHERE, SERVER, test_servers.INSIDE),
        "load-balancer-probe": test_servers.probed(*test_servers.EVERY_FIVE, port=5555, known=False),
    }


STAGES = stages()
every_stage = pytest.mark.parametrize("name", STAGES)


def plain(document: ReportDocument) -> ReportDocument:
    """Return a report without the cases, and without when it was made."""
    return replace(
        document,
        generated_at="",
        verdicts=tuple(replace(entry, case=None) for entry in document.verdicts),
        unexpected=tuple(replace(entry, case=None) for entry in document.unexpected),
    )


@every_stage
def test_a_case_changes_nothing_of_a_report(name: str) -> None:
    """Without any case known, all verdicts, states, severities and the exit code are the same."""
    document = STAGES[name].report()
    assert names(document) == {name}
    with patch.object(judging, "load_cases", lambda *_: ()):
        without = STAGES[name].report()
    assert names(without) == set()
    paths = {capture.path: "story" for capture in (*document.captures, *without.captures)}

    def told(one: ReportDocument) -> str:
        text = report_json(plain(one)).decode()
        for path in paths:
            text = text.replace(str(Path(path).parent), "folder")
        return text

    assert told(document) == told(without)


@every_stage
def test_a_case_is_the_same_in_portions(name: str) -> None:
    """Flows that did not fit into memory at once make the same case, in the same words and from the same frames."""
    whole = STAGES[name].report()
    with (
        patch.object(Memory, "in_parts", property(lambda memory: bool(memory.st[S_FLOWS]) or bool(memory._store))),
        patch.object(reader, "Limits", lambda: Limits(together=1)),
    ):
        portions = STAGES[name].report()
    shown = [
        [(case.id, case.seen, [piece.frames for piece in case.evidence]) for case in cases_of(document)]
        for document in (whole, portions)
    ]
    assert shown[0] == shown[1]
    assert shown[0]


@every_stage
def test_a_case_is_in_the_json_and_on_the_page(name: str) -> None:
    """The document is valid by its schema; findings without a case have no such key; the page has one line of it."""
    document = STAGES[name].report()
    made = json.loads(report_json(document))
    jsonschema.Draft202012Validator(report_schema()).validate(made)
    told = [entry for entry in (*made["verdicts"], *made["unexpected"]) if "case" in entry]
    assert told
    assert all(entry["case"]["id"] == f"ysoft-safeq-6/{name}" for entry in told)
    page = report_text(document, width=1000).plain
    assert f"Known case: {told[0]['case']['title']}" in page
    assert f"try first: {told[0]['case']['first_step']}" in page


def test_an_installation_and_explain_tell_a_case(tmp_path: Path) -> None:
    """The technician's page has the case at its step; explain tells why, what the capture shows, and all frames of it."""
    capture = tmp_path / "lockout.pcap"
    capture.write_bytes(STAGES["xerox-lockout"].story.render())
    arguments = ("install", "xerox", str(capture), "--server", SERVER.address, "--printer", MFD.address)
    page = run(*arguments).stdout
    assert LOCKED_OUT in " ".join(page.split())
    report = tmp_path / "report.json"
    report.write_text(run(*arguments, "--json").stdout, encoding="utf-8")
    entry = next(entry for entry in json.loads(report.read_text())["verdicts"] if "case" in entry)
    shown = run("explain", str(capture), entry["id"], "--report", str(report)).stdout
    assert "Known case: Xerox: the device has locked the server out  (ysoft-safeq-6/xerox-lockout" in shown
    assert "HTTP 401 3 times, then 2 attempts turned away" in " ".join(shown.split())
    assert "Try first: correct the device's administrator password" in shown
    numbers = {number for piece in entry["case"]["evidence"] for number in piece["frames"]}
    assert all(f"frame {number} of lockout.pcap" in shown for number in numbers)


def test_beyond_what_is_looked_at_no_case_is_claimed() -> None:
    """Where too many findings were looked at already, a case that asks for other flows stays untold."""
    assert case_of(STAGES["xerox-lockout"].report(), "xerox-install")
    with patch.object(around, "MOST", 0):
        assert names(STAGES["xerox-lockout"].report()) == set()


def test_where_requests_arrive_the_first_step_names_the_firewall_of_the_host_itself() -> None:
    """The capture shows them on the responder's own segment: a filter between the two is not to blame alone."""
    page = " ".join(
        run("check", str(PCAPS / "ftp-data.pcap"), "--site", str(SITES / "ftp-data.toml"), "-q").stdout.split()
    )
    assert (
        "First: have the filter (where the requests are seen to arrive, that of print-server itself) follow FTP" in page
    )
