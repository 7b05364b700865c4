"""Names that strangers choose (TLS server names, file names, names in a site file) steer no terminal and no spreadsheet."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.story import Story
from samples.talk import tcp
from tests.cli.running import run, run_alone

NAMES = (
    "printer.example.org",
    "=cmd|'/C calc'!A0",
    "\x1b[2Jred\x07",
    "\u202egpj.exe",
    "a\r\nb\tc\0d",
    "<script>x</script>",
    "@SUM(1)",
    "\x9b31m",
    "\ufeff\u2066x\U000e0041",
)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
SITE = """
name = {name}
features = ["server-spooling"]
[[host]]
name = {host}
addresses = ["192.0.2.10"]
roles = ["site-server"]
[[host]]
name = "mfd\\u202e1"
addresses = ["198.51.100.21"]
roles = ["mfd"]
vendor = "ricoh"
[[waiver]]
rule = "not-in-matrix"
reason = {name}
owner = {host}
expires = 2999-01-01
"""


def capture(names: tuple[str, ...]) -> bytes:
    """Tell of a server that asks a printer for pages under strange names."""
    story = Story()
    for number, name in enumerate(names):
        talk = tcp(story, SERVER, printer(1), 443, at=1.0 + 5 * number)
        talk.open()
        talk.say(speech.tls_client_hello(name))
        talk.answer(speech.tls_server_hello())
        talk.say(speech.tls_client_finish())
        talk.close()
    plays.http(story, SERVER, printer(1), 4711, at=60.0)
    return story.render()


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a capture and a site whose names, and whose file names, are hostile."""
    folder = tmp_path_factory.mktemp("strange")
    pcap = folder / ("=cmd|x.pcap" if sys.platform == "win32" else "=cmd|\x1b[31m\u202ex\n.pcap")
    pcap.write_bytes(capture(NAMES))
    site = folder / "site.toml"
    site.write_text(
        SITE.format(name=json.dumps(NAMES[2] + NAMES[3]), host=json.dumps(NAMES[1] + NAMES[4])), encoding="utf-8"
    )
    return pcap, site


def test_server_names_reach_the_table(strange: tuple[Path, Path]) -> None:
    """A server name that could be one is shown; what cannot be the name of a host is none."""
    lines = [json.loads(line) for line in run("flows", "--json", str(strange[0])).stdout.splitlines()]
    assert {line["server_name"] for line in lines} == {"printer.example.org", None}
    assert sum(line["service"] == "tls" for line in lines) == len(NAMES)


@pytest.mark.parametrize(
    "arguments",
    [("check", "--site"), ("check", "-v", "--site"), ("check", "-q", "--site"), ("check", "--json", "--site"), ("check",), ("flows",), ("flows", "--json")],
    ids=" ".join,
)  # fmt: skip
def test_nothing_steers_a_terminal(arguments: tuple[str, ...], strange: tuple[Path, Path]) -> None:
    """Neither stream of any command has a control character (but line feeds and tabs) or a hidden change of direction."""
    pcap, site = strange
    result = run(*arguments, *([str(site)] if "--site" in arguments else []), str(pcap))
    assert result.returncode in (0, 1, 2, 3)
    assert UNSAFE.findall(result.stdout + result.stderr) == []


def test_files_written_steer_nothing(strange: tuple[Path, Path], tmp_path: Path) -> None:
    """CSV has no formula and no control character; conn.log one line a flow; the page none either."""
    pcap, site = strange
    for ending in ("csv", "log", "jsonl"):
        assert run("flows", str(pcap), "-o", str(tmp_path / f"flows.{ending}")).returncode == 0
        assert UNSAFE.findall((tmp_path / f"flows.{ending}").read_text(encoding="utf-8")) == []
    with (tmp_path / "flows.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not cell[1:2].isdigit()] == []
    rows = [
        line for line in (tmp_path / "flows.log").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert len({row.count("\t") for row in rows}) == 1
    run("check", str(pcap), "--site", str(site), "-o", str(tmp_path / "out"))
    for name in ("report.txt", "report.json"):
        assert UNSAFE.findall((tmp_path / "out" / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["no\x1b[31msuch\u202e.pcap", "[x\x07]*.pcap", "a\nb"])
def test_messages_about_files_that_are_not_there(name: str) -> None:
    """An error names the file as it was typed, made visible, with exit 2."""
    result = run("check", name, "--site", name)
    assert result.returncode == 2
    assert UNSAFE.findall(result.stderr) == []
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names that are no text exist on Linux only")
def test_a_file_name_that_is_no_text(strange: tuple[Path, Path], tmp_path: Path) -> None:
    """A capture whose name is not UTF-8 is read like any other; its report, JSON and tables can be written."""
    target = tmp_path / os.fsdecode(b"b\xff\xfe.pcap")
    target.write_bytes(strange[0].read_bytes())
    site = str(strange[1])
    for arguments in (
        ("check", "--site", site), ("check", "--json", "--site", site), ("check",), ("flows",), ("flows", "--json"),
        ("check", "--site", site, "-o", str(tmp_path / "out")), ("flows", "-o", str(tmp_path / "f.csv")),
        ("flows", "-o", str(tmp_path / "f.parquet")), ("flows", "-o", str(tmp_path / "f.log")),
    ):  # fmt: skip
        result = (run_alone if arguments == ("flows",) else run)(*arguments, str(target))
        assert "fault of the analyser" not in result.stderr, (arguments, result.stderr)
        assert result.returncode in (0, 1, 3) or arguments == ("check",), (arguments, result.stderr)
