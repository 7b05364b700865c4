"""The kernel's compiler: whom it works for, and that another numba still gives a kernel that counts the same."""

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


def run(program: str, *arguments: str, kept: Path) -> str:
    """Run a program with a cache of its own; return what it prints."""
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "ANALYSER_CACHE": str(kept)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_numba_compiles_by_itself(tmp_path: Path) -> None:
    """Where the short way through the compiler fails, numba's own is taken, and flows are the same."""
    sample = "samples/pcaps/erspan.pcap"
    shortly = run(READ, sample, kept=tmp_path)
    (folder,) = tmp_path.iterdir()
    code = (folder / "update.o").read_bytes()
    run(OTHERWISE, str(folder), "update", kept=tmp_path)
    assert (folder / "update.o").read_bytes() != code
    assert run(READ, sample, kept=tmp_path) == shortly
    assert shortly


def test_a_compiler_ends_with_who_asked_for_it(tmp_path: Path) -> None:
    """Who interrupts a first run leaves no process behind that goes on to the next function."""
    command = [sys.executable, "-m", "analyser.machine.build", str(tmp_path)]
    compiler = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said, _ = compiler.communicate("rebuild\n", timeout=60)
    assert (compiler.returncode, said.split()) == (0, ["rebuild"])
    assert [path.name for path in tmp_path.iterdir()] == ["rebuild.o"]


SHARE = """
import sys
from analyser.machine import native
real = native.subprocess.Popen
def start(command, **how):
    return real([sys.executable, "-c", sys.argv[1]], **how)
native.subprocess.Popen = start
native.prepare()
"""
"""Have each compiler be another program: ``argv[1]``."""


def test_compilers_share_what_is_left(tmp_path: Path) -> None:
    """Two compilers get each function once, the two dearest by different ones."""
    dealt = tmp_path / "dealt"
    answer = f"import os, sys\nfor n in sys.stdin: open({str(dealt)!r}, 'a').write(f'{{os.getpid()}} {{n}}'); print(n, end='', flush=True)"
    run(SHARE, answer, kept=tmp_path / "cache")
    told = [line.split() for line in dealt.read_text(encoding="utf-8").splitlines()]
    assert sorted(name for _, name in told) == ["fill", "formats", "match", "orient", "rebuild", "snmp", "update"]
    assert len({process for process, name in told if name in {"fill", "update"}}) == 2


def test_nobody_waits_for_a_compiler_that_died(tmp_path: Path) -> None:
    """Where compilers end at once, preparing ends as well: what is missing is compiled where it is wanted."""
    run(SHARE, "raise SystemExit(1)", kept=tmp_path)
