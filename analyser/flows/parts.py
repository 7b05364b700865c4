"""Runs that are looked at part by part: who was seen where, and which flows are wanted at all.

Knows the record layout and how dear each look is: what is alike is taken together before anything is written out in words,
and what nobody wants is left behind before it becomes a table. It must not know why a flow is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.layout import KEY_NEIGHBOUR, NEIGHBOUR_PART
from analyser.flows.memory import Memory, Part, together
from analyser.flows.records import Records, concatenate, select
from analyser.flows.sights import Alike, alike, named, sights
from analyser.flows.table import began, flow_tables, is_unseen, path_table
from analyser.tables import NEIGHBOURS, FlowTables, empty

Array = NDArray[Any]

_KEPT: Final = 1 << 16
"""Wanted flows that are kept at hand; parts that hold more are read once more."""


class Survey:
    """A run that is gone through twice: first for what all of it shows, then for the flows that are wanted.

    ``belongs`` says whether flows of an address are wanted. ``steps`` must be gone through to its end before anything else
    is asked.
    """

    def __init__(self, memory: Memory, ports: Mapping[str, frozenset[int]], belongs: Callable[[str], bool]) -> None:
        self._memory = memory
        self._ports = ports
        self._belongs = cache(belongs)
        self._kept: list[Part] = []
        self._large: list[int] = []
        self._left = [0, 0]
        self._wanted = 0

    @property
    def left(self) -> tuple[int, int]:
        """How many flows and packets are not wanted."""
        flows, packets = self._left
        return flows, packets

    @property
    def in_one(self) -> bool:
        """Whether the wanted flows are so few that they come together."""
        return self._wanted <= self._memory.limits.together

    def steps(self) -> Iterator[tuple[pl.DataFrame, FlowTables | None]]:
        """Give SIGHTS of each part, and the tables of those of its flows that ICMP errors quote (None: of none)."""
        room = _KEPT
        for part in self._memory.parts():
            same = alike(part.records, self._ports)
            table = named(same.rows)
            wanted = self._wanted_among(table)
            left = same.rows[~wanted]
            self._left[0] += int(left["flows"].sum())
            self._left[1] += int(left["packets"].sum())
            mine = _narrowed(part, same, wanted)
            room -= len(mine)
            self._wanted += len(mine)
            if part.numbers is None or room >= 0:
                self._kept.append(mine)
            else:
                self._large += part.numbers
            yield sights(table), self._quoted(part)

    def wanted(self) -> Iterator[FlowTables]:
        """Give the tables of the flows that are wanted, part by part; as often as is asked."""
        again = map(self._narrow, self._memory.parts(self._large))
        for part in together(chain(self._kept, again), self._memory.limits.together):
            yield flow_tables(self._memory, part, self._ports)

    def _narrow(self, part: Part) -> Part:
        same = alike(part.records, self._ports)
        return _narrowed(part, same, self._wanted_among(named(same.rows)))

    def _wanted_among(self, table: pl.DataFrame) -> Array:
        """Say of each sight whether one of its ends belongs, or it never left a machine."""
        wanted: Array = table["loopback"].to_numpy() == 1
        for end in ("low", "high"):  # what is known of an address is looked up faster than a query is made
            wanted |= np.fromiter(map(self._belongs, table[end].to_list()), np.bool_, wanted.size)
        return wanted

    def _quoted(self, part: Part) -> FlowTables | None:
        quoted = np.flatnonzero(part.records.flows["icmp"] > 0)
        return flow_tables(self._memory, part.of(quoted), self._ports) if quoted.size else None


def _narrowed(part: Part, same: Alike, wanted: Array) -> Part:
    """Return a copy of the flows of a part whose sights are wanted."""
    # The number -1, of what has no sight, means the last place.
    return part.of(np.flatnonzero(np.append(wanted, False)[same.numbers]))


def surroundings(memory: Memory, ports: Mapping[str, frozenset[int]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return PATHS and NEIGHBOURS of a run."""
    first = next(memory.parts([NEIGHBOUR_PART]), None)
    neighbours = empty(NEIGHBOURS) if first is None else flow_tables(memory, first, ports).neighbours
    return path_table(memory.known_paths()), neighbours


def _is_neighbour(flows: Array) -> Array:
    return np.asarray(((flows["k4"] >> np.uint64(8)) & np.uint64(0xFF)) == KEY_NEIGHBOUR)


def earliest(memory: Memory, most: int) -> tuple[Part, int]:
    """Return the ``most`` flows that began first, as a part of its own, and how many flows there are in all.

    A flow of which only an ICMP error tells began when its first error came.
    """
    found: list[Records] = []
    renamed: dict[int, int] = {}
    count = 0
    for part in memory.parts():
        flows, low, high = part.records.flows, part.records.sides[0::2], part.records.sides[1::2]
        rows = np.flatnonzero(~_is_neighbour(flows))
        count += rows.size
        started = began(low, high)
        unseen = np.flatnonzero(is_unseen(low, high))
        if unseen.size:
            errors = memory.quoted_errors(part)
            first = dict(zip(errors["serial"][::-1].tolist(), errors["t"][::-1].tolist(), strict=True))
            started[unseen] = [first.get(serial, 0) for serial in flows["serial"][unseen].tolist()]
        if rows.size > most:
            latest = np.partition(started[rows], most - 1)[most - 1]
            rows = rows[started[rows] <= latest]
        rows = rows[np.lexsort((flows["serial"][rows], started[rows]))[:most]]
        found.append(select(part.records, rows))
        renamed |= part.renamed
    return Part(None, concatenate(found), renamed, chosen=True), count
