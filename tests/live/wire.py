"""Two machines on a wire: network namespaces joined by a virtual cable, programs that run in them, and a capture of the cable.

Knows Linux (iproute2, tcpdump); must not know what the programs say to each other. Everything that was started is stopped and
every namespace removed, also after a failure; what an earlier run that was killed left behind is removed first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CLIENT: Final = "192.0.2.1"
SERVER: Final = "192.0.2.2"
PREFIX: Final = "anlive"
_WAIT: Final = 15.0
"""Seconds that a program has to listen."""


def missing(*programs: str) -> str | None:
    """Return why nothing can run here (no root, programs or files that are not installed), or None."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [
        name
        for name in ("ip", "tcpdump", *programs)
        if shutil.which(name, path=path) is None and not Path(name).is_file()
    ]
    return f"not installed: {', '.join(absent)}" if absent else None


@dataclass
class Wire:
    """The cable and both machines. ``folder``: where programs may write; ``capture``: what went over the cable."""

    folder: Path
    capture: Path
    names: tuple[str, str]
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, where: str, command: Sequence[str], **changes: str) -> subprocess.Popen[bytes]:
        """Start a program on a machine ("client" or "server"); it is stopped at the end. Its words go to a file."""
        log = (self.folder / f"{len(self._running)}-{Path(command[0]).name}.log").open("wb")
        program = subprocess.Popen(
            self._on(where, command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
            env=environment(changes), start_new_session=True,
        )  # fmt: skip
        self._running.append(program)
        return program

    def run(
        self, where: str, command: Sequence[str], *, words: bytes = b"", seconds: float = 30, **changes: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program on a machine to its end; what it says is returned. Its exit code is the caller's to judge."""
        return subprocess.run(
            self._on(where, command), input=words, capture_output=True, timeout=seconds, cwd=self.folder,
            env=environment(changes), check=False,
        )  # fmt: skip

    def listens(self, *ports: int, transport: str = "tcp") -> None:
        """Wait until the server's machine listens on ``ports``, without touching them."""
        until = time.monotonic() + _WAIT
        left = set(ports)
        while left and time.monotonic() < until:
            told = self.run("server", ["ss", "-Hln", "--tcp" if transport == "tcp" else "--udp"]).stdout.decode()
            left = {port for port in left if f":{port} " not in told}
            if left:
                time.sleep(0.1)
        if left:
            raise AssertionError(f"nothing listens on {sorted(left)}: {self.logs()}")

    def logs(self) -> str:
        """Return the last words of every program that was started."""
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-800:]}" for path in sorted(self.folder.glob("*.log"))
        )

    def stop(self) -> None:
        """End what was started, the last first."""
        ended(self._running)

    def _on(self, where: str, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self.names[0 if where == "client" else 1], *command]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program in the lab: in plain English, with the tools of an administrator."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "LC_ALL": "C", **changes}


def ip(*words: str, check: bool = True) -> None:
    """Change something about the network."""
    subprocess.run(["ip", *words], capture_output=True, check=check)


def ended(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """End programs and what they started, the last first."""
    for program in reversed(running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGTERM)
    for program in running:
        try:
            program.wait(3)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait(3)
        _finish(program.pid)


def _finish(group: int) -> None:
    """Wait for the programs that an ended one started; what does not end is killed."""
    until = time.monotonic() + 3
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)


def sweep(prefix: str) -> None:
    """Remove namespaces of runs whose process is gone: their names are ``prefix``, its number, and a letter."""
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name in (line.split()[0] for line in told.splitlines() if line.startswith(prefix)):
        owner = name.removeprefix(prefix)[:-1]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            ip("netns", "delete", name, check=False)


@contextlib.contextmanager
def wire(folder: Path) -> Iterator[Wire]:
    """Give two machines on a wire whose traffic is captured from the first packet on; at the end all is gone but the capture."""
    sweep(PREFIX)
    names = (f"{PREFIX}{os.getpid()}c", f"{PREFIX}{os.getpid()}s")
    made = Wire(folder, folder / "wire.pcap", names)
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "wire", "netns", names[0], "type", "veth", "peer", "name", "wire", "netns", names[1])
        for name, address in zip(names, (CLIENT, SERVER), strict=True):
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "address", "add", f"{address}/24", "dev", "wire")
            ip("-n", name, "link", "set", "wire", "up")
            ip("-n", name, "route", "add", "default", "dev", "wire")  # multicast goes there, too
            made.run(
                "client" if name == names[0] else "server",
                ["ethtool", "-K", "wire", "tx", "off", "tso", "off", "gso", "off"],
            )
        dump = made.start(
            "client",
            ["tcpdump", "-i", "wire", "-s", "0", "-U", "--immediate-mode", "-Z", "root", "-w", str(made.capture)],
        )
        until = time.monotonic() + _WAIT
        while not made.capture.exists() or not made.capture.stat().st_size:
            if time.monotonic() > until or dump.poll() is not None:
                raise AssertionError(f"tcpdump does not start: {made.logs()}")
            time.sleep(0.05)
        yield made
        time.sleep(0.5)  # the last packets are on their way to the file
    finally:
        made.stop()
        for name in names:
            ip("netns", "delete", name, check=False)
