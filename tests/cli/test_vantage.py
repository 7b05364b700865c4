"""``check --vantage``: what the command line makes of several capture points."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from tests.cli.running import COMMAND, PCAPS, SITES, run

POINTS = (str(PCAPS / "firewall-between.pcap"), str(PCAPS / "firewall-between" / "2.pcap"))
SITE = ("--site", str(SITES / "firewall-between.toml"))
SCHEMA = json.loads((Path(__file__).parents[2] / "analyser/report/schema/report-1.json").read_text(encoding="utf-8"))


def test_the_page() -> None:
    """The page says where, how much, and how far the clocks are apart."""
    page = " ".join(run("check", *POINTS, *SITE, "--vantage").stdout.split())
    assert "clock of 2.pcap: 1.250 s ahead of that of firewall-between.pcap" in page
    assert "seen at firewall-between.pcap and not at 2.pcap: lost between them" in page
    assert "7 lost" in page


def test_the_document_is_valid() -> None:
    """The additional key is as the schema says."""
    done = run("check", *POINTS, *SITE, "--vantage", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert [point["name"] for point in document["vantage"]["points"]] == ["firewall-between.pcap", "2.pcap"]
    assert {(way["origin"], way["lost"]) for way in document["vantage"]["ways"]} == {
        ("firewall-between.pcap", 7),
        ("2.pcap", 3),
    }


def test_without_the_option_nothing_is_new() -> None:
    """One timeline of all captures, and no additional key."""
    document = json.loads(run("check", *POINTS, *SITE, "--json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert "vantage" not in document
    assert "between them" not in json.dumps(document)


def test_what_is_written(tmp_path: Path) -> None:
    """The folder has the report, the flows that each point saw, and evidence out of both captures."""
    done = run("check", *POINTS, *SITE, "--vantage", "-o", str(tmp_path), "-q")
    assert done.returncode == 1
    assert "Between the capture points" in (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert len(list((tmp_path / "evidence").iterdir())) >= 4
    shown = run("explain", "--report", str(tmp_path / "report.json"), "78506116bc")
    assert shown.returncode == 0
    assert "2.pcap" in shown.stdout


def test_an_explanation() -> None:
    """A finding of several points is judged anew from the same points, and shown with frames of both."""
    done = run("explain", *POINTS, "78506116bc", *SITE, "--vantage", "-q")
    assert done.returncode == 0
    assert "on the way back" in " ".join(done.stdout.split())
    assert "2.pcap" in done.stdout


def test_a_point_on_standard_input_has_a_name() -> None:
    """A live capture at one point and a file of the other: nobody has to read "lost between - and 2.pcap"."""
    command = [*COMMAND, "check", "-", POINTS[1], *SITE, "--vantage"]
    done = subprocess.run(command, input=Path(POINTS[0]).read_bytes(), capture_output=True, check=False)
    page = " ".join(done.stdout.decode().split())
    assert done.returncode == 1
    assert "seen at standard input and not at 2.pcap: lost between them" in page


@pytest.mark.parametrize("named", [POINTS[:1], (POINTS[0], POINTS[0])])
def test_points_that_are_none(named: tuple[str, ...]) -> None:
    """One point, or one twice, is told in a line and is no finding."""
    done = run("check", *named, *SITE, "--vantage")
    assert done.returncode == 2
    assert "capture point" in done.stderr
    assert "Traceback" not in done.stderr
