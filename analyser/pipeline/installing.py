"""One terminal's installation without a site file: a site of two machines, whose addresses are given or found in the traffic.

Knows rule packs, sites and flows; how the answer looks is known by ``report``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import polars as pl

from analyser.model.capture import InputError
from analyser.model.finding import ReportDocument, Severity
from analyser.model.rule import Rule, RulePack
from analyser.model.site import Host, Site
from analyser.model.vocabulary import SHORT_NAMES, VENDORS
from analyser.pipeline import judging
from analyser.pipeline.expecting import expected_rows
from analyser.pipeline.reading import Progress, flows
from analyser.policy.inventory import read_address
from analyser.policy.packs import DEFAULT_PACKS, load_pack

HARDWARE: Final = (
    "terminal-professional",
    "terminal-ultralight",
    "terminal-pro-4",
    "hardware-appliance",
    "mobile-terminal",
)
"""Terminals that are devices of their own, by their roles."""

DEVICES: Final = (*VENDORS, *HARDWARE)

SERVER: Final = "server"
_COMMON: Final = frozenset({21, 22, 37, 80, 161, 389, 443, 8080})
"""Ports that say little of who uses them."""
_TELLING: Final = 4
_LEAST: Final = 3
"""What a pair must have used to be taken for the two that are meant: two common ports are not enough."""
_STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Installation:
    """What was asked of which two machines, and the report. ``found``: a sentence where addresses were found, not given.

    ``steps``: titles of the rules that concern the device by their ids, in the order of an installation.
    """

    device: str
    terminal: str
    server: str
    printer: str
    found: str | None
    steps: dict[str, str]
    document: ReportDocument


def install(
    device: str,
    captures: Sequence[str],
    *,
    servers: Sequence[str] = (),
    printers: Sequence[str] = (),
    terminal: str = "embedded",
    fail_on: Severity = Severity.VIOLATION,
    workers: int | None = None,
    digests: bool = True,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> Installation:
    """Judge the rules of one device's installation.

    Args:
        device: a vendor, or a terminal that is a device of its own (DEVICES).
        captures: as for :func:`analyser.pipeline.judging.check`.
        servers: the addresses of one server, a virtual one too: whichever answers will do. Found in the traffic if none is given.
        printers: the device's addresses; found in the traffic if none is given.
        terminal: ``embedded`` or ``native``, of a vendor's device.
        fail_on: as for ``check``.
        workers: as for ``check``.
        digests: as for ``check``.
        progress: as for ``check``.
        notice: as for ``check``.

    Raises:
        InputError: an unknown device, an address that is none, captures that cannot be read or show no such pair, or several.
    """
    if device not in DEVICES:
        raise InputError(device, f"no vendor or terminal that is known; expected one of {', '.join(DEVICES)}")
    near, far = (_addresses(words, option) for words, option in ((servers, "--server"), (printers, "--printer")))
    if set(near) & set(far):
        raise InputError("--server", f"{', '.join(sorted(set(near) & set(far)))} is the printer's address too")
    pack = load_pack(DEFAULT_PACKS[0])
    steps = _steps(pack, device, terminal)
    found = None
    if not near or not far:
        near, far, found = _find(captures, steps, near, far, workers, progress, notice)
    run = judging.check(
        captures, site=_site(device, terminal, near, far), only=frozenset(rule.id for rule in steps), fail_on=fail_on,
        workers=workers, digests=digests, progress=progress, notice=notice,
    )  # fmt: skip
    run.flows.close()
    return Installation(device, terminal, near[0], far[0], found, {rule.id: rule.title for rule in steps}, run.document)


def _addresses(words: Sequence[str], option: str) -> tuple[str, ...]:
    read = [(word, read_address(word)) for word in words]
    for word, address in read:
        if address is None:
            raise InputError(option, f"{word!r} is no address")
    return tuple(address for _, address in read if address is not None)


def _site(device: str, terminal: str, servers: tuple[str, ...], printers: tuple[str, ...]) -> Site:
    is_vendor = device in VENDORS
    printer = Host(
        name="printer" if is_vendor else "terminal", addresses=printers, roles=("mfd",) if is_vendor else (device,),
        vendor=device if is_vendor else None, terminal=terminal if is_vendor else None,
    )  # fmt: skip
    features = ("online-accounting",) if is_vendor else ("infrastructure-service", "time-service")
    return Site(
        name=f"{device} installation", rules=DEFAULT_PACKS, features=features, features_given=True,
        hosts=(Host(name=SERVER, addresses=servers, roles=SHORT_NAMES["site-server"]), printer),
    )  # fmt: skip


def _steps(pack: RulePack, device: str, terminal: str) -> tuple[Rule, ...]:
    """Return the rules that concern the device, in the order of an installation."""
    applies, _ = expected_rows(pack, _site(device, terminal, ("192.0.2.1",), ("192.0.2.2",)))
    rules = {rule.id: rule for rule in pack.rules}
    return tuple(rules[name] for name in pack.installation if applies[name])


def _find(
    captures: Sequence[str],
    steps: Iterable[Rule],
    servers: tuple[str, ...],
    printers: tuple[str, ...],
    workers: int | None,
    progress: Progress | None,
    notice: Callable[[str], None] | None,
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return server and printer as the traffic shows them, and the sentence that says so."""
    if _STDIN in captures:
        raise InputError(_STDIN, "can be read only once; give --server and --printer")
    ports: dict[tuple[bool, str, int], int] = {}
    for rule in steps:
        for port in rule.ports.listed:
            ports[rule.section == "server-to-printer", rule.transport.value, port] = 1 if port in _COMMON else _TELLING
    used: dict[tuple[str, str], set[tuple[bool, str, int]]] = defaultdict(set)
    run = flows(captures, workers=workers, digests=False, progress=progress, notice=notice)
    with closing(run):
        for part in run.parts():
            pairs = part.frame.filter(
                pl.col("proto").is_in(["tcp", "udp"]), pl.col("id.resp_p").is_in([port for _, _, port in ports])
            ).select("id.orig_h", "id.resp_h", "proto", pl.col("id.resp_p").cast(pl.Int64))
            for orig, resp, proto, port in pairs.unique().iter_rows():
                for from_server, pair in ((True, (orig, resp)), (False, (resp, orig))):
                    if (from_server, proto, port) in ports and orig != resp:
                        used[pair].add((from_server, proto, port))
    scores = {
        pair: sum(ports[place] for place in places)
        for pair, places in used.items()
        if (not servers or pair[0] in servers) and (not printers or pair[1] in printers)
    }
    ranking = sorted(scores, key=lambda pair: (-scores[pair], pair))
    if not ranking or scores[ranking[0]] < _LEAST:
        raise InputError(
            "captures", "no traffic of such an installation between any two addresses; give --server and --printer"
        )
    best = ranking[0]
    rivals = [pair for pair in ranking if 2 * scores[pair] > scores[best]]
    if len(rivals) > 1:
        told = "; ".join(f"--server {server} --printer {printer}" for server, printer in rivals[:5])
        raise InputError("captures", f"several pairs could be meant: {told}; say which")
    places = ", ".join(
        f"{proto.upper()} {port}" for _, proto, port in sorted(used[best], key=lambda place: place[1:])[:6]
    )
    sure = "" if scores[best] > _TELLING else ", which is little to go by: give --server and --printer to be sure"
    return (best[0],), (best[1],), f"found by {places}{sure}"
