"""The second workload: scanners knock on every door of a print site. Small packets, about five a conversation.

A third of the doors refuse and are tried three times, some are open, some are probed over UDP, the others stay silent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.traffic import ACK, OPENING, RST, SYN, SYN_OPTIONS, UDP, Book, Flows, Step, lay_out, write_pcap
from samples.speech import ntp_request, opaque, snmp_get

PACKETS, FLOWS, SECONDS = 5_000_000, 1_000_000, 1200.0
SHORTEST = 64
SEED = 20_260_302

_SCANNERS = np.array([0xC6336463 + number for number in range(4)])
_SITE = np.array([0xC000020A, 0xC0000214, *(0xC6336415 + number for number in range(40))])
_FIRST_TARGET = 0x0A1E0000
_TARGETS = 4000

SITE = """# What the scan of the benchmark meets: a print server, a management server and forty printers among thousands of hosts.
name = "A scan, for the benchmark"
rules = ["ysoft-safeq-6", "infrastructure"]
features = ["server-spooling"]

[[host]]
name = "print-server"
addresses = ["192.0.2.10"]
roles = ["flexispooler"]

[[host]]
name = "management"
addresses = ["192.0.2.20"]
roles = ["management"]
""" + "".join(
    f"""
[[host]]
name = "mfd-{number}"
addresses = ["198.51.100.{20 + number}"]
roles = ["mfd"]
terminal = "none"
"""
    for number in range(1, 41)
)

_KNOCK = Step(side=0, flags=SYN, options=SYN_OPTIONS, gap=0.5)
_REFUSAL = Step(side=1, flags=RST | ACK, answers=1, fresh=True, gap=0.001)
_REFUSED = (_KNOCK, _REFUSAL) * 3
_OPEN = (*OPENING, Step(side=0, says=(b"\r\n\r\n",)), Step(side=0, flags=RST | ACK))
_PROBED = tuple(Step(side=0, says=(ntp_request()[:40], opaque(24), snmp_get(7)[:42]), gap=1.0) for _ in range(3))
_SILENT = tuple(Step(side=0, flags=SYN, options=SYN_OPTIONS, gap=gap) for gap in (0, 1, 2, 4, 8, 16, 32))
_SHARES = {"refused": 0.34, "open": 0.05, "probed": 0.08}


def make(path: Path, *, scale: float = 1.0) -> None:
    """Write the workload: PACKETS x ``scale`` packets in FLOWS x ``scale`` conversations."""
    count, packets = round(FLOWS * scale), round(PACKETS * scale)
    rng = np.random.default_rng(SEED)
    book = Book(seed=SEED, shortest=SHORTEST)
    bulk_row = book.write_bulk()
    first = [book.write(_REFUSED), book.write(_OPEN), book.write(_PROBED, UDP), book.write(_SILENT)]
    kinds = np.repeat(np.arange(3), [round(count * share) for share in _SHARES.values()])
    kinds = np.append(kinds, np.full(count - len(kinds), 3))
    steps = np.array([len(_REFUSED), len(_OPEN), len(_PROBED), 0])[kinds]
    silent = kinds == 3
    steps[silent] = _shared_out(packets - int(steps.sum()), int(silent.sum()))
    mixed = rng.permutation(count)
    kinds, steps = kinds[mixed], steps[mixed]
    zeros = np.zeros(count, dtype=np.int64)
    initiators, targets, ports = _doors(count, rng)
    flows = Flows(
        addresses=np.stack([initiators, targets], axis=1),
        ports=np.stack([32768 + np.arange(count) % 28_000, ports], axis=1),
        ttl=np.stack([np.full(count, 63), np.full(count, 64)], axis=1),
        first_row=np.array(first)[kinds], opening=steps, closing=zeros,
        bulk=zeros, bulk_side=zeros, period=zeros + 1, pace=zeros,
    )  # fmt: skip
    laid = lay_out(flows, book, bulk_row, seconds=SECONDS, seed=SEED + 1)
    write_pcap(path, flows, book, laid, seed=SEED + 2)


def _shared_out(total: int, among: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return ``among`` whole numbers as even as can be that add up to ``total``."""
    return np.diff(np.arange(among + 1) * total // among)


def _doors(count: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return scanner, target and port of every conversation; no scanner knocks twice at one door."""
    hosts = np.concatenate([_SITE, _FIRST_TARGET + np.arange(_TARGETS - len(_SITE))])
    number = rng.permutation(np.arange(count, dtype=np.int64))
    scanners = _SCANNERS[number % len(_SCANNERS)]
    number //= len(_SCANNERS)
    return scanners, hosts[number % len(hosts)], 1 + number // len(hosts) * 131 % 65_521
