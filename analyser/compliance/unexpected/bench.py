"""What unexpected flows are judged with: who their ends are, how far they came, and how much that weighs.

Knows one group of flows (same ends, transport and port) at a time, as a row of its table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analyser.compliance.attempts.judge import Demand, Judge
from analyser.compliance.drafts import Side
from analyser.compliance.identity import Ids
from analyser.compliance.parties import UNLISTED, Directory
from analyser.compliance.unexpected.reasons import Reasons
from analyser.compliance.waivers import Waivers
from analyser.model.finding import Cause, Confidence, PortFinding, PortState

Row = dict[str, Any]
"""One group of flows: a named row of the table that ``unexpected`` makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The tools of the trade, and what they say of one group."""

    directory: Directory
    judge: Judge
    reasons: Reasons
    waivers: Waivers
    ids: Ids

    def side(self, row: Row, *, initiator: bool) -> Side:
        """Return one end of a group."""
        party, address = (row["ini"], row["orig"]) if initiator else (row["res"], row["resp"])
        end = self.directory.end(party, address)
        return Side(end=end, key=end.name or address, names=self.directory.names(party, address))

    def is_lenient(self, row: Row) -> bool:
        """Tell whether a group weighs a notice at most: a translated client perhaps, or a workstation going outside."""
        if row["mimic"]:
            return True
        leaves = row["ini"] >= 0 and row["res"] == UNLISTED
        return leaves and "workstation" in self.directory.parties[row["ini"]].roles

    def find(self, row: Row) -> PortFinding:
        """Return how far the flows of a group came; without ports, only whether anything came back is known."""
        serials: Sequence[int] = row["serial"]
        if row["port"] is not None:
            return self.judge.port(serials, Demand(transport=row["proto"], port=row["port"]))
        answered = row["answered"]
        return PortFinding(
            transport=row["proto"],
            port=None,
            state=PortState.OPEN if answered else PortState.UNANSWERED,
            cause=None if answered else Cause.NO_ANSWER,
            confidence=Confidence.LOW,
            attempts=len(serials),
            answered=len(serials) if answered else 0,
            evidence=self.judge.evidence(serials),
        )

    def find_all(self, groups: pl.DataFrame) -> list[tuple[Row, PortFinding]]:
        """Return each group with what ``find`` says of it."""
        ported = groups.filter(pl.col("port").is_not_null())
        demands = [Demand(transport=proto, port=port) for proto, port in ported.select("proto", "port").iter_rows()]
        outlines = iter(self.judge.outlines(ported["serial"], demands))
        return [
            (row, self.find(row) if row["port"] is None else next(outlines).tell())
            for row in groups.iter_rows(named=True)
        ]
