"""Unexpected flows counted by their initiators, in any number of portions: who touches too much is summed up.

Knows groups of flows with their reasons; an initiator that scans needs room for the hosts and ports it touched, not for
its flows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from analyser.compliance.unexpected.bench import Bench, Row
from analyser.compliance.unexpected.scans import Touched
from analyser.compliance.unexpected.translation import MOST_TARGETS
from analyser.model.finding import PortFinding

Initiator = tuple[int, str]
"""A party, and the address where it has many clients."""

_INITIATOR = ("ini", "ini_place")


class Tally:
    """What every initiator touched so far."""

    def __init__(self) -> None:
        self._few: dict[Initiator, list[tuple[Row, PortFinding]]] = defaultdict(list)
        self._many: dict[Initiator, Touched] = {}
        self._schema: pl.Schema | None = None

    def add(self, groups: pl.DataFrame, bench: Bench) -> None:
        """Take groups with reasons. ``bench`` must know the flows of these groups; it is not needed afterwards."""
        self._schema = groups.schema
        crowded = groups.group_by(_INITIATOR).len().filter(pl.col("len") > MOST_TARGETS)
        for some in groups.join(crowded, on=_INITIATOR, how="semi").partition_by(_INITIATOR, maintain_order=True):
            ini, place = some.select(_INITIATOR).row(0)
            self._add_many((ini, place), some, bench)
        for row, finding in bench.find_all(groups.join(crowded, on=_INITIATOR, how="anti", maintain_order="left")):
            self._few[row["ini"], row["ini_place"]].append((row, finding))
        for initiator in [one for one, rows in self._few.items() if one in self._many or len(rows) > MOST_TARGETS]:
            self._sum_up_few(initiator, bench)

    def _add_many(self, initiator: Initiator, groups: pl.DataFrame, bench: Bench) -> None:
        touched = Touched.of(groups, bench, bench.find)
        if initiator in self._many:
            touched = self._many[initiator].with_more(touched)
        self._many[initiator] = touched
        if not touched.is_scan:  # many groups on few hosts and ports
            self._few[initiator] += bench.find_all(groups)
            del self._many[initiator]

    def _sum_up_few(self, initiator: Initiator, bench: Bench) -> None:
        """Sum up an initiator whose groups have become many, or who scans already."""
        rows = self._few[initiator]
        findings = {_target(row): finding for row, finding in rows}
        touched = Touched.of(
            pl.DataFrame([row for row, _ in rows], schema=self._schema), bench, lambda row: findings[_target(row)]
        )
        if initiator in self._many:
            touched = self._many[initiator].with_more(touched)
        if touched.is_scan:
            self._many[initiator] = touched
            del self._few[initiator]

    def singles(self) -> Iterator[tuple[Row, PortFinding]]:
        """Give the groups of initiators that scan nothing, each with what its flows show."""
        for rows in self._few.values():
            yield from rows

    def scans(self) -> Iterator[Touched]:
        """Give what each scanning initiator touched."""
        return iter(self._many.values())


def _target(row: Row) -> tuple[object, ...]:
    return row["res"], row["res_place"], row["proto"], row["port"]
