"""``python -m tests.fuzz TARGET [--seed N] [--executions N] [--seconds S]``: run one fuzzer under supervision.

The fuzzer runs in a process of its own with its memory capped. If it fails, dies or stands still, the input at work is
kept as a file and the command that repeats it is printed. Exit code 0: nothing found.
"""

from __future__ import annotations

import argparse
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final

from tests.fuzz.native import NOW, Fuzzer, capture_of, headers
from tests.fuzz.targets import TARGETS, reproduce

NATIVE: Final = "kernel"
MEMORY: Final = 4 << 30
"""Address space of a fuzzing process, compilers and thread pools included."""
STILL: Final = 60.0
"""Seconds in which at least one execution must be done (the first includes start-up and compiling)."""
FOUND: Final = 9
AT_ONCE: Final = 20_000
PRINTED: Final = 30.0


def work(target: str, seed: int, executions: int, seconds: float, shared: Path, keep: Path | None) -> int:
    """Fuzz; the process that may die of it. Returns the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    end = time.monotonic() + seconds
    return (
        native(seed, executions, end, shared, keep)
        if target == NATIVE
        else python(target, seed, executions, end, shared)
    )


def native(seed: int, executions: int, end: float, shared: Path, keep: Path | None) -> int:
    """Run the native fuzzer."""
    fuzzer = Fuzzer(seed, shared)
    done, frames, flows, splits = 0, 0, 0, 0
    began = printed = time.monotonic()
    while done < executions and time.monotonic() < end:
        count = min(AT_ONCE, executions - done)
        wrong = fuzzer.run(count)
        done += count
        frames, flows, splits = (a + int(b) for a, b in zip((frames, flows, splits), fuzzer.sums, strict=True))
        if wrong:
            print(f"{NATIVE}: {wrong}")
            return FOUND
        if time.monotonic() - printed > PRINTED or done >= executions or time.monotonic() >= end:
            printed = time.monotonic()
            print(
                f"{NATIVE}: {done} executions in {printed - began:.0f} s, {frames} packets, {flows} in flows, {splits} read"
                f" a second time in other blocks, {fuzzer.entries} inputs kept for {int(fuzzer.features.sum())} features",
                flush=True,
            )
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(fuzzer.inputs()):
            (keep / f"{number:05}").write_bytes(data)
    return 0


def python(target: str, seed: int, executions: int, end: float, shared: Path) -> int:
    """Run a fuzzer of :mod:`tests.fuzz.targets`."""
    rng = random.Random(seed)
    done, longest = 0, 0.0
    began = time.monotonic()
    while done < executions and time.monotonic() < end:
        data = TARGETS[target][1](rng)
        done += 1
        shared.write_bytes(struct.pack("<qqq", done, len(data), 0) + data)
        before = time.monotonic()
        try:
            reproduce(target, data)
        except Exception:  # noqa: BLE001  whatever it is, it is the finding
            traceback.print_exc()
            return FOUND
        longest = max(longest, time.monotonic() - before if done > 1 else 0.0)
    print(
        f"{target}: {done} executions in {time.monotonic() - began:.0f} s, the longest took {longest:.2f} s", flush=True
    )
    return 0


def supervise(target: str, command: list[str], shared: Path, findings: Path) -> int:
    """Run the fuzzing process; keep its input and say how to repeat it if it did not end well."""
    process = subprocess.Popen([*command, "--shared", str(shared)])
    before, moved, told = b"", time.monotonic(), "ended with"
    while process.poll() is None:
        time.sleep(0.2)
        now = shared.read_bytes()[:8] if shared.exists() else b""
        if now != before:
            before, moved = now, time.monotonic()
        elif time.monotonic() - moved > STILL:
            told = f"stood still for {STILL:.0f} s and was ended:"
            process.kill()
            process.wait()
    if process.returncode == 0:
        return 0
    print(f"{target}: {told} {process.returncode}", flush=True)
    if shared.exists() and shared.stat().st_size >= NOW:
        data = shared.read_bytes()
        _, length, _ = struct.unpack_from("<qqq", data)
        found = capture_of(data, headers()) if target == NATIVE else data[NOW : NOW + length]
        findings.mkdir(parents=True, exist_ok=True)
        path = findings / f"{target}-{random.SystemRandom().randrange(1 << 32):08x}"
        path.write_bytes(found)
        print(f"the input was kept; repeat it with: python -m tests.fuzz.replay {target} {path}", flush=True)
    return 1


def main() -> int:
    """Read the command line, then fuzz or supervise."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz one target.")
    parser.add_argument("target", choices=[NATIVE, *TARGETS])
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same inputs")
    parser.add_argument("--executions", type=int, default=1 << 62, help="stop after so many")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--findings", type=Path, default=Path("findings"), help="folder for inputs that fail")
    parser.add_argument("--keep", type=Path, help="folder for the native fuzzer's corpus")
    parser.add_argument("--shared", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.shared:
        return work(given.target, given.seed, given.executions, given.seconds, given.shared, given.keep)
    with tempfile.TemporaryDirectory(prefix="analyser-fuzz-") as folder:
        command = [sys.executable, "-m", "tests.fuzz", *sys.argv[1:]]
        return supervise(given.target, command, Path(folder) / "now", given.findings)


if __name__ == "__main__":
    sys.exit(main())
