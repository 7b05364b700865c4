"""What is measured of the analyser alone: start-up, small files, pipes, steady rate, workers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.measuring import Job, Spent, measure
from bench.peers import ANALYSER
from bench.profile import IMPORTS, REST, STAGES
from bench.workloads import Workload

ROOT: Final = Path(__file__).parents[1]
SMALL: Final = ROOT / "samples" / "pcaps" / "ricoh-install.pcap"
SMALL_SITE: Final = ROOT / "samples" / "sites" / "ricoh-install.toml"
TIMES: Final = 8
"""How often traffic is repeated to show whether memory stays flat."""

HELP, SMALL_WARM, FIRST_RUN = "--help", "check, 352 packets", "check, 352 packets, first run"
DAYS: Final = 3
"""Days of the office in the file whose steady rate is measured: what more than one day adds."""

ONCE, LONG, CHECK = "flows, the office", f"flows, the office x {DAYS}", "check, the office"
ALONE, TOGETHER = 1, 2
"""How many workers are compared."""


def pipe(command: str, times: int) -> str:
    """Return the name under which a command that reads the scan from a pipe is kept."""
    return f"{command} - , the scan x {times}"


def working(command: str, workers: int) -> str:
    """Return the name under which a command with so many workers is kept."""
    return f"{command}, --workers {workers}"


def jobs(office: Workload, scan: Workload, days: Path) -> list[Job]:
    """Return what is measured beside the comparison; ``days`` holds the office ``DAYS`` times."""
    small = [ANALYSER, "check", str(SMALL), "--site", str(SMALL_SITE)]
    return [
        Job(name=HELP, command=[ANALYSER, "--help"]),
        Job(name=SMALL_WARM, command=small),
        Job(name=FIRST_RUN, command=small, empty_folder="ANALYSER_CACHE", complaint=unexplained),
        *(
            Job(name=working(name, workers), command=[ANALYSER, *command, "--workers", str(workers)], packets=packets)
            for name, command, packets in (
                (LONG, ["flows", str(days)], office.packets * DAYS),
                (ONCE, ["flows", str(office.capture)], office.packets),
                (CHECK, ["check", str(office.capture), "--site", str(office.site)], office.packets),
            )
            for workers in (ALONE, TOGETHER)
        ),
        *(
            Job(
                name=pipe(command, times),
                command=[ANALYSER, command, "-", *options],
                feeder=[sys.executable, "-m", "bench.records", str(scan.capture), str(times)],
                packets=scan.packets * times,
                most=1,
            )
            for command, options in (("flows", []), ("check", ["--site", str(scan.site)]))
            for times in (1, TIMES)
        ),
    ]


def compile_all() -> None:
    """Have every function of the kernel compiled, also those that only large captures need, so that no round waits for it."""
    code = "from analyser.machine import entries, native; list(map(native.kernel, entries.entries()))"
    subprocess.run([sys.executable, "-c", code], check=True)


def signatures(*capture: str) -> float | None:
    """Return the CPU seconds that all signatures take over the flows of a capture, or over a million of the dearest flows."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.signatures", *capture], capture_output=True, text=True, check=False
    )
    return float(done.stdout) if done.returncode == 0 else None


def unexplained(said: str) -> str | None:
    """Return what is missing where a first run does not say why it takes long."""
    return None if "compiling" in said else "without a word on why"


def profile(workload: Workload) -> tuple[dict[str, tuple[float, float]], Spent]:
    """Return CPU and wall seconds of ``analyser check`` by stage, and what the whole process took."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "stages.json"
        command = [sys.executable, "-m", "bench.profile", "check", str(workload.capture), "--site", str(workload.site)]
        whole = measure([*command, "--workers", "1"], environment={"BENCH_PROFILE": str(target)})
        if whole.failure:
            return {}, whole
        spent = json.loads(target.read_text(encoding="utf-8"))
    return {stage: tuple(spent[stage]) for stage in (IMPORTS, *STAGES, REST) if stage in spent}, whole
