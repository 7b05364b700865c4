"""Runs that are looked at part by part: who was seen where, and which flows are wanted at all.

Knows the record layout and how dear each look is: what is alike is taken together before anything is written out in words,
and what nobody wants is left behind before it becomes a table. It must not know why a flow is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.addresses import address_texts
from analyser.flows.layout import FLOW_LOOPBACK, KEY_NEIGHBOUR, NEIGHBOUR_PART
from analyser.flows.memory import Memory, Part, together
from analyser.flows.records import Records, concatenate, select
from analyser.flows.table import began, flow_tables, is_unseen, orientation_of, path_table
from analyser.tables import NEIGHBOURS, SIGHTS, FlowTables, empty

Array = NDArray[Any]

_SIGHT: Final = ("spoke", "path", "rst_path", "ttl_min", "ttl_max", "copy_path", "copy_ttl")
_ENDS: Final = {"low": ("a0", "a1"), "high": ("b0", "b1")}

_KEPT: Final = 1 << 16
"""Wanted flows that are kept at hand; parts that hold more are read once more."""


class Wanted:
    """Addresses seen so far, and which of them are wanted."""

    def __init__(self, belongs: Callable[[str], bool]) -> None:
        self._belongs = belongs
        self._asked: set[str] = set()
        self._ends: Array = np.zeros((0, 2), np.uint64)
        self._perhaps = np.zeros(1 << 16, np.bool_)

    def learn(self, different: pl.DataFrame) -> None:
        """Take addresses as rows of their two words and their text."""
        new = [row for row in different.iter_rows() if row[2] not in self._asked]
        self._asked.update(text for *_, text in new)
        wanted = [(high, low) for high, low, text in new if self._belongs(text)]
        if wanted:
            self._ends = np.concatenate([self._ends, np.array(wanted, np.uint64)])
            self._perhaps[self._ends[:, 1] & np.uint64(0xFFFF)] = True

    def among(self, flows: Array) -> Array:
        """Say of each flow whether one of its ends is wanted, or it never left a machine."""
        mine = (flows["flags"] & FLOW_LOOPBACK) != 0
        for high, low in _ENDS.values():
            # Nearly all are told apart by the last bytes of an address.
            rows = np.flatnonzero(self._perhaps[flows[low] & np.uint64(0xFFFF)] & ~mine)
            ends = pl.DataFrame({"high": flows[high][rows], "low": flows[low][rows]})
            known = pl.DataFrame(self._ends, ["high", "low"], orient="row").with_columns(known=True)
            found = ends.join(known, on=["high", "low"], how="left", maintain_order="left")["known"]
            mine[rows] = found.fill_null(value=False).to_numpy()
        return np.asarray(mine)


class Survey:
    """A run that is gone through twice: first for what all of it shows, then for the flows that are wanted.

    ``belongs`` says whether flows of an address are wanted. ``steps`` must be gone through to its end before anything else
    is asked.
    """

    def __init__(self, memory: Memory, ports: Mapping[str, frozenset[int]], belongs: Callable[[str], bool]) -> None:
        self._memory = memory
        self._ports = ports
        self._wanted = Wanted(belongs)
        self._kept: list[Part] = []
        self._large: list[int] = []
        self._left = [0, 0]

    @property
    def left(self) -> tuple[int, int]:
        """How many flows and packets are not wanted."""
        flows, packets = self._left
        return flows, packets

    def steps(self) -> Iterator[tuple[pl.DataFrame, FlowTables | None]]:
        """Give SIGHTS of each part, and the tables of those of its flows that ICMP errors quote (None: of none)."""
        room = _KEPT
        for part in self._memory.parts():
            sights, different = _sights(part, self._ports)
            self._wanted.learn(different)
            mine = self._narrow(part, self._left)
            room -= len(mine)
            if part.numbers is None or room >= 0:
                self._kept.append(mine)
            else:
                self._large += part.numbers
            yield sights, self._quoted(part)

    def wanted(self) -> Iterator[FlowTables]:
        """Give the tables of the flows that are wanted, part by part; as often as is asked."""
        again = (self._narrow(part, [0, 0]) for part in self._memory.parts(self._large))
        for part in together(chain(self._kept, again), self._memory.limits.together):
            yield flow_tables(self._memory, part, self._ports)

    def _narrow(self, part: Part, left: list[int]) -> Part:
        flows, sides = part.records.flows, part.records.sides
        mine = self._wanted.among(flows)
        others = np.flatnonzero(~mine & ~_is_neighbour(flows))
        left[0] += others.size
        left[1] += int(sides["pkts"][2 * others].sum() + sides["pkts"][2 * others + 1].sum())
        return part.of(np.flatnonzero(mine))

    def _quoted(self, part: Part) -> FlowTables | None:
        quoted = np.flatnonzero(part.records.flows["icmp"] > 0)
        return flow_tables(self._memory, part.of(quoted), self._ports) if quoted.size else None


def surroundings(memory: Memory, ports: Mapping[str, frozenset[int]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return PATHS and NEIGHBOURS of a run."""
    first = next(memory.parts([NEIGHBOUR_PART]), None)
    neighbours = empty(NEIGHBOURS) if first is None else flow_tables(memory, first, ports).neighbours
    return path_table(memory.known_paths()), neighbours


