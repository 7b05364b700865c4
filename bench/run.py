"""Measure the analyser beside other readers: ``python -m bench.run [FOLDER] [--rounds N] [--scale S] [--output FILE]``.

Workloads and the environment of other libraries are made in FOLDER and kept there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench import own, peers
from bench.libraries import Libraries
from bench.measuring import Job, Spent, measure_all
from bench.page import job_table, remarks_of, stage_table, target_table, with_remarks
from bench.records import first_packets, repeated
from bench.targets import targets
from bench.workloads import Workload, default_folder, workloads

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"

ABOUT: Final = """\
How fast captures are read and judged, beside other readers. `make bench` measures and writes this page."""
OFFICE: Final = """\
A working day of clients, servers and printers: handshakes, first messages as the products speak them, then bulk.
Libraries for Python read the first tenth."""
SCAN: Final = """\
Scanners knock on every door: small packets, five a conversation. Libraries for Python read the first tenth."""
ALONE: Final = f"""\
The steady rate is that of the office's further days in one file: their packets by the seconds that they add, CPU seconds with
one worker, seconds by the clock where two are compared with one. What comes {own.TIMES} times through a pipe is later by the length of
the capture each time."""
STAGES: Final = """\
One run of `analyser check` per workload, functions of each stage wrapped from outside: `python -m bench.profile`."""


def tell(words: str) -> None:
    """Show what happens while figures are gathered."""
    print(words, file=sys.stderr, flush=True)


def conditions(rounds: int, scale: float, versions: Mapping[str, str]) -> str:
    """Return what the figures depend on."""
    trial = [] if scale == 1 else [f"- **a trial with {scale:.0%} of the packets**: targets are meant for all of them"]
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    machine = f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores"
    system = f"{platform.system()} {platform.release()}; Python {platform.python_version()}"
    others = sorted(versions.items(), key=lambda item: item[0].lower())
    return "\n".join(
        [
            *trial,
            f"- {dt.datetime.now(dt.UTC):%Y-%m-%d}; {machine}; {system}",
            f"- beside the analyser: {', '.join(f'{name} {version}' for name, version in others)}",
            f"- {rounds} rounds after a warm-up, readers in turn, files in the page cache: medians, least and most in brackets;",
            "  a figure without brackets is of one round",
            "- CPU is user and system time of a process and its children; peak memory is that of its largest process",
        ]
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _size(workload: Workload) -> str:
    size = workload.capture.stat().st_size / 1e6
    return f"{workload.packets:,} packets, {workload.flows:,} flows, {size:,.0f} MB"


def measured(folder: Path, rounds: int, scale: float) -> str:
    """Measure everything and return the page, without remarks."""
    begun = time.perf_counter()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled once, not in every run
    tell(f"workloads and libraries, kept in {folder}")
    both = workloads(folder, scale=scale)
    office, scan = both
    libraries = Libraries(folder)
    own.compile_all()
    days = repeated(office.capture, folder / f"office-{own.DAYS}.pcap", own.DAYS)
    spent: dict[str, list[Spent]] = {}
    compared: dict[str, list[Job]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        for workload in both:
            tenth = first_packets(workload.capture, folder / f"{workload.name}-tenth.pcap", workload.packets // 10)
            compared[workload.name] = peers.jobs(workload, tenth, libraries, sink.getsockname()[1])
            spent |= measure_all(compared[workload.name], rounds, tell)
    alone = own.jobs(office, scan, days)
    spent |= measure_all(alone, rounds, tell)
    stages = {workload.name: own.profile(workload) for workload in both}
    tell(f"{time.perf_counter() - begun:.0f} s in all")
    parts = (
        "# Benchmarks",
        ABOUT,
        conditions(rounds, scale, peers.versions(libraries)),
        "## Targets",
        target_table(targets(spent, office.packets, own.signatures(str(scan.capture)), own.signatures())),
        f"## Office: {_size(office)}",
        OFFICE,
        job_table("reader", compared["office"], spent),
        f"## Scan: {_size(scan)}",
        SCAN,
        job_table("reader", compared["scan"], spent),
        "## The analyser alone",
        ALONE,
        job_table("command", alone, spent),
        "## Where the time goes",
        STAGES,
        stage_table(stages),
    )
    return "\n\n".join(parts)


def main() -> None:
    """Measure, print the page and write it; a trial at another scale is only printed."""
    parser = argparse.ArgumentParser(description="Measure the analyser beside other readers.")
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument(
        "--output", type=Path, help="default: docs/benchmarks.md, and nowhere with another scale than 1"
    )
    asked = parser.parse_args()
    page = measured(asked.folder, asked.rounds, asked.scale)
    print(page)
    output = asked.output or (PAGE if asked.scale == 1 else None)
    if output is not None:
        old = output.read_text(encoding="utf-8") if output.exists() else ""
        output.write_text(with_remarks(page, remarks_of(old)), encoding="utf-8")


if __name__ == "__main__":
    main()
