"""The lab's machines: four parts of a site, a router with a firewall between them, a capture at every port of the router.

Knows Linux (iproute2, nftables, tcpdump); must not know what is spoken. A whole part of the site is one machine that owns a prefix
of addresses, so that every case has two addresses that no other case uses. Everything is removed at the end, also after a
failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.live.settings import JGROUPS
from tests.live.wire import ended, environment, ip, missing, sweep

ROOT: Final = Path(__file__).resolve().parents[2]
PREFIX: Final = "anlab"
PROGRAMS: Final = (
    "nft", "ethtool", "openssl", "ss", "curl", "vsftpd", "snmpd", "snmpget", "slapd", "ldapsearch", "aiosmtpd", "nginx", "cupsd",
    "ipptool", "etcd", "etcdctl", "sshd", "ssh", "smbd", "smbclient", "dovecot", "lpd", "rlpr", "p910nd", "nc", "xinetd", "rdate",
    "java", JGROUPS,
)  # fmt: skip
"""What the lab itself needs, and the servers and clients of ``programs``."""


@dataclass(frozen=True)
class Zone:
    """A part of the site: its number, the TTL its machines send with, and its prefixes."""

    name: str
    number: int
    ttl: int

    @property
    def prefix(self) -> str:
        """The IPv4 prefix (RFC 2544)."""
        return f"198.{18 + self.number // 4}.{64 * (self.number % 4)}.0/18"

    @property
    def prefix6(self) -> str:
        """The IPv6 prefix (RFC 3849)."""
        return f"2001:db8:{self.number + 1:x}::/48"

    def address(self, number: int, version: int = 4) -> str:
        """Return one of its addresses."""
        if version == 6:
            return f"2001:db8:{self.number + 1:x}::{number:x}"
        # No address that might be a broadcast address of a network of 256.
        return f"198.{18 + self.number // 4}.{64 * (self.number % 4) + number // 250}.{number % 250 + 2}"

    @property
    def router(self) -> str:
        """The router's address on the link to it."""
        return f"192.0.2.{4 * self.number + 1}"

    @property
    def router6(self) -> str:
        """The same of IPv6."""
        return f"2001:db8:f{self.number:x}::1"


ZONES: Final = {
    zone.name: zone
    for zone in (Zone("office", 0, 128), Zone("devices", 1, 255), Zone("servers", 2, 128), Zone("center", 3, 64))
}
OFF: Final = "203.0.113"
"""The network beside the devices' on which nobody is: the router asks for its hosts in vain."""


def why_not() -> str | None:
    """Return why there can be no lab here, or None."""
    return missing(*PROGRAMS)


@dataclass
class Lab:
    """The site while it stands. ``folder``: plans, words of the programs, captures."""

    folder: Path
    name: str
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def machine(self, zone: str) -> str:
        """Return the name of a machine's namespace; the router is a machine too."""
        return f"{self.name}{zone[0]}"

    def capture(self, port: str) -> Path:
        """Return the file of what crossed the router's port to a zone, or any of its ports."""
        return self.folder / f"{port}.pcap"

    def own(self, zone: str, addresses: Sequence[str]) -> None:
        """Give a machine IPv6 addresses: only from such does it send errors, whatever prefix is local."""
        words = "".join(f"address add {address}/128 dev lo nodad\n" for address in addresses)
        self.run(zone, "ip", "-6", "-batch", "-", words=words)

    def reach(self, zone: str, address: str, source: str) -> None:
        """Let whatever asks an address from a machine ask it from ``source``, also programs that cannot be told."""
        ip("-n", self.machine(zone), "route", "add", address, "via", ZONES[zone].router, "src", source)

    def run(self, zone: str, *command: str, words: str = "") -> str:
        """Run a command on a machine; AssertionError with its words where it fails."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.machine(zone), *command], input=words.encode(), capture_output=True, timeout=60,
            env=environment({}), check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command[:3], done.stderr.decode()[-2000:])
        return done.stdout.decode()

    def start(self, zone: str, *command: str, log: str) -> subprocess.Popen[bytes]:
        """Start a program on a machine; it is stopped at the end."""
        with (self.folder / log).open("wb") as out, (self.folder / f"{log}.errors").open("wb") as errors:
            program = subprocess.Popen(
                ["ip", "netns", "exec", self.machine(zone), *command], stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                cwd=self.folder, env=environment({"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}), start_new_session=True,
            )  # fmt: skip
        self._running.append(program)
        return program

    def speak(self, zone: str, what: str, plan: Sequence[dict[str, Any]]) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a zone's servers or clients (``what``: "serve" or "ask"); return the program and where its words go."""
        file = self.folder / f"{what}-{zone}.json"
        file.write_text(json.dumps(list(plan)))
        log = f"{what}-{zone}.log"
        return self.start(zone, sys.executable, "-m", "tests.lab.speakers", what, str(file), log=log), self.folder / log

    def close(self) -> None:
        """Stop what runs."""
        ended(self._running)
        self._running.clear()


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """Give the site, captured at every port of its router; at the end all is gone but the files."""
    sweep(PREFIX)
    made = Lab(folder, f"{PREFIX}{os.getpid()}")
    zones = list(ZONES.values())
    names = [made.machine(zone) for zone in ("router", *ZONES)]
    try:
        for name in names:
            ip("netns", "add", name)
        _settle(made, "router", 64)
        for key in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
            made.run("router", "sysctl", "-qw", key)
        for zone in zones:
            _join(made, zone)
        ip("-n", names[0], "address", "add", f"{OFF}.1/24", "dev", "devices")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab", "-keyout", "key.pem",
             "-out", "cert.pem"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        ports = (*ZONES, "any")
        for port in ports:
            made.start(
                "router", "tcpdump", "-i", port, "-s", "0", "-U", "-B", "16384", "-Z", "root", "-w", str(made.capture(port)),
                log=f"tcpdump-{port}.log",
            )  # fmt: skip
        until(lambda: all(made.capture(port).exists() and made.capture(port).stat().st_size for port in ports))
        yield made
        time.sleep(0.5)  # the last packets are on their way to the files
    finally:
        made.close()
        for name in names:
            ip("netns", "delete", name, check=False)


