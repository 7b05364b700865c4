"""``analyser explain`` and the evidence that ``check -o`` writes: from a finding back to its packets."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import COMMAND, DEMO, PCAPS, ROOT, SITES, run, run_alone

REFUSED = (str(PCAPS / "application-refused.pcap"), "--site", str(SITES / "application-refused.toml"))
BLOCKED = "72af5cd970"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``check -o`` writes of the demo."""
    folder = tmp_path_factory.mktemp("out")
    run("check", *DEMO, "-o", str(folder), "-q")
    return folder


def tshark(path: Path, *fields: str) -> list[list[str]]:
    """Return fields of each frame as tshark reads them."""
    wanted = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-T", "fields", *wanted], capture_output=True, text=True, check=True
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_every_finding_that_weighs_has_its_packets(out: Path) -> None:
    """One pcapng per finding with frames; each frame has a comment that names finding, state and where it was."""
    document = json.loads((out / "report.json").read_bytes())
    told = {
        entry["id"]: sorted(
            {frame for port in entry["ports"] for proof in port["evidence"] for frame in proof["frames"]}
        )
        for entry in document["verdicts"]
        if entry["severity"] != "ok"
    }
    told = {name: frames for name, frames in told.items() if frames}
    assert BLOCKED in told
    assert {path.stem for path in (out / "evidence").iterdir()} == told.keys()
    for name, frames in told.items():
        rows = tshark(out / "evidence" / f"{name}.pcapng", "frame.comment", "frame.time_epoch")
        assert len(rows) == len(frames)
        original = dict(tshark(PCAPS / "ricoh-install.pcap", "frame.number", "frame.time_epoch"))
        for frame, (comment, when) in zip(frames, rows, strict=True):
            assert comment.startswith(name)
            assert f"(frame {frame} of " in comment
            assert original[str(frame)] == when
    assert "TCP 51443 blocked, no-answer" in "".join(
        row[0] for row in tshark(out / "evidence" / f"{BLOCKED}.pcapng", "frame.comment")
    )


def test_evidence_holds_no_payload(out: Path) -> None:
    """Frames end behind their headers, and say how long they were."""
    rows = tshark(out / "evidence" / f"{BLOCKED}.pcapng", "frame.len", "frame.cap_len", "tcp.hdr_len", "tcp.len")
    assert any(int(length) > int(caught) for length, caught, _, _ in rows)
    assert all(int(caught) == 34 + int(header) for _, caught, header, _ in rows)


