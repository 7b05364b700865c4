"""Whole processes, measured: what a command takes of processor, time and memory, round by round.

Knows commands as words; it must not know what they are for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LAUNCHER: Final = Path(__file__).with_name("launch.py")
KEPT: Final = 8192
"""Characters of a command's output that are looked at, from its end."""


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds (user and system, children included), wall seconds, peak memory in MB, exit code, end of the output.

    Peak memory is that of the largest process, and not less than the launcher's own ten megabytes.
    """

    cpu: float
    wall: float
    memory: float
    code: int
    said: str = ""

    @property
    def failure(self) -> str | None:
        """Why nothing can be concluded from this run, or None. 1 and 3 are answers of ``analyser check``."""
        if self.code in {0, 1, 3}:
            return None
        last = self.said.strip().rpartition("\n")[2]
        return f"exit code {self.code}" + (f": {last[:100]}" if last else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command that is measured under a name.

    ``feeder``: a command whose output is its standard input; ``packets``: how many it reads; ``most``: rounds after which
    it is left out, for what takes minutes (it gets no warm-up either); ``empty_folder``: an environment variable that
    names a new, empty folder in every round; ``missing``: why it cannot run at all; ``complaint``: says from its output
    what makes the figures worthless.
    """

    name: str
    command: Sequence[str]
    packets: int = 0
    feeder: Sequence[str] = ()
    most: int | None = None
    empty_folder: str | None = None
    missing: str | None = None
    complaint: Callable[[str], str | None] | None = field(default=None, compare=False)


Results = Mapping[str, Sequence[Spent]]
"""By name of the job, its rounds; a job that cannot run has none."""


def measure(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, feeder: Sequence[str] = ()
) -> Spent:
    """Run a command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        source = subprocess.Popen(feeder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) if feeder else None
        launched = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(output), *command],
            stdin=source.stdout if source else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=os.environ | (environment or {}),
            check=True,
            text=True,
        )
        if source is not None and source.stdout is not None:
            source.stdout.close()
            source.wait()
        cpu, wall, kibibytes, code = launched.stdout.split()
        said = output.read_text(encoding="utf-8", errors="replace")[-KEPT:]
    return Spent(float(cpu), float(wall), int(kibibytes) * 1.024 / 1000, int(code), said)


def measure_all(jobs: Iterable[Job], rounds: int, tell: Callable[[str], None]) -> dict[str, list[Spent]]:
    """Measure jobs in turn, ``rounds`` times after a warm-up, so that what else the machine does meets all of them."""
    can_run = [job for job in jobs if job.missing is None]
    spent: dict[str, list[Spent]] = {job.name: [] for job in can_run}
    for turn in range(rounds + 1):
        for job in can_run:
            if job.most is not None and (turn == 0 or len(spent[job.name]) >= job.most):
                continue
            once = _once(job)
            tell(
                f"{turn} {job.name}: CPU {once.cpu:.2f} s, wall {once.wall:.2f} s, {once.memory:.0f} MB {once.failure or ''}"
            )
            if turn:
                spent[job.name].append(once)
    return spent


def _once(job: Job) -> Spent:
    if job.empty_folder is None:
        return measure(job.command, feeder=job.feeder)
    with tempfile.TemporaryDirectory() as folder:
        return measure(job.command, environment={job.empty_folder: folder}, feeder=job.feeder)
