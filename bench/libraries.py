"""Libraries of others that read captures, in a Python environment of the benchmark's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

NAMES: Final = ("nfstream", "dpkt", "scapy")
SCRIPTS: Final = Path(__file__).with_name("readers")


class Libraries:
    """Environment of the libraries below ``folder``, made where it is not there yet."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "libraries" / "bin" / "python"
        self._causes: dict[str, str] = {}
        if not self.python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(self.python.parents[1])], check=True)
        for name in NAMES:
            if self.version(name) is None:
                self._install(name)

    def version(self, name: str) -> str | None:
        """Return the version of a library, None where it is not there."""
        asked = f"import importlib.metadata as about; print(about.version({name!r}))"
        found = subprocess.run([self.python, "-c", asked], capture_output=True, text=True, check=False)
        return found.stdout.strip() if found.returncode == 0 else None

    def missing(self, name: str) -> str | None:
        """Return why a library cannot be used, or None."""
        return self._causes.get(name)

    def command(self, name: str, capture: Path) -> tuple[str, ...]:
        """Return the command that reads a capture with this library."""
        return str(self.python), str(SCRIPTS / f"read_{name}.py"), str(capture)

    def _install(self, name: str) -> None:
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", name]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            self._causes[name] = f"not installed: {cause(done.stderr)}"


def cause(log: str) -> str:
    """Return the last error of an installer's log, without addresses and paths."""
    errors = [line.partition("ERROR:")[2] for line in log.splitlines() if "ERROR:" in line]
    words = errors[-1].split() if errors else []
    return " ".join(word for word in words if "/" not in word) or "the installer failed"
