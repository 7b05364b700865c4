"""The kernel's compiler: what the package carries of its work, whom it works for, and that another numba still counts the same."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from analyser.machine import cache, carried
from analyser.machine.entries import entries

ROOT = Path(__file__).parents[2]

OTHERWISE = """
import sys, pathlib
from analyser.machine import build, cache
from analyser.machine.compiler import Library

def changed(self, ir_module):
    raise AttributeError("another numba")

Library.add_ir_module = changed
build.compile_into(pathlib.Path(sys.argv[1]), sys.argv[2:])
assert not build.Pipeline.lean
"""

NO_NUMBA = """
import sys
sys.modules["numba"] = None
"""

FULL = """
from analyser.machine import cache
def full(*_, **__):
    raise OSError(28, "No space left on device")
cache.tempfile.mkstemp = full
"""

UNCARRIED = """
from analyser.machine import carried
carried.is_current = lambda: False
carried.object_code = lambda name: None
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


def test_what_is_carried_is_what_the_sources_say(tmp_path: Path) -> None:
    """The package has the functions of the sources that lie beside it (else: ``make setup``), made the same each time."""
    assert carried.is_current()
    again = tmp_path / "again.zip"
    subprocess.run(
        [sys.executable, "-m", "analyser.machine.build", "--carried", again], cwd=ROOT, check=True, timeout=300
    )
    assert again.read_bytes() == carried.PLACE.read_bytes()
    with zipfile.ZipFile(again) as archive:
        assert archive.namelist() == list(entries())


def test_a_first_run_needs_no_numba(tmp_path: Path) -> None:
    """Where nothing is kept and numba is not there, a capture with tunnels is read from what the package carries."""
    assert "192.0.2.10" in run(NO_NUMBA + READ, "samples/pcaps/erspan.pcap", kept=tmp_path)
    (folder,) = tmp_path.iterdir()
    assert {"fill.o", "update.o", "opened.o"} <= {path.name for path in folder.iterdir()}


def test_where_nothing_can_be_kept_it_is_made_each_time(tmp_path: Path) -> None:
    """A full disk stops nobody: flows are the same, and no file is left."""
    sample = "samples/pcaps/erspan.pcap"
    assert run(FULL + NO_NUMBA + READ, sample, kept=tmp_path / "full") == run(READ, sample, kept=tmp_path / "kept")
    assert not [path for path in (tmp_path / "full").rglob("*") if path.is_file()]


def test_other_sources_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is carried of other sources is not loaded: it could count otherwise than they say."""
    assert carried.object_code("deal") is not None
    carried.is_current.cache_clear()
    with monkeypatch.context() as changed:
        changed.setattr(cache, "sources", lambda: "changed")
        assert not carried.is_current()
        assert carried.object_code("deal") is None
    carried.is_current.cache_clear()


def test_what_is_damaged_is_compiled(tmp_path: Path) -> None:
    """A file whose checksum does not fit, that another LLVM wrote, that is cut, or that is not there is as good as none."""
    strange, damaged, cut = (tmp_path / name for name in ("strange.zip", "damaged.zip", "cut.zip"))
    carried.write(strange, [("deal", b"BC of another LLVM"), ("orient", b"")])
    assert carried.is_current(strange)
    assert carried.object_code("deal", strange) is carried.object_code("orient", strange) is None
    whole = carried.PLACE.read_bytes()
    name = next(iter(entries()))
    for at in range(len(name) + 30, 3000, 97):  # behind the local header
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert carried.is_current(damaged)
        assert carried.object_code(name, damaged) is None
    cut.write_bytes(whole[:-1000])
    assert not carried.is_current(cut)
    assert not carried.is_current(tmp_path / "none.zip")


def test_without_it_sources_are_compiled(tmp_path: Path) -> None:
    """A checkout in which nobody ran make works as well, and counts the same."""
    sample = "samples/pcaps/ricoh-install.pcap"
    compiled = run(UNCARRIED + READ, sample, kept=tmp_path / "one")
    assert compiled == run(NO_NUMBA + READ, sample, kept=tmp_path / "other")
    assert compiled


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
    command = [sys.executable, "-m", "analyser.machine.build", "--into", str(tmp_path)]
    compiler = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said, _ = compiler.communicate("rebuild\n", timeout=60)
    assert (compiler.returncode, said.split()) == (0, ["rebuild"])
    assert [path.name for path in tmp_path.iterdir()] == ["rebuild.o"]


SHARE = """
import sys
from analyser.machine import carried, native
carried.object_code = lambda name: None
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
