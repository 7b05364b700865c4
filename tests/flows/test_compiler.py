"""The kernel's compiler: when it begins and ends, and that another numba still gives a kernel that counts the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyser.machine import cache, native

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
    """Who interrupts a first run leaves no process behind that goes on compiling."""
    command = [sys.executable, "-m", "analyser.machine.build", str(tmp_path), "fill", "update"]
    compiler = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    assert compiler.stdin is not None
    compiler.stdin.close()
    assert compiler.wait(timeout=60) == 1
    assert not list(tmp_path.glob("*.o"))


def test_what_is_begun_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler that a command begins early is the one that reading waits for; a warm kernel needs none."""
    started: list[tuple[str, ...]] = []

    def compilers(groups: list[list[str]]) -> list[Any]:
        started.extend(map(tuple, groups))
        return [subprocess.Popen([sys.executable, "-c", ""]) for _ in groups]

    monkeypatch.setattr(native, "_compilers", compilers)
    monkeypatch.setattr(cache, "is_warm", lambda *_: False)
    monkeypatch.setattr(cache, "load", lambda name: None if name != "update" else b"code")
    native.begin()
    native.begin()
    native.prepare()
    needed = [name for names in started for name in names]
    assert len(set(needed)) == len(needed)
    assert {"fill", "snmp", "match"} <= set(needed)
    assert "update" not in needed
    monkeypatch.setattr(cache, "is_warm", lambda *_: True)
    native.begin()
    assert len(started) == 2
