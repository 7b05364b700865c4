"""Unexpected flows counted by their initiators, in any number of portions: who touches too much is summed up.

Knows groups of flows with their reasons; an initiator that scans needs room for the hosts and ports it touched, not for
its flows.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from analyser.compliance.unexpected.bench import Bench, Row
from analyser.compliance.unexpected.scans import Touched
from analyser.model.finding import PortFinding

Initiator = tuple[int, str]
"""A party, and the address where it has many clients."""


class Tally:
    """What every initiator touched so far."""

    def __init__(self) -> None:
        self._touched: dict[Initiator, Touched] = {}
        self._single: dict[Initiator, list[tuple[Row, PortFinding]]] = {}

    def add(self, groups: pl.DataFrame, bench: Bench) -> None:
        """Take groups with reasons. ``bench`` must know the flows of these groups; it is not needed afterwards."""
        for some in groups.partition_by("ini", "ini_place", maintain_order=True):
            ini, place = some.select("ini", "ini_place").row(0)
            self._add((ini, place), some, bench)

    def _add(self, initiator: Initiator, groups: pl.DataFrame, bench: Bench) -> None:
        found: dict[tuple[object, ...], PortFinding] = {}

        def find(row: Row) -> PortFinding:
            key = row["res"], row["res_place"], row["proto"], row["port"]
            if key not in found:
                found[key] = bench.find(row)
            return found[key]

        touched = Touched.of(groups, bench, find)
        if initiator in self._touched:
            touched = self._touched[initiator].with_more(touched)
        self._touched[initiator] = touched
        if touched.is_scan:
            self._single.pop(initiator, None)
        else:
            rows = self._single.setdefault(initiator, [])
            rows += [(row, find(row)) for row in groups.iter_rows(named=True)]

    def singles(self) -> Iterator[tuple[Row, PortFinding]]:
        """Give the groups of initiators that scan nothing, each with what its flows show."""
        for rows in self._single.values():
            yield from rows

    def scans(self) -> Iterator[Touched]:
        """Give what each scanning initiator touched."""
        return (touched for touched in self._touched.values() if touched.is_scan)
