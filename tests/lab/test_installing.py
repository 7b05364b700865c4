"""``analyser install`` says of the lab what was done there: without a site file, for every row that an installation needs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from analyser.pipeline.installing import install
from analyser.report.json import report_json
from tests.lab.cases import Case
from tests.lab.conditions import Told
from tests.lab.matrix import PACK
from tests.lab.run import Met

CONDITIONS = ("open", "dropped", "answer-dropped", "refused", "icmp-13", "reset-by-router", "wrong-protocol", "never")


def steps() -> list[str]:
    """Return the rows of an installation as the pack lists them."""
    named: list[str] = tomllib.loads((PACK / "pack.toml").read_text(encoding="utf-8"))["installation"]
    return named


def device_of(case: Case) -> str | None:
    """Return what ``install`` is told that the device is: a vendor, or the kind of a terminal."""
    ends = {*case.row.initiator, *case.row.responder}
    if "mfd" in ends:
        return case.row.vendor or "ricoh"
    return next((role for role in ("terminal-professional", "terminal-pro-4") if role in ends), None)


def test_an_installation_is_told_as_it_went(recorded: tuple[Path, list[Case], Met]) -> None:
    """State and cause of every port of every step are those of the truth, from one capture at the initiator's side."""
    folder, made, _ = recorded
    chosen = [
        case
        for case in made
        if case.row.rule in steps() and case.condition.name in CONDITIONS and case.condition.version == 4
    ]
    assert {case.row.rule for case in chosen} == set(steps())
    strange = []
    for case in chosen:
        device = device_of(case)
        assert device is not None
        printer, server = (case.initiator, case.responder)
        if case.row.rule.startswith("server-to-printer/"):
            printer, server = server, printer
        done = install(
            device,
            [str(folder / f"{case.initiator_zone.name}.pcap")],
            servers=[server],
            printers=[printer],
            digests=False,
        )
        told = json.loads(report_json(done.document))
        found = {
            Told(port["state"], port["cause"])
            for item in told["verdicts"]
            if item["rule"] == f"ysoft-safeq-6/{case.row.rule}"
            for port in item["ports"]
            if port["port"] in case.row.ports
        }
        wanted = {Told(one.state, one.cause) for one in case.told("initiator")[:1]}
        if case.condition.name == "never":
            wanted = {
                Told("not-observable")
            }  # neither of the two was seen at all, which a site of many hosts cannot say
        if found != wanted:
            strange.append((case.row.rule, case.condition.name, found, wanted))
        assert not told["unexpected"], case
    assert not strange


@pytest.mark.parametrize("rule", steps())
def test_every_step_of_an_installation_has_cases(rule: str) -> None:
    """The list of the pack and the rows of the lab agree."""
    from tests.lab.matrix import rows

    assert rule in {row.rule for row in rows()}