def test_a_pipe_cannot_be_read_again(tmp_path: Path) -> None:
    """What came through standard input gives a report and no evidence, and the message says so."""
    done = subprocess.run(
        [*COMMAND, "check", "-", *DEMO[1:], "-o", str(tmp_path / "out")],
        input=Path(DEMO[0]).read_bytes(),
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1
    assert b"no evidence from -: it is no file that can be read a second time" in done.stderr
    assert not (tmp_path / "out" / "evidence").exists()


def explained(*arguments: str) -> Any:
    """Run ``explain`` and return what it left behind."""
    return run("explain", *arguments)


def test_a_finding_is_decoded_packet_by_packet() -> None:
    """Sentence, filter, frames under their own numbers, and each layer of each packet."""
    result = explained(DEMO[0], BLOCKED, *DEMO[1:], "-q")
    assert result.returncode == 0, result.stderr
    page = result.stdout
    assert page.startswith(BLOCKED)
    assert "ip.addr==192.0.2.10 && ip.addr==198.51.100.21 && tcp.port==51443" in page
    block = page.split("frame 112 of ricoh-install.pcap")[1].split("\n\n")[0]
    assert "TCP 51443 blocked, no-answer" in block
    for line in ("Internet Protocol Version 4, Src: 192.0.2.10", "Destination Port: 51443", "Syn: Set"):
        assert line in block


def test_a_report_is_enough(out: Path, tmp_path: Path) -> None:
    """``--report`` judges nothing again; the capture may lie elsewhere by now, the id may be short."""
    moved = tmp_path / "ricoh-install.pcap"
    shutil.copy(DEMO[0], moved)
    report = str(out / "report.json")
    here, there = explained(BLOCKED[:4], "--report", report), explained(str(moved), BLOCKED, "--report", report)
    assert here.returncode == there.returncode == 0
    assert here.stdout == there.stdout
    assert "frame 112 of" in here.stdout


def test_faults_come_before_what_works(out: Path) -> None:
    """Of a finding with many packets those are decoded that show the fault."""
    result = explained(BLOCKED, "--report", str(out / "report.json"))
    for frame in (112, 114, 229, 230):
        assert f"\nframe {frame} of" in result.stdout
    assert "more frames are not shown" in result.stderr


def test_codes_are_shown_and_words_are_not() -> None:
    """Of an application its codes are told (FTP 530, HTTP 401); what a user typed is counted as left out."""
    found = json.loads(run("check", *REFUSED, "--json").stdout)
    ids = [entry["id"] for entry in found["verdicts"] if entry["verdict"] == "failing"]
    assert len(ids) == 2
    pages = [explained(REFUSED[0], name, *REFUSED[1:], "-q").stdout for name in ids]
    assert any("Status Code: 401" in page for page in pages)
    assert any("Response code: Not logged in (530)" in page for page in pages)
    for page in pages:
        assert "left out)" in page
        assert "Request URI" not in page
        assert "USER " not in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((DEMO[0], "zzz", *DEMO[1:]), "zzz: is no finding of this report"),
        ((DEMO[0], BLOCKED), "explain needs"),
        ((BLOCKED, *DEMO[1:]), "explain needs"),
        ((BLOCKED, "--report", str(PCAPS / "ricoh-install.pcap")), "no report of analyser check --json"),
        ((BLOCKED, "--report", "nowhere.json"), "cannot be read"),
        ((DEMO[0], BLOCKED, *DEMO[1:], "--report", "x"), "explain needs"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_says_what_to_do(arguments: tuple[str, ...], said: str) -> None:
    """No such finding, no site and no report, something that is no report: one message, exit code 2."""
    result = explained(*arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_without_tshark_it_says_so_and_shows_the_rest() -> None:
    """The filter can be pasted all the same; the message names what to install; exit code 2."""
    result = run_alone("explain", DEMO[0], BLOCKED, *DEMO[1:], "-q", PATH="/nowhere")
    assert result.returncode == 2
    assert "tshark is not installed" in result.stderr
    assert "tcp.port==51443" in result.stdout
    assert "frame 112 of" in result.stdout


def test_a_capture_that_changed_is_not_explained_away(out: Path, tmp_path: Path) -> None:
    """Frames that the capture no longer has are told as not found."""
    short = tmp_path / "ricoh-install.pcap"
    short.write_bytes(Path(DEMO[0]).read_bytes()[:2000])
    result = explained(str(short), BLOCKED, "--report", str(out / "report.json"))
    assert "not found in the capture again" in result.stdout


def test_a_folder_holds_no_proof_and_no_request_of_an_earlier_run(out: Path, tmp_path: Path) -> None:
    """What a later report no longer finds is removed from its folder; files of other names stay."""
    folder = tmp_path / "nightly"
    run("check", *DEMO, "-o", str(folder), "-q")
    assert {path.name for path in (folder / "requests").iterdir()} == {
        "aerleon.yaml",
        "cisco.acl",
        "nftables.nft",
        "windows.ps1",
    }
    (folder / "evidence" / "mine.pcapng").write_bytes(b"kept")
    healthy = (str(PCAPS / "healthy.pcap"), "--site", str(SITES / "healthy.toml"))
    run("check", *healthy, "-o", str(folder), "-q")
    document = json.loads((folder / "report.json").read_bytes())
    told = {entry["id"] for entry in [*document["verdicts"], *document["unexpected"]]}
    assert {path.stem for path in (folder / "evidence").iterdir()} <= {*told, "mine"}
    assert (folder / "evidence" / "mine.pcapng").exists()
    assert list((folder / "requests").iterdir()) == []


def test_one_frame_is_told_as_one() -> None:
    """Where an announcement stands in a single frame, the line below its filter says so."""
    shown = run(
        "explain", "-q", str(PCAPS / "sql-browser.pcap"), "6c4f331cc7", "--site", str(SITES / "sql-browser.toml")
    )
    assert "\n   frame 2 of sql-browser.pcap\n" in shown.stdout


def test_a_beginning_of_several_ids_names_them_and_claims_nothing_of_them() -> None:
    """Among them are rules that do not apply, of which there is no packet."""
    result = run("explain", DEMO[0], "c", *DEMO[1:], "-q")
    assert result.returncode == 2
    assert "c: fits several findings: c" in result.stderr
    assert "with packets" not in result.stderr
