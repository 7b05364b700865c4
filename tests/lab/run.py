"""One run of the lab: the firewall gets its rules, programs speak, and what crossed the router is in files.

Knows the network and the cases. What a capture must say is not looked at here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.lab.cases import Case, addresses_of, clients, host_ways, router_ways, servers
from tests.lab.certificates import issue
from tests.lab.firewall import opened, ruleset
from tests.lab.network import ZONES, Lab, lab
from tests.lab.vantages import Packet, read

_LONGEST: Final = 90.0
"""Seconds within which every server is ready, and every client done."""


_TRIES: Final = 5
_AT_ONCE: Final = 900_000
"""Nanoseconds within which the router passes a packet on: a little less than by which copies are known (`analyser.flows`)."""

_PAIRS: Final = [[one, other] for other in range(len(ZONES)) for one in range(other)]
"""Numbers of the zones between which a packet was passed on, in their order."""

Met = dict[tuple[str, int], list[str]]
"""How clients fared, by case and port, each time they asked."""


def record(folder: Path, made: Sequence[Case]) -> Met:
    """Let all cases happen at once; return how the clients fared, by case and port. Captures are in ``folder``, by zone.

    ``folder`` is emptied. On a machine that is too busy for a router, all happens again, a few times at most.
    """
    for _ in range(_TRIES - 1):
        met = _recorded(folder, made)
        if slowest(folder) < _AT_ONCE:
            return met
    return _recorded(folder, made)


def slowest(folder: Path) -> int:
    """Return the longest time (ns) that the router took to pass on a packet of IPv6, as its ports' recordings show it.

    Nothing but the time says of such a packet at two ports that it is one: IPv6 has no identification (RFC 8200).
    """
    seen: defaultdict[bytes, list[Packet]] = defaultdict(list)
    for number, zone in enumerate(ZONES):
        for packet in read(folder / f"{zone}.pcap", number):
            if packet.data[12:14] == b"\x86\xdd":
                seen[packet.data[14:21] + packet.data[22:]].append(packet)  # all but the hop limit
    passed = [those for those in seen.values() if [one.source for one in those] in _PAIRS]
    return max((abs(one.t - other.t) for one, other in passed), default=0)


def _recorded(folder: Path, made: Sequence[Case]) -> Met:
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with lab(folder) as site:
        issue(folder)
        for zone in ZONES:
            site.own(zone, addresses_of(made, zone))
        ways, lost = router_ways(made)
        site.run("router", "nft", "-f", "-", words=ruleset("forward", ways, lost))
        listening = servers(made)
        for zone in ZONES:
            site.run(zone, "nft", "-f", "-", words=ruleset("input", host_ways(made, zone)))
            if listening[zone]:
                program, words = site.speak(zone, "serve", listening[zone])
                until_ready(words, program)
        _inject(site, made)
        for case in made:
            if case.real:
                site.reach(case.initiator_zone.name, case.responder, case.initiator)
        asking = [site.speak(zone, "ask", plan) for zone, plan in clients(made).items()]
        _set_free(site, made)
        for program, _ in asking:
            program.wait(_LONGEST)
        met: Met = {}
        for _, words in asking:
            for line in words.read_text().splitlines():
                told = json.loads(line)
                met.setdefault((told["case"], told["port"]), []).append(told["met"])
        time.sleep(3)
    return met


def until_ready(words: Path, program: subprocess.Popen[bytes]) -> None:
    """Wait until a program says that it is ready."""
    limit = time.monotonic() + _LONGEST
    while "ready" not in words.read_text():
        errors = Path(f"{words}.errors").read_text()[-2000:]
        assert program.poll() is None, errors
        assert time.monotonic() < limit, errors
        time.sleep(0.05)


def _inject(site: Lab, made: Sequence[Case]) -> None:
    plan = site.folder / "inject.json"
    plan.write_text(json.dumps([(case.initiator, case.responder) for case in made if case.condition.inject]))
    program = site.start("router", sys.executable, "-m", "tests.lab.injector", str(plan), log="inject.log")
    until_ready(site.folder / "inject.log", program)


def _set_free(site: Lab, made: Sequence[Case]) -> None:
    """Open ways when their time has come."""
    begun = time.monotonic()
    waiting = [case for case in made if case.condition.freed_after is not None]
    for case in sorted(waiting, key=lambda case: case.condition.freed_after or 0):
        time.sleep(max(begun + (case.condition.freed_after or 0) - time.monotonic(), 0))
        zone = case.responder_zone.name if case.condition.host else "router"
        site.run(zone, "nft", opened(case.initiator, case.responder))
