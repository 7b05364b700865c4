"""Which readers are compared, and how each is told to read a workload.

Knows other programs by their command lines only; none of them is needed by the project.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.libraries import NAMES, Libraries
from bench.measuring import Job
from bench.workloads import Workload

ANALYSER: Final = str(Path(sys.executable).with_name("analyser"))

_SLOW: Final = {("scan", "ndpiReader -q"): 2, ("office", "scapy"): 1, ("scan", "scapy"): 1}
"""What takes a minute or more, by workload and reader, and in how many rounds it is measured."""

_PROGRAMS: Final = {
    "tcpdump": (("tcpdump", "--version"), r"tcpdump version (\S+)"),
    "ndpiReader": (("ndpiReader", "-h"), r"nDPI (\S+)"),
    "softflowd": (("softflowd", "-h"), r"softflowd version (\S+?)\.?\s"),
}


def versions(libraries: Libraries) -> dict[str, str]:
    """Return the versions of the readers that are there."""
    found = {name: version for name in NAMES if (version := libraries.version(name))}
    for name, (command, pattern) in _PROGRAMS.items():
        if shutil.which(name):
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            number = re.search(pattern, said.stdout + said.stderr)
            found[name] = number[1] if number else "of unknown version"
    return found


def key(workload: Workload, reader: str) -> str:
    """Return the name under which a reader's rounds on a workload are kept."""
    return f"{workload.name}: {reader}"


def jobs(workload: Workload, tenth: Path, libraries: Libraries, sink: int) -> list[Job]:
    """Return the commands that read a workload, libraries on its first tenth.

    ``sink`` is a UDP port of this machine that takes exported flows.
    """
    file = str(workload.capture)
    never = [item for name in ("general", "tcp", "udp", "tcp.rst", "tcp.fin", "maxlife", "expint")
             for item in ("-t", f"{name}={0 if name == 'expint' else 86400}")]  # fmt: skip
    softflowd = ["softflowd", "-r", file, "-d", "-n", f"127.0.0.1:{sink}", "-m", str(2 * workload.flows), *never]
    softflowd += ["-c", "none", "-p", str(workload.capture.with_name("softflowd.pid"))]

    def job(reader: str, command: list[str], complaint: Callable[[str], str | None] | None = None) -> Job:
        program = command[0]
        return Job(
            name=key(workload, reader),
            command=command,
            packets=workload.packets,
            most=_SLOW.get((workload.name, reader)),
            missing=None if shutil.which(program) else f"{Path(program).name} is not installed",
            complaint=complaint,
        )

    return [
        job("analyser flows", [ANALYSER, "flows", file]),
        job("analyser check", [ANALYSER, "check", file, "--site", str(workload.site)]),
        job("tcpdump -w /dev/null", ["tcpdump", "-r", file, "-w", "/dev/null"]),
        job("ndpiReader -q", ["ndpiReader", "-q", "-i", file]),
        job("softflowd", softflowd, lambda said: untracked(said, workload.flows)),
        *(
            Job(
                name=key(workload, f"{name} (a tenth)"),
                command=libraries.command(name, tenth),
                packets=workload.packets // 10,
                most=_SLOW.get((workload.name, name)),
                missing=libraries.missing(name),
                complaint=lambda said: miscounted(said, workload.packets // 10),
            )
            for name in NAMES
        ),
    ]


def untracked(said: str, flows: int) -> str | None:
    """Return what softflowd's statistics hold against it: flows that it forced out, or did not see; None if nothing."""
    counts = re.search(r"Flows expired: (\d+) \((\d+) forced\)", said)
    if counts is None:
        return "no statistics"
    expired, forced = int(counts[1]), int(counts[2])
    return None if expired == flows and not forced else f"tracked {expired:,} flows, {forced:,} of them forced out"


def miscounted(said: str, packets: int) -> str | None:
    """Return what a script's answer, packets and flows, holds against it; None if nothing."""
    counted = said.split()[-2:]
    return None if counted[:1] == [str(packets)] else f"counted {' '.join(counted)} instead of {packets} packets"
