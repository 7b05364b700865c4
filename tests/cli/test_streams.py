"""Terminals, pipes and interrupts: colour only where wanted, progress only where seen, quiet when the reader leaves."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, DEMO, ROOT, environment, run, run_alone

unix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals and signals of Unix")
ESCAPE = re.compile(rb"\x1b\[")


def on_a_terminal(*arguments: str, stream: str, **changes: str) -> bytes:
    """Run with one stream on a pseudo terminal and return what came there."""
    import pty

    ours, theirs = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: theirs}
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, env=environment(TERM="xterm", **changes), stdin=subprocess.DEVNULL, **streams
    )  # type: ignore[call-overload]
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 65536) if select.select([ours], [], [], 60)[0] else b""
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    process.wait(60)
    os.close(ours)
    return seen


@unix
def test_colour_on_a_terminal_and_none_where_it_is_not_wanted() -> None:
    """A terminal gets colour; NO_COLOR and pipes do not; the words are the same."""
    coloured = on_a_terminal("check", *DEMO, stream="stdout")
    plain = on_a_terminal("check", *DEMO, stream="stdout", NO_COLOR="1")
    assert ESCAPE.search(coloured)
    assert not ESCAPE.search(plain)
    assert "\x1b" not in run("check", *DEMO).stdout
    assert b"NOT COMPLIANT" in plain


@unix
def test_progress_is_shown_on_a_terminal_only() -> None:
    """Standard error shows how far the reading is while it is a terminal, and is empty otherwise."""
    assert b"ricoh-install.pcap" in on_a_terminal("flows", DEMO[0], stream="stderr")
    assert b"ricoh-install.pcap" not in on_a_terminal("flows", DEMO[0], "-q", stream="stderr")
    assert run("flows", DEMO[0]).stderr == ""


@unix
def test_a_reader_that_leaves_is_no_error() -> None:
    """``analyser check | head -1`` ends quietly, and the exit code is still the verdict."""
    process = subprocess.Popen(
        [*COMMAND, "check", *DEMO, "-v"], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 1


def test_any_encoding_takes_the_page() -> None:
    """A console that knows no ✗ gets an escape, not a traceback."""
    result = run_alone("check", *DEMO, PYTHONIOENCODING="ascii")
    assert result.returncode == 1
    assert "\\u2717" in result.stdout


def endless(capture: Path, least: int) -> bytes:
    """Return a pcap of at least ``least`` bytes: the records of ``capture``, over and over."""
    data = capture.read_bytes()
    header, records = data[:24], data[24:]
    assert struct.unpack("<I", header[:4])[0] == 0xA1B2C3D4
    return header + records * (least // len(records) + 1)


@unix
def test_ctrl_c_on_a_pipe_gives_the_report() -> None:
    """A live capture is ended by Ctrl-C, and what came until then is judged."""
    process = subprocess.Popen(
        [*COMMAND, "check", "-", *DEMO[1:]],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # More than a pipe holds: when all is written, the other end has been reading for a while.
    process.stdin.write(endless(Path(DEMO[0]), 1 << 20))
    process.stdin.flush()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    page = process.stdout.read().decode()
    assert process.wait(60) in (0, 1, 3)
    assert "Looked at" in page
    process.stdin.close()


@unix
def test_the_end_of_a_pipe_gives_the_report() -> None:
    """``tcpdump -w - | analyser check -`` judges when the pipe ends."""
    data = Path(DEMO[0]).read_bytes()
    result = subprocess.run(
        [*COMMAND, "check", "-", *DEMO[1:]], cwd=ROOT, env=environment(), input=data, capture_output=True, check=False
    )
    assert result.returncode == 1, result.stderr
    assert result.stdout.decode().startswith("NOT COMPLIANT")
    assert "standard input, 2 min 14 s" in result.stdout.decode()
