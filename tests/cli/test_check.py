"""``analyser check`` from the outside: the answer, the exit codes, what goes to which stream."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import polars as pl
import pytest

from analyser.pipeline import judging
from analyser.report.json import report_schema
from tests.cli.running import DEMO, PCAPS, ROOT, SITES, run

README = str(ROOT / "README.md")


@pytest.fixture(scope="module")
def demo() -> str:
    """The page of the demo."""
    result = run("check", *DEMO)
    assert result.returncode == 1, result.stderr
    return result.stdout


def test_the_demo_says_what_a_technician_wants_to_read(demo: str) -> None:
    """The answer first, the request to paste, every blocked port with its frames, and SNMP told as a doubt."""
    assert demo.startswith("NOT COMPLIANT")
    head = " ".join(demo.split("Looked at")[0].split())
    assert "First: ask the firewall team to allow TCP 51443, 64098 from 192.0.2.10 to 198.51.100.21" in head
    for port in ("✗ TCP 51443", "✗ TCP 64098"):
        (line,) = [line for line in demo.splitlines() if port in line]
        assert "blocked" in line
    assert "? UDP 161" in demo
    assert "unanswered" in demo


def test_json_is_one_valid_document_and_nothing_else() -> None:
    """Standard output holds the document alone; it obeys the schema and gives the same exit code."""
    result = run("check", *DEMO, "--json")
    document = json.loads(result.stdout)
    jsonschema.Draft202012Validator(report_schema()).validate(document)
    assert result.returncode == document["summary"]["exit_code"] == 1
    assert document["summary"]["compliant"] is False


def test_quiet_prints_the_answer_only(demo: str) -> None:
    """``-q`` is the head of the page, and nothing on standard error."""
    result = run("check", *DEMO, "-q")
    assert demo.startswith(result.stdout.rstrip("\n"))
    assert "Looked at" not in result.stdout
    assert result.stderr == ""


def test_verbose_unfolds(demo: str) -> None:
    """``-v`` shows what works, too."""
    assert len(run("check", *DEMO, "-v").stdout.splitlines()) > len(demo.splitlines())


def test_a_folder_gets_report_page_and_flows(tmp_path: Path, demo: str) -> None:
    """``-o`` writes report, flows, evidence and requests; the page on the screen stays the same."""
    folder = tmp_path / "new" / "folder"
    result = run("check", *DEMO, "-o", str(folder))
    assert result.stdout.splitlines()[:3] == demo.splitlines()[:3]
    assert sorted(path.name for path in folder.iterdir()) == [
        "evidence",
        "flows.parquet",
        "report.json",
        "report.txt",
        "requests",
    ]
    assert json.loads((folder / "report.json").read_bytes())["schema"] == "analyser/report/1"
    assert (folder / "report.txt").read_text(encoding="utf-8").startswith("NOT COMPLIANT")
    assert pl.read_parquet(folder / "flows.parquet").height > 10


def test_without_a_site_it_says_what_it_needs_and_prints_one_to_begin_with(tmp_path: Path) -> None:
    """The starter site goes to standard output and can be used as it is; exit code 2."""
    result = run("check", DEMO[0])
    assert result.returncode == 2
    assert "--site" in result.stderr
    site = tmp_path / "site.toml"
    site.write_text(result.stdout, encoding="utf-8")
    again = run("check", DEMO[0], "--site", str(site), "-q")
    assert again.returncode in (0, 1, 3), again.stderr


def test_without_a_site_json_keeps_standard_output_clean() -> None:
    """With ``--json`` standard output is for a document only, and there is none."""
    result = run("check", DEMO[0], "--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "192.0.2.10" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "nowhere.pcap", *DEMO[1:]), "nowhere.pcap"),
        (("check", README, *DEMO[1:]), "README.md"),
        (("check", DEMO[0], "--site", "nowhere.toml"), "nowhere.toml"),
        (("check", DEMO[0], "--site", str(PCAPS / "ricoh-install.pcap")), "ricoh-install.pcap"),
        (("check", *DEMO, "--at", "nobody"), "nobody"),
        (("check", *DEMO, "--fail-on", "everything"), "--fail-on"),
        (("check", *DEMO, "-o", README), "README.md"),
        (("check",), "CAPTURE"),
        (("chek",), "check"),
        (("flows", DEMO[0], "-o", "flows.doc"), ".parquet"),
    ],
)
def test_mistakes_are_one_clear_message_and_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    """A mistake is named on standard error, without a traceback and never as code 1."""
    result = run(*arguments)
    assert result.returncode == 2, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_every_mistake_of_a_site_file_is_told_at_once(tmp_path: Path) -> None:
    """File, line and key of two mistakes come in one run."""
    site = tmp_path / "site.toml"
    site.write_text('name = "x"\nrules = ["ysoft-safeq-6"]\ncolour = 1\n[[host]]\nname = "a"\naddresses = ["nine"]\n')
    result = run("check", DEMO[0], "--site", str(site))
    assert result.returncode == 2
    assert "site.toml:3: colour" in result.stderr
    assert "nine" in result.stderr


@pytest.mark.parametrize(
    ("sample", "code"), [("healthy", 0), ("dropped", 1), ("unrelated", 3), ("nothing-decodable", 3)]
)
def test_exit_codes(sample: str, code: int) -> None:
    """0 compliant, 1 violations, 3 where nothing could be told."""
    result = run("check", str(PCAPS / f"{sample}.pcap"), "--site", str(SITES / f"{sample}.toml"), "-q")
    assert result.returncode == code, result.stdout + result.stderr


def test_fail_on_lowers_the_bar() -> None:
    """A finding below violation makes the exit code 1 if asked for."""
    arguments = ("check", str(PCAPS / "healthy.pcap"), "--site", str(SITES / "healthy.toml"), "-q")
    assert run(*arguments).returncode == 0
    assert run(*arguments, "--fail-on", "notice").returncode in (0, 1)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (RuntimeError("a bug\x1b[2J"), 2, "a fault of the analyser itself"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "not enough memory"),
        (PermissionError(13, "Permission denied", "secret.pcap"), 2, "secret.pcap: Permission denied"),
    ],
)
def test_whatever_goes_wrong_is_never_code_1(
    monkeypatch: pytest.MonkeyPatch, fault: BaseException, code: int, words: str
) -> None:
    """A bug, an interrupt or a machine at its limits is told in one line; code 1 is kept for violations."""

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(judging, "check", fail)
    result = run("check", *DEMO)
    assert (result.returncode, result.stdout) == (code, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "\x1b" not in result.stderr
