"""The score of the lab: every case at every vantage, counted, and the page that keeps it.

Knows runs, vantages and marks. A score is of one run on one machine; what it counts is the same on every machine.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple
from unittest.mock import patch

from tests.lab.cases import Case
from tests.lab.conditions import VIEWS, View
from tests.lab.network import ROOT
from tests.lab.score import Judged, judge, known_cases, report
from tests.lab.severity import exit_code
from tests.lab.vantages import VANTAGES, Vantage, read

PAGE: Final = ROOT / "docs" / "accuracy.md"

FEW: Final = (
    "server-to-printer/hp-install", "server-to-printer/snmp-install-check", "server-to-printer/ricoh-install",
    "server-to-printer/raw-delivery", "printer-to-server/ftp-scanning", "workstation-to-server/administration-web",
    "inter-server/management-synchronization", "workstation-outbound/spooler-controller", "other/ldap-plain",
)  # fmt: skip
"""Rules that are looked at from every vantage where there is no time for all of them."""

PLACES: Final[dict[View, str]] = {
    "initiator": "the router's port to the initiator",
    "responder": "the router's port to the responder",
    "both": "both ports, two files",
}
POINTS: Final = "both ports, as two capture points"


class Look(NamedTuple):
    """Captures of one rule's cases, as one of the vantages shows them."""

    name: str
    captures: Sequence[Path]
    made: Sequence[Case]
    view: View
    limited: bool = False


class Outcome(NamedTuple):
    """What came of a look: marks, the exit code's mistake, and known cases that were named."""

    judged: list[Judged]
    exit: str | None
    named: set[tuple[str, str]]


def looked(look: Look, folder: Path) -> Outcome:
    """Judge a look; site files go to ``folder``, by the process that writes them."""
    place = folder / f"sites-{os.getpid()}"
    place.mkdir(exist_ok=True)
    told = report(look.captures, look.made, place, points=look.view == "points")
    wanted, code = exit_code(look.made, look.view), told["summary"]["exit_code"]
    mistaken = (
        f"{look.made[0].row.rule}: exit {code} instead of {wanted}" if code != wanted and not look.limited else None
    )
    return Outcome(judge(told, look.made, look.view, limited=look.limited), mistaken, known_cases(told, look.made))


@dataclass
class Score:
    """Marks by vantage, exit codes that are not as they should be, and known cases that were named (condition, case)."""

    judged: dict[str, list[Judged]] = field(default_factory=lambda: defaultdict(list))
    exits: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    runs: Counter[str] = field(default_factory=Counter)
    named: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def add(self, name: str, outcome: Outcome) -> None:
        """Count what came of a look at a vantage."""
        self.judged[name] += outcome.judged
        self.runs[name] += 1
        self.named[name] |= outcome.named
        if outcome.exit is not None:
            self.exits[name].append(outcome.exit)

    def wrong(self) -> list[str]:
        """Return what is wrong, in words."""
        return [
            f"{name}: {item.case.condition.name}: {item.why}"
            for name, items in self.judged.items()
            for item in items
            if item.mark == "wrong"
        ] + [f"{name}: {why}" for name, several in self.exits.items() for why in several]


