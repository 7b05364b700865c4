"""The output that the README shows: run, compared, and on request written anew (``make renew``)."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

_SHOWN = re.compile(
    r"(?P<fence>```console\n\$ analyser (?P<arguments>[^\n]+)\n)(?P<output>.*?)(?P<end>```\n)", re.DOTALL
)
_WHEN = re.compile(r"^(analyser \S+), \S+$", re.MULTILINE)


def shown() -> list[tuple[str, str]]:
    """Return each command of the README with the output that stands below it."""
    return [(match["arguments"], match["output"]) for match in _SHOWN.finditer(README.read_text(encoding="utf-8"))]


def printed(arguments: str) -> str:
    """Run a command from the project's folder and return what it prints, without the time at which it ran."""
    command = [sys.executable, "-m", "analyser", *shlex.split(arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    return _WHEN.sub(r"\1", result.stdout)


def renew() -> None:
    """Write the real output below each command of the README."""
    text = README.read_text(encoding="utf-8")
    README.write_text(
        _SHOWN.sub(lambda match: match["fence"] + printed(match["arguments"]) + match["end"], text), encoding="utf-8"
    )


if __name__ == "__main__":
    renew()
