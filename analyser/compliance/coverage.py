"""How much of a site flows showed: who sent and was sent packets, what lay outside, what needed no verdict.

Knows located flows, in any number of portions; judges nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

import polars as pl

from analyser.compliance.parties import UNLISTED
from analyser.compliance.unexpected.translation import MOST_TARGETS
from analyser.model.finding import InfrastructureNote, OutOfScope

_TARGET: Final = ("orig", "proto", "port", "res", "res_place")
_ENOUGH_TARGETS: Final = MOST_TARGETS**2 + 1
"""So many targets of one initiator are on more hosts or more ports than anybody asks by order."""


class Covered:
    """What the flows that were added show together."""

    def __init__(self) -> None:
        self._ends: list[pl.DataFrame] = []
        self._targets: list[pl.DataFrame] = []
        self._quiet: Counter[str] = Counter()
        self._outside = OutOfScope(flows=0, packets=0)

    def add(self, located: pl.DataFrame) -> pl.DataFrame:
        """Count located flows; return those in scope: with an end in the site, or inside one machine."""
        self._ends.append(_ends(located))
        strangers = located.filter(pl.col("ini") == UNLISTED, pl.col("res") >= 0)
        targets = strangers.select(_TARGET).unique()
        self._targets.append(targets.filter(pl.int_range(pl.len()).over("orig") < _ENOUGH_TARGETS))
        in_scope = (pl.col("ini") >= 0) | (pl.col("res") >= 0) | pl.col("local")
        outside = located.filter(~in_scope)
        self.add_outside(outside.height, int(outside["packets"].sum()))
        return located.filter(in_scope)

    def add_outside(self, flows: int, packets: int) -> None:
        """Count flows between strangers that nobody located."""
        self._outside = OutOfScope(flows=self._outside.flows + flows, packets=self._outside.packets + packets)

    def add_quiet(self, quiet: pl.DataFrame) -> None:
        """Count flows that need no verdict (``service``: what they are)."""
        self._quiet.update(dict(quiet.group_by("service").len().iter_rows()))

    def add_all(self, other: Covered) -> None:
        """Count what ``other`` counted."""
        self._ends += other._ends
        self._targets += other._targets
        self._quiet += other._quiet
        self.add_outside(other._outside.flows, other._outside.packets)

    @property
    def out_of_scope(self) -> OutOfScope:
        """Flows between strangers."""
        return self._outside

    @property
    def infrastructure(self) -> tuple[InfrastructureNote, ...]:
        """What needed no verdict, the most frequent first."""
        counted = sorted(self._quiet.items(), key=lambda item: (-item[1], item[0]))
        return tuple(InfrastructureNote(service=service, flows=flows) for service, flows in counted)

    @property
    def stranger_targets(self) -> pl.DataFrame:
        """What addresses outside the site asked of hosts in it, each once: ``orig``, ``proto``, ``port``, ``res``, ``res_place``."""
        return pl.concat(self._targets).unique()

    @property
    def senders(self) -> dict[int, frozenset[str]]:
        """The addresses of each party that sent a packet."""
        found: dict[int, set[str]] = defaultdict(set)
        for party, address in pl.concat(self._ends).filter("sent").select("party", "address").unique().iter_rows():
            found[party].add(address)
        return {party: frozenset(addresses) for party, addresses in found.items()}

    @property
    def hosts(self) -> tuple[int, int]:
        """How many hosts of the site sent a packet, and how many of them were also sent one."""
        ends = pl.concat(self._ends)
        hosts = ends.group_by("party", "place").agg(pl.col("sent").any(), pl.col("heard").any())
        return hosts.filter("sent").height, hosts.filter("sent", "heard").height


def _ends(located: pl.DataFrame) -> pl.DataFrame:
    """Return each end of flows once: party, place, address, and whether it sent and was sent packets."""
    first = located.select(
        party="ini", place="ini_place", address="orig", sent=pl.lit(value=True), heard=pl.col("answered")
    )
    second = located.select(
        party="res", place="res_place", address="resp", sent=pl.col("answered"), heard=pl.lit(value=True)
    )
    return pl.concat([first, second]).filter(pl.col("party") >= 0).unique()
