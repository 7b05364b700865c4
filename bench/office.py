"""The first workload: a working day's traffic of a print site, its clients, servers and printers.

Weights are invented, services are those that rules of the site expect; bulk data follows the openings until the workload
has its number of packets and its mean frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.traffic import (
    CLOSING,
    MSS,
    OPENING,
    TCP,
    UDP,
    VARIANTS,
    Book,
    Flows,
    Step,
    lay_out,
    write_pcap,
)
from samples import speech

PACKETS, FLOWS, FRAME, SECONDS = 2_000_000, 40_000, 900, 1200.0
SHORTEST = 60
SEED = 20_260_301

_CLIENTS = 0x0A140001 + np.arange(1500)
_SITES = np.array([0xC000020A, 0xC000020B])
_MANAGEMENT = np.array([0xC0000214])
_DIRECTORY = np.array([0xC000021E])
_RICOH = 0xC6336401 + np.arange(40)
_PLAIN = 0xC6336429 + np.arange(80)
_PRINTERS = np.concatenate([_RICOH, _PLAIN])
_OUTSIDE = 0xCB007101 + np.arange(200)


def _printer(number: int) -> str:
    embedded = number <= len(_RICOH)
    vendor, terminal = ('vendor = "ricoh"\n', "embedded") if embedded else ("", "none")
    return f"""
[[host]]
name = "mfd-{number}"
addresses = ["198.51.100.{number}"]
roles = ["mfd"]
{vendor}terminal = "{terminal}"
"""


SITE = """# The site whose day the benchmark's first workload is.
name = "An office, for the benchmark"
rules = ["ysoft-safeq-6", "infrastructure"]
features = [
  "workstation-client", "server-spooling", "online-accounting", "print-raw", "print-ipp", "print-lpr", "ldap-sync",
]

[[host]]
name = "management"
addresses = ["192.0.2.20"]
roles = ["management"]

[[host]]
name = "site-server-1"
addresses = ["192.0.2.10"]
roles = ["spooler-controller", "terminal-server", "flexispooler"]

[[host]]
name = "site-server-2"
addresses = ["192.0.2.11"]
roles = ["spooler-controller", "terminal-server", "flexispooler"]

[[host]]
name = "directory"
addresses = ["192.0.2.30"]
roles = ["ldap"]

[[network]]
name = "office"
cidr = "10.20.0.0/20"
roles = ["workstation", "flexispooler"]
""" + "".join(_printer(number) for number in range(1, len(_PRINTERS) + 1))

EXPLAINED = (
    "inter-server/management-synchronization", "inter-server/terminal-server-control", "other/ldap-tls",
    "printer-to-server/ricoh-accounting", "printer-to-server/terminal-application", "server-to-printer/ipp-delivery",
    "server-to-printer/raw-delivery", "server-to-printer/snmp-accounting", "workstation-to-server/administration-web",
    "workstation-to-server/client-jobs", "workstation-to-server/end-user-web", "workstation-to-server/lpr-jobs",
    "workstation-to-server/spooler-controller",
)  # fmt: skip
"""Rules that the workload satisfies somewhere, by table and id."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of conversation: how often, between whom, on which ports, what is said first, and who sends the bulk."""

    weight: float
    initiators: Any
    responders: Any
    ports: tuple[int, ...]
    said: tuple[tuple[int, Sequence[bytes]], ...]
    bulk_side: int = 1
    protocol: int = TCP


def _tls(name: str) -> tuple[tuple[int, Sequence[bytes]], ...]:
    hellos = [speech.tls_client_hello(f"{name}-{number}.print.example") for number in range(VARIANTS)]
    return (
        (0, hellos),
        (1, (speech.tls_server_hello(name),)),
        (0, (speech.tls_client_finish(),)),
        (1, (speech.tls_server_finish(),)),
        (0, [speech.tls_data(120 + 16 * number) for number in range(VARIANTS)]),
        (1, (speech.tls_data(),)),
    )


def _http(host: str) -> tuple[tuple[int, Sequence[bytes]], ...]:
    asked = [speech.http_request("GET", f"/jobs/{number}", host) for number in range(VARIANTS)]
    return ((0, asked), (1, (speech.http_reply(body=b"x" * 300),)))


_OPAQUE = ((0, [speech.opaque(48 + number) for number in range(VARIANTS)]), (1, (speech.opaque(64),)))
_IPP = ((0, (speech.ipp_request("printer"),)), (1, (speech.ipp_reply(),)))
_JOB = ((0, [speech.print_job()[: 200 + 8 * number] for number in range(VARIANTS)]),)
_CLIENT_JOB = ((0, (b"\x1b%-12345X@PJL JOB\n%%%SmartQ-For: someone\n" + bytes(200),)),)
_LPR = ((0, (speech.lpr_receive_job(),)), (1, (b"\0",)), (0, (b"\x02120 cfA001client\n",)), (1, (b"\0",)))
_SNMP = tuple(
    step
    for turn in range(3)
    for step in (
        (0, [speech.snmp_get(100 * turn + number + 1) for number in range(VARIANTS)]),
        (1, [speech.snmp_response(100 * turn + number + 1) for number in range(VARIANTS)]),
    )
)

