"""Hostile bytes cannot make the kernel read beyond what was captured."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the fuzzer in a process of its own, which a read beyond the edge may kill."""
    command = [sys.executable, "-m", "tests.flows_properties.fuzz", *arguments]
    return subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300, check=False
    )


def test_the_guard_page_bites() -> None:
    """Reading one byte behind the edge kills the process: otherwise the next test would prove nothing."""
    assert run("overrun").returncode in (-signal.SIGSEGV, -signal.SIGBUS)


def test_mutated_records_never_read_beyond_their_bytes() -> None:
    """Damaged headers, lengths and framings on every link type: the process survives, and flows come out of it."""
    seed = random.SystemRandom().randrange(2**31)
    done = run(str(seed), "5")
    assert done.returncode == 0, f"seed {seed}: {done.stdout}\n{done.stderr[-2000:]}"
    captures, flows = (int(word) for word in done.stdout.split()[-3::2])
    assert captures >= 200
    assert flows > 0