def _settle(made: Lab, machine: str, ttl: int) -> None:
    """Give a machine its TTL, and let it send as many errors as it likes."""
    ip("-n", made.machine(machine), "link", "set", "lo", "up")
    keys = [
        f"net.ipv4.ip_default_ttl={ttl}", f"net.ipv6.conf.default.hop_limit={ttl}", "net.ipv6.conf.default.accept_dad=0",
        "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0", "net.ipv6.icmp.ratemask=", "net.ipv4.conf.all.rp_filter=0",
        "net.ipv4.conf.default.rp_filter=0", "net.ipv6.ip_nonlocal_bind=1", "net.ipv4.icmp_msgs_per_sec=100000",
        "net.ipv4.icmp_msgs_burst=10000",
    ]  # fmt: skip
    for key in keys:
        with contextlib.suppress(AssertionError):  # some belong to the whole machine on some kernels
            made.run(machine, "sysctl", "-qw", key)


def _join(made: Lab, zone: Zone) -> None:
    """Give a zone its machine, a link to the router, and a prefix of addresses that are all its own."""
    _settle(made, zone.name, zone.ttl)
    router, machine = made.machine("router"), made.machine(zone.name)
    macs = [f"02:00:00:00:{zone.number:02x}:{end:02x}" for end in (1, 2)]  # the router's end is 1
    ip(
        "link", "add", zone.name, "address", macs[0], "netns", router, "type", "veth",
        "peer", "name", "wire", "address", macs[1], "netns", machine,
    )  # fmt: skip
    own, own6 = f"192.0.2.{4 * zone.number + 2}", f"2001:db8:f{zone.number:x}::2"
    for where, device, addresses in (
        (router, zone.name, (f"{zone.router}/30", f"{zone.router6}/64")), (machine, "wire", (f"{own}/30", f"{own6}/64")),
    ):  # fmt: skip
        ip("-n", where, "link", "set", device, "up")
        for address in addresses:
            ip("-n", where, "address", "add", address, "dev", device, *(("nodad",) if ":" in address else ()))
    for name, device in (("router", zone.name), (zone.name, "wire")):
        made.run(name, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
    ip("-n", machine, "route", "add", "default", "via", zone.router)
    ip("-n", machine, "-6", "route", "add", "default", "via", zone.router6)
    ip("-n", machine, "route", "add", "local", zone.prefix, "dev", "lo")
    ip("-n", machine, "-6", "route", "add", "local", zone.prefix6, "dev", "lo")
    ip("-n", router, "route", "add", zone.prefix, "via", own)
    ip("-n", router, "-6", "route", "add", zone.prefix6, "via", own6)


def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait for something to be true."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "the lab does not come up"
        time.sleep(0.05)
