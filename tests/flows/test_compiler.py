"""The kernel's compiler: a numba that is another inside must still give a kernel that counts the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

OTHERWISE = """
import sys, pathlib
from analyser.machine import build, cache
from analyser.machine.compiler import Library

def changed(self, ir_module):
    raise AttributeError("another numba")

Library.add_ir_module = changed
build.main(pathlib.Path(sys.argv[1]), sys.argv[2:])
assert not build.Pipeline.lean
"""

READ = """
import sys
from analyser.cli import main
sys.argv = ["analyser", "flows", "--json", "-q", *sys.argv[1:]]
main()
"""


def run(program: str, *arguments: str, cache: Path) -> str:
    """Run a program with a cache of its own; return what it prints."""
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "ANALYSER_CACHE": str(cache)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_numba_compiles_by_itself(tmp_path: Path) -> None:
    """Where the short way through the compiler fails, numba's own is taken, and flows are the same."""
    sample = "samples/pcaps/erspan.pcap"
    shortly = run(READ, sample, cache=tmp_path)
    (folder,) = tmp_path.iterdir()
    code = (folder / "update.o").read_bytes()
    run(OTHERWISE, str(folder), "update", cache=tmp_path)
    assert (folder / "update.o").read_bytes() != code
    assert run(READ, sample, cache=tmp_path) == shortly
    assert shortly