KINDS = (
    Kind(0.20, _CLIENTS, _SITES, (5555,), _OPAQUE),
    Kind(0.14, _CLIENTS, _MANAGEMENT, (443,), _tls("management")),
    Kind(0.08, _CLIENTS, _SITES, (9443,), _tls("site")),
    Kind(0.04, _CLIENTS, _SITES, (9090,), _http("site")),
    Kind(0.06, _CLIENTS, _SITES, (515,), _LPR, 0),
    Kind(0.06, _CLIENTS, _SITES, (9100,), _CLIENT_JOB, 0),
    Kind(0.08, _SITES, _PRINTERS, (9100,), _JOB, 0),
    Kind(0.06, _SITES, _PRINTERS, (631,), _IPP, 0),
    Kind(0.10, _SITES, _PRINTERS, (161,), _SNMP, 0, UDP),
    Kind(0.05, _RICOH, _SITES, (5021,), _http("terminal")),
    Kind(0.03, _RICOH, _SITES, (5012,), _tls("terminal")),
    Kind(0.02, _SITES, _RICOH, (80, 8080, 64098), _http("printer"), 0),
    Kind(0.02, _SITES, _RICOH, (443, 51443), _tls("printer"), 0),
    Kind(0.02, _SITES, _MANAGEMENT, (6010,), _OPAQUE),
    Kind(0.01, _SITES, _SITES[::-1], (5556, 5557), _OPAQUE),
    Kind(0.01, _MANAGEMENT, _DIRECTORY, (636,), _tls("directory")),
    Kind(0.02, _CLIENTS, _OUTSIDE, (443,), _tls("outside")),
)


def make(path: Path, *, scale: float = 1.0) -> None:
    """Write the workload: PACKETS x ``scale`` packets in FLOWS x ``scale`` conversations."""
    count, packets = round(FLOWS * scale), round(PACKETS * scale)
    rng = np.random.default_rng(SEED)
    book = Book(seed=SEED, shortest=SHORTEST)
    bulk_row = book.write_bulk()
    first = np.array([book.write(_script(kind), kind.protocol) for kind in KINDS])
    kinds = rng.permutation(_shares(count))
    is_tcp = np.array([kind.protocol == TCP for kind in KINDS])[kinds]
    closing = np.where(is_tcp, len(CLOSING), 0)
    opening = np.array([len(_script(kind)) for kind in KINDS])[kinds] - closing
    bulk = np.zeros(count, dtype=np.int64)
    weights = rng.lognormal(0, 1.1, int(is_tcp.sum()))
    edges = np.floor(np.cumsum(weights) / weights.sum() * (packets - int((opening + closing).sum())) + 1e-6)
    bulk[is_tcp] = np.diff(edges.astype(np.int64), prepend=0)
    addresses, ports = _ends(kinds, rng)
    flows = Flows(
        addresses=addresses,
        ports=ports,
        ttl=np.where(addresses >= 0xC6336400, 63, 127),
        first_row=first[kinds],
        opening=opening,
        closing=closing,
        bulk=bulk,
        bulk_side=np.array([kind.bulk_side for kind in KINDS])[kinds],
        period=_periods(book, first[kinds], opening + closing, bulk, packets * FRAME),
        pace=rng.uniform(5, 40, count) / np.maximum(bulk, 1),
    )
    laid = lay_out(flows, book, bulk_row, seconds=SECONDS, seed=SEED + 1)
    write_pcap(path, flows, book, laid, seed=SEED + 2)


def _script(kind: Kind) -> tuple[Step, ...]:
    said = tuple(Step(side=side, says=says, gap=0.01) for side, says in kind.said)
    return said if kind.protocol == UDP else (*OPENING, *said, *CLOSING)


def _shares(count: int) -> Any:
    """Return the kind of every conversation, in order of kinds."""
    edges = np.round(np.cumsum([kind.weight for kind in KINDS]) * count).astype(np.int64)
    return np.repeat(np.arange(len(KINDS)), np.diff(edges, prepend=0))


def _ends(kinds: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return addresses and ports of every conversation. No two conversations of a client share a port."""
    addresses = np.zeros((len(kinds), 2), dtype=np.int64)
    ports = np.zeros((len(kinds), 2), dtype=np.int64)
    ports[:, 0] = 10_000 + np.arange(len(kinds)) * 7 % 50_000
    for number, kind in enumerate(KINDS):
        mine = np.flatnonzero(kinds == number)
        turn = np.arange(len(mine))
        addresses[mine, 0] = kind.initiators[turn % len(kind.initiators)]
        responders = kind.responders
        spread = turn if len(responders) == len(kind.initiators) else turn // len(kind.initiators) + turn
        addresses[mine, 1] = responders[spread % len(responders)]
        ports[mine, 1] = np.array(kind.ports)[rng.integers(0, len(kind.ports), len(mine))]
    return addresses, ports


def _periods(book: Book, first: Any, steps: Any, bulk: Any, octets: int) -> Any:
    """Return after how many packets an acknowledgement comes: three or six, so that frames have their mean length."""
    table = book.table()
    sizes = 34 + np.where(table["protocol"] == TCP, 20, 8) + table["tail"]
    scripted = sum(
        int(sizes[row + VARIANTS * step]) * int(((first == row) & (steps > step)).sum())
        for row in np.unique(first)
        for step in range(int(steps[first == row].max()))
    )
    full, bare = 54 + MSS, SHORTEST
    few, many = (2 * full + bare) / 3, (5 * full + bare) / 6
    wanted = (octets - scripted - few * bulk.sum()) / (many - few)
    return np.where(np.cumsum(bulk) <= wanted, 6, 3)