def _is_neighbour(flows: Array) -> Array:
    return np.asarray(((flows["k4"] >> np.uint64(8)) & np.uint64(0xFF)) == KEY_NEIGHBOUR)


def _sights(part: Part, ports: Mapping[str, frozenset[int]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return SIGHTS of a part, and all addresses in it: their two words, and their text.

    Much cheaper than all tables: facts are packed into few words, and what is alike is told once.
    """
    flows, low, high = part.records.flows, part.records.sides[0::2], part.records.sides[1::2]
    opened, _, _ = orientation_of(part.records, ports)
    facts = opened.astype(np.uint64)
    facts |= ((flows["k4"] & np.uint64(0xFFFF)) == 6).astype(np.uint64) << np.uint64(1)
    facts |= (flows["flags"] & np.uint64(FLOW_LOOPBACK)) << np.uint64(2)
    for at, side in enumerate((low, high)):
        least = np.where(side["ttl_max"] == 0, 0, side["ttl_min"]).astype(np.uint64)
        ttls = (
            side["ttl_max"].astype(np.uint64)
            | least << np.uint64(8)
            | side["copy_ttl"].astype(np.uint64) << np.uint64(16)
        )
        facts |= ((side["pkts"] > 0).astype(np.uint64) | ttls << np.uint64(1)) << np.uint64(8 + 28 * at)
    columns: dict[str, Array] = {name: flows[name] for words in _ENDS.values() for name in words}
    columns |= {"facts": facts}
    for name, side in (("low", low), ("high", high)):
        columns[f"{name}_copy_path"] = side["copy_path"]
        columns[f"{name}_paths"] = side["path"] | side["rst_path"].astype(np.uint64) << np.uint64(32)
    alike = pl.DataFrame(columns).filter(pl.Series(~_is_neighbour(flows))).unique()
    different = pl.concat(alike.select(high=a, low=b) for a, b in _ENDS.values()).unique()
    texts = different.with_columns(text=address_texts(different["high"].to_numpy(), different["low"].to_numpy()))
    told = _unpacked(alike, texts)

    def of(side: str, fact: str) -> pl.Expr:
        near, far = ("high", "low") if side == "orig" else ("low", "high")
        return pl.when("opened").then(f"{near}_{fact}").otherwise(f"{far}_{fact}")

    sided = {f"{side}_{name}": of(side, name) for side in ("orig", "resp") for name in _SIGHT}
    named = told.select(
        **{"id.orig_h": of("orig", "h"), "id.resp_h": of("resp", "h")}, **sided, tcp="tcp", loopback="loopback"
    )
    return named.select(pl.col(name).cast(kind) for name, kind in SIGHTS.items()), texts


def _unpacked(alike: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Return the facts that ``_sights`` packed into words, and both addresses as text."""
    facts = alike["facts"].to_numpy()

    def bits(words: Array, at: int, mask: int) -> Array:
        return (words >> np.uint64(at)) & np.uint64(mask)

    columns: dict[str, Any] = {
        name: bits(facts, at, 1).astype(np.bool_) for at, name in enumerate(("opened", "tcp", "loopback"))
    }
    for name, at in (("low", 8), ("high", 36)):
        columns[f"{name}_spoke"] = bits(facts, at, 1).astype(np.bool_)
        for place, ttl in enumerate(("ttl_max", "ttl_min", "copy_ttl")):
            columns[f"{name}_{ttl}"] = bits(facts, at + 1 + 8 * place, 255)
        columns[f"{name}_copy_path"] = alike[f"{name}_copy_path"]
        paths = alike[f"{name}_paths"].to_numpy()
        columns[f"{name}_path"], columns[f"{name}_rst_path"] = bits(paths, 0, 0xFFFFFFFF), bits(paths, 32, 0xFFFFFFFF)
    for name, words in _ENDS.items():
        named = alike.join(texts, left_on=words, right_on=["high", "low"], how="left", maintain_order="left")
        columns[f"{name}_h"] = named["text"]
    return pl.DataFrame(columns)


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
