"""The command line run as a user runs it: a process of its own, both streams, an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PCAPS = ROOT / "samples" / "pcaps"
SITES = ROOT / "samples" / "sites"
DEMO = (str(PCAPS / "ricoh-install.pcap"), "--site", str(SITES / "ricoh-install.toml"))

COMMAND = (sys.executable, "-m", "analyser")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a plain user: no colour wishes but the given ones."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, **changes}


def run(*arguments: str, cwd: Path = ROOT, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run ``analyser`` with both streams caught, neither a terminal."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
