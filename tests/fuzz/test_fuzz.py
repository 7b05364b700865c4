"""Hostile bytes for some seconds each: the same fuzzers that ``make fuzz`` runs for long, and proof that they can fail."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flows_properties.compare import kernel_reads
from tests.fuzz import guided, seeds
from tests.fuzz.native import Fuzzer, capture_of
from tests.fuzz.plain import Plain, reading_with
from tests.fuzz.targets import TARGETS, reproduce
from tests.robustness.mutants import is_pcapng

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect and limits of the address space")

ROOT = Path(__file__).parents[2]
EXECUTIONS = {"opening": 600, "flows": 60, "cut": 60, "plain": 12, "merge": 600, "site": 600, "check": 12}
"""Counted, not timed: the same inputs on every machine."""


def fuzz(target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a fuzzer under supervision, as on the command line."""
    command = [sys.executable, "-m", "tests.fuzz", target, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_hundreds_of_thousands_of_changed_captures(tmp_path: Path) -> None:
    """The compiled kernel never leaves its bytes or tables, tells each packet once, and minds no border of blocks."""
    done = fuzz("kernel", "--seed", "1", "--executions", "300000", "--seconds", "20", "--findings", str(tmp_path))
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


@pytest.mark.parametrize("target", TARGETS)
def test_changed_inputs(target: str, tmp_path: Path) -> None:
    """What a target's docstring says holds for changed inputs, within memory and time."""
    done = fuzz(
        target, "--seed", "1", "--executions", str(EXECUTIONS[target]), "--seconds", "60", "--findings", str(tmp_path)
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_the_corpus_holds() -> None:
    """What earlier runs found worth keeping is read by the kernel's machine code and by its source alike."""
    inputs = seeds.corpus()
    assert inputs
    for data in inputs:
        reproduce("plain", data)


def test_the_guided_fuzzer_reads_the_corpus_in_tables_of_four_rows() -> None:
    """What coverage guidance runs, without the guidance: interpreted, with flows expiring all the time."""
    kernel, inputs = Plain(), seeds.corpus()[:40]
    assert inputs
    for data in inputs:
        guided.one(kernel, data)


def planted(change: str) -> str:
    """Return a program that fuzzes a kernel of which one function is changed after each call, as ``change`` says."""
    return (
        "import sys, pathlib, ctypes, numpy as np\n"
        "from tests.fuzz import engine, native\n"
        "fuzzer = native.Fuzzer(1, pathlib.Path(sys.argv[1]))\n"
        f"{change}\n"
        "wrong = fuzzer.run(20000)\n"
        "print(wrong)\n"
        "sys.exit(9 if wrong else 0)\n"
    )


FAR = """
kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
place = next(n for n, item in enumerate(fuzzer._arguments) if isinstance(item, np.ndarray) and item.size == 3
             and item.dtype == np.int64 and item.min() > 1 << 20)
real = kind(int(fuzzer._arguments[place][0]))
def far(result, error, frame):
    words = (ctypes.c_int64 * 5).from_address(frame)
    {what}
    return code
changed = kind(far)
fuzzer._arguments[place][0] = ctypes.cast(changed, ctypes.c_void_p).value
"""


def plant(what: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Fuzz a kernel whose `fill` does ``what`` instead."""
    command = [sys.executable, "-c", planted(FAR.format(what=what)), str(folder / "now")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_load_too_far_is_found(tmp_path: Path) -> None:
    """A `fill` that looks at one byte behind its block kills the process, and the input at work is there to repeat it."""
    read_on = "code = real(result, error, frame); ctypes.string_at(words[2] + words[3], 1)"
    done = plant(read_on, tmp_path)
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS), done.stderr
    shared = (tmp_path / "now").read_bytes()
    assert struct.unpack_from("<q", shared)[0] > 0
    assert len(capture_of(shared, Fuzzer(1, tmp_path / "other").headers)) > 0


def test_a_packet_lost_is_found(tmp_path: Path) -> None:
    """A `fill` that drops the last packet of a batch is told by the count of packets, or as full while it is not."""
    drop = "code = real(result, error, frame); words[1] = max(words[1] - 1, 0)"
    done = plant(drop, tmp_path)
    assert done.returncode == 9, done.stdout + done.stderr
    assert any(words in done.stdout for words in ("told", "blocks", "ends elsewhere", "unknown reason"))


def test_a_load_too_far_in_the_source_is_an_error() -> None:
    """The interpreted kernel refuses a load that the compiled one would do in silence."""
    data = next(data for data in seeds.captures() if is_pcapng(data))
    kernel = Plain()

    def short(name: str) -> Any:
        function = kernel(name)
        if name != "fill":
            return function
        # The bytes end four earlier than `fill` is told: the length behind the last block lies beyond.
        return lambda buffer, end, *rest: function(buffer[: max(end - 4, 0)], end, *rest)

    with reading_with(short), pytest.raises(IndexError):
        kernel_reads([data])
