"""Programs of one server that speak to each other over loopback, captured on it: rows that no capture of a wire can show."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import analyser
from analyser.report.json import report_json
from tests.lab.network import Lab, lab, until, why_not
from tests.lab.run import until_ready

SITE = """
name = "One server"
[[host]]
name = "server"
addresses = ["198.18.128.20"]
roles = ["site-server"]
"""
# The rows of one server beside itself: who serves which port of them, and who does not.
OPEN, CLOSED = 5557, 4000


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What went over the loopback of a server: one port served, one asked for in vain."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("loopback")
    with lab(folder) as site:
        capture = folder / "lo.pcap"
        site.start(
            "servers",
            "tcpdump",
            "-i",
            "lo",
            "-U",
            "--immediate-mode",
            "-Z",
            "root",
            "-w",
            str(capture),
            log="tcpdump-lo.log",
        )
        until(lambda: capture.exists() and capture.stat().st_size)
        _talk(site)
    return capture


def _talk(site: Lab) -> None:
    entry = {
        "case": "c0",
        "number": 0,
        "address": "127.0.0.1",
        "source": "127.0.0.1",
        "transport": "tcp",
        "service": "opaque",
    }
    program, words = site.speak("servers", "serve", [entry | {"port": OPEN, "manner": "service"}])
    until_ready(words, program)
    asking, _ = site.speak("servers", "ask", [entry | {"port": port, "manner": "service"} for port in (OPEN, CLOSED)])
    asking.wait(30)
    time.sleep(1)  # the last packets are on their way to the file


def verdicts(capture: Path, at: str | None) -> dict[str, tuple[str, list[str]]]:
    """Return verdict and states by rule."""
    site = capture.parent / "site.toml"
    site.write_text(SITE)
    told = json.loads(report_json(analyser.check([str(capture)], site=str(site), at=at).document))
    return {
        item["rule"].removeprefix("ysoft-safeq-6/"): (item["verdict"], [port["state"] for port in item["ports"]])
        for item in told["verdicts"]
    }


def test_the_rows_of_one_machine_are_judged_where_it_is_named(captured: Path) -> None:
    """The served port is open, the other refused; both are rows that only loopback shows."""
    found = verdicts(captured, "server")
    assert found["other/terminal-server-requests"] == ("satisfied", ["open"])
    assert found["workstation-to-server/workflow-processing"] == ("refused", ["refused"])


def test_where_nobody_says_who_captured_only_what_was_seen_is_judged(captured: Path) -> None:
    """Rows whose port was seen are judged, of others nothing is claimed."""
    found = verdicts(captured, None)
    assert found["other/terminal-server-requests"][0] in ("satisfied", "inconclusive")
    assert found["workstation-to-server/workflow-processing"][0] in ("refused", "inconclusive")
    assert not {rule for rule, (verdict, _) in found.items() if verdict == "missing" and "jmx" in rule}