def by_rule(made: Sequence[Case]) -> dict[str, list[Case]]:
    """Return cases by their rule."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in made:
        found[case.row.rule].append(case)
    return dict(found)


def _recordings(made: Sequence[Case], view: View, folder: Path) -> list[Path]:
    zones = (made[0].initiator_zone.name, made[0].responder_zone.name)
    named = {"initiator": zones[:1], "responder": zones[1:]}.get(view, zones)
    return [folder / f"{zone}.pcap" for zone in named]


def score(made: Sequence[Case], folder: Path, *, every_rule: bool) -> Score:
    """Judge the recordings in ``folder``: every rule at the three places; at other vantages every rule, or ``FEW``.

    As many processes share the work as there are processors; what is found is the same in any number.
    """
    looks = list(_looks(made, folder, every_rule=every_rule))
    found = Score()
    with (
        patch.dict(os.environ, POLARS_MAX_THREADS="1"),
        ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool,
    ):
        for look, outcome in zip(looks, pool.map(looked, looks, repeat(folder), chunksize=4), strict=True):
            found.add(look.name, outcome)
    return found


def _looks(made: Sequence[Case], folder: Path, *, every_rule: bool) -> Iterator[Look]:
    rules = by_rule(made)
    for view in VIEWS:
        for mine in rules.values():
            yield Look(PLACES[view], _recordings(mine, view, folder), mine, view)
    for mine in rules.values():
        yield Look(POINTS, _recordings(mine, "points", folder), mine, "points")
    chosen: list[list[Case]] = [mine for rule, mine in rules.items() if every_rule or rule in FEW]
    for mine in chosen:
        yield Look("all ports of the router at once, cooked", [folder / "any.pcap"], mine, "both")
    for vantage, captures, those in _seen_otherwise(chosen, folder):
        yield Look(vantage.name, captures, those, vantage.view, vantage.limited)
    # One condition at a time: the exit code of a site where nothing else happens.
    for mine in chosen if every_rule else [rules[rule] for rule in FEW[:2]]:
        for case in mine:
            yield Look("a site of two hosts", _recordings(mine, "initiator", folder), [case], "initiator")


def _seen_otherwise(
    chosen: Sequence[Sequence[Case]], folder: Path
) -> Iterator[tuple[Vantage, list[Path], Sequence[Case]]]:
    """Give every vantage of the recordings of every rule; each rewritten file is made once."""
    made: dict[tuple[str, tuple[Path, ...]], list[Path]] = {}
    for vantage in VANTAGES:
        for mine in chosen:
            sources = tuple(_recordings(mine, vantage.view, folder))
            if (vantage.name, sources) not in made:
                place = folder / f"{vantage.name[:12].strip()}-{len(made)}"
                place.mkdir(exist_ok=True)
                made[vantage.name, sources] = vantage.rewrite([read(path, n) for n, path in enumerate(sources)], place)
            yield vantage, made[vantage.name, sources], mine


def page(found: Score, programs: str) -> str:
    """Return the page: by vantage, by condition, and what was weaker, with the reason."""
    lines = [
        "# Accuracy", "",
        "Verdicts held against a site in network namespaces (`tests/lab`): programs speak through a router with a real firewall, every",
        "rule of the matrix that crosses a network to a known port goes through everything that can be done to it, and what is to be",
        "said of it is written beside the cause, in the words of the contract. `python -m tests.lab` (as root) renews this page.", "",
        f"- {programs}",
        "- a case is a rule, a condition and two hosts of its own; state, cause, who is named as the reason, verdict, severity and the",
        "  absence of anything invented must all be right. Weaker: less is claimed, where the capture shows less. Wrong: anything else",
        f"- conditions whose name begins with \"real\" are by real servers and clients: {_real(found)};",
        "  the other programs are stand-ins for the products (more real ones speak in `tests/live`), OpenSSL fails the other TLS",
        "  handshakes, nftables and the kernel do the rest", "",
        "## By vantage", "", "| captured at, or as | cases | right | weaker | wrong | exit codes right |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, items in found.judged.items():
        marks = Counter(item.mark for item in items)
        limited = any(vantage.name == name and vantage.limited for vantage in VANTAGES)
        runs = found.runs[name]
        codes = "" if limited else f"{runs - len(found.exits[name])} of {runs}"
        lines.append(f"| {name} | {len(items)} | {marks['right']} | {marks['weaker']} | {marks['wrong']} | {codes} |")
    lines += ["", "## By condition", "", "At the three places, where nothing of the traffic is missing.", ""]
    lines += ["| condition | cases | right | weaker | wrong |", "|---|---|---|---|---|"]
    places: dict[str, Counter[str]] = defaultdict(Counter)
    for name in PLACES.values():
        for item in found.judged[name]:
            places[_named(item.case)][item.mark] += 1
    for condition, marks in places.items():
        lines.append(f"| {condition} | {marks.total()} | {marks['right']} | {marks['weaker']} | {marks['wrong']} |")
    weaker = Counter(
        (name, _named(item.case)) for name, items in found.judged.items() for item in items if item.mark == "weaker"
    )
    lines += ["", "## Weaker answers", "", "| vantage | condition | cases |", "|---|---|---|"]
    lines += [f"| {name} | {condition} | {count} |" for (name, condition), count in sorted(weaker.items())]
    return "\n".join([*lines, ""])


def _real(found: Score) -> str:
    """Say what real programs spoke, and in how many cases."""
    mine = [item.case for item in found.judged[POINTS] if item.case.real]
    spoken = {case.service for case in mine}
    return f"{', '.join(sorted(spoken))} ({len(mine)} cases)"


def _named(case: Case) -> str:
    version = ", IPv6" if case.condition.version == 6 else ""
    return f"{case.condition.name}{version}"
