"""The command line run as a user runs it: in this process where that shows the same, else in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from analyser.cli.app import app

ROOT = Path(__file__).parents[2]
PCAPS = ROOT / "samples" / "pcaps"
SITES = ROOT / "samples" / "sites"
DEMO = (str(PCAPS / "ricoh-install.pcap"), "--site", str(SITES / "ricoh-install.toml"))

COMMAND = (sys.executable, "-m", "analyser")


@dataclass(frozen=True, slots=True)
class Run:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str) -> Run:
    """Run ``analyser`` in this process (what is imported once need not be imported again), no stream a terminal."""
    result = CliRunner().invoke(app, list(arguments), prog_name="analyser")
    return Run(result.exit_code, result.stdout, result.stderr)


def environment(**changes: str) -> dict[str, str]:
    """The environment of a plain user: no colour wishes but the given ones."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, **changes}


def run_alone(*arguments: str, **changes: str) -> Run:
    """Run ``analyser`` as a process of its own, both streams pipes."""
    result = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    return Run(result.returncode, result.stdout, result.stderr)
