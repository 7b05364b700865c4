"""Which flows of several points are one conversation.

A TCP connection is known by both ends and its initial sequence numbers (RFC 9293, 3.4.1), anything else by both ends and
the time. Where a translated address hides an end, a connection is known by both sequence numbers, or by the initiator's
with the responder's port, the other end and the time. What fits more than one is matched with none.
Knows FLOWS; must not know what a flow came to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

SLACK: Final = 2_000_000_000
"""Nanoseconds that one conversation, or one SYN, may be apart at two points whose clocks were compared."""

MOST_POINTS: Final = 62

_MOST_ALIKE: Final = 256
"""Rows between the same two ports among which the time is looked at; of more, none is matched by it."""

_NEVER_ROUTED: Final = (
    r"^(127\.|169\.254\.|0\.|22[4-9]\.|23\d\.|255\.255\.255\.255$|::1$|[fF][eE]80:|[fF]{2}[0-9a-fA-F]{2}:)"
)
"""Addresses that are another machine at every point, or no single machine."""


def travels(flows: pl.DataFrame) -> pl.Series:
    """Say which flows can be seen at more than one point: between two single hosts, beyond a machine and its link."""
    ends = (pl.col(name).str.contains(_NEVER_ROUTED) for name in ("id.orig_h", "id.resp_h"))
    return flows.select(travels=~pl.col("loopback") & ~pl.any_horizontal(ends))["travels"]


class Matching:
    """Rows of flows in groups: one group is one conversation, and has at most one row of each point."""

    def __init__(self, flows: pl.DataFrame) -> None:
        """Match what needs no clock: connections by both ends and a sequence number.

        ``flows``: FLOWS of all points, with ``point``, the place of the point where a row was seen.
        """
        tcp = pl.col("proto") == "tcp"
        one, other = (
            pl.concat_str(pl.col(f"id.{side}_h"), pl.lit(" "), pl.col(f"id.{side}_p").cast(pl.String))
            for side in ("orig", "resp")
        )
        self._rows = flows.lazy().with_row_index("row").select(
            "row", "point", "proto", "id.orig_h", "id.resp_h", "id.resp_p", "ts", "last_t", "orig_isn", "resp_isn", "orig_syn_t",
            ends=pl.concat_str(pl.min_horizontal(one, other), pl.lit(" "), pl.max_horizontal(one, other)),
            opened=tcp & (pl.col("orig_nsyn") > 0),
            agreed=tcp & (pl.col("resp_nsynack") > 0),
        ).filter(travels(flows)).collect()  # fmt: skip
        self._above = np.arange(len(flows), dtype=np.int64).tolist()
        self._points = [1 << point for point in flows["point"].to_list()]
        self._several = flows["point"].n_unique()
        self._translated: set[int] = set()
        self._doubtful: set[tuple[int, ...]] = set()
        for which, side in (("opened", "orig"), ("agreed", "resp")):
            self._unite(_alike(self._rows.filter(which), ["ends", f"id.{side}_h", f"{side}_isn"])["row"])

    @property
    def groups(self) -> NDArray[np.int64]:
        """The group of each row, named by one of its rows."""
        return np.array([self._top(row) for row in range(len(self._above))], dtype=np.int64)

    @property
    def ambiguous(self) -> int:
        """How often something fitted several, so that it was matched with none."""
        return len(self._doubtful)

    @property
    def translated_groups(self) -> set[int]:
        """The groups of which points show different addresses."""
        return {self._top(row) for row in self._translated}

    def by_time(self, times: pl.DataFrame, *, compared: bool) -> None:
        """Match what has no sequence number to be known by.

        ``times``: ``ts``, ``last_t`` and ``orig_syn_t`` of all rows; ``compared``: by one clock.
        """
        self._rows = self._rows.with_columns(times[self._rows["row"]].select("ts", "last_t", "orig_syn_t"))
        # A firewall may put numbers of its own in place of the initiator's: the same ends at the same time are enough.
        reopened = _alike(self._alone("opened"), ["ends", "id.orig_h"])
        self._unite(reopened.filter(pl.col("apart") <= SLACK if compared else pl.lit(value=True))["row"])
        # What lacks the beginning, and a SYN at one point with its SYN-ACK at another, where the ways there and back differ.
        lone = self._missed_somewhere(self._rows)
        alike = _alike(lone, ["proto", "ends"]).filter(pl.col("row").list.len() <= _MOST_ALIKE)
        halves = lone.filter(~pl.col("opened") | ~pl.col("agreed"))
        alike = alike.join(halves, on=["proto", "ends"], how="semi")
        spans = (
            dict(lone.select("row", pl.struct("point", "opened", "agreed", "ts", "last_t")).iter_rows())
            if len(alike)
            else {}
        )
        for rows in alike["row"].to_list():
            for row in rows:
                mine = spans[row]
                fitting = [
                    other
                    for other in rows
                    if _completes(mine, spans[other]) and (not compared or _meet(mine, spans[other]))
                ]
                self._unite([[row, *fitting]])

    def through_translation(self, *, compared: bool) -> None:
        """Match connections of which one point shows another address than the other. ``compared``: by one clock."""
        both = self._alone("agreed")
        self._translate(_alike(both, ["orig_isn", "resp_isn"]).filter("shared"))
        if not compared:
            return
        for end in ("id.resp_h", "id.orig_h"):
            alike = _alike(self._alone("opened"), ["orig_isn", "id.resp_p", end])
            self._translate(alike.filter(pl.col("apart") <= SLACK, pl.col("answers") <= 1))

    def _alone(self, which: str) -> pl.DataFrame:
        """Rows of connections that some point does not show."""
        return self._missed_somewhere(self._rows.filter("opened", which))

    def _missed_somewhere(self, rows: pl.DataFrame) -> pl.DataFrame:
        everywhere = (1 << self._several) - 1
        missing = [self._points[self._top(row)] != everywhere for row in rows["row"].to_list()]
        return rows.filter(pl.Series(missing, dtype=pl.Boolean))

    def _translate(self, alike: pl.DataFrame) -> None:
        self._translated.update(self._unite(alike["row"]))

    def _unite(self, several: Iterable[Sequence[int]]) -> list[int]:
        """Make one group of each list of rows, unless a point shows more than one of them; return a row of each that was."""
        joined = []
        for rows in several:
            tops = sorted({self._top(row) for row in rows})
            seen = 0
            for top in tops:
                clash = seen & self._points[top]
                seen |= self._points[top]
                if clash:
                    self._doubtful.add(tuple(tops))
                    break
            else:
                if len(tops) > 1:
                    for top in tops[1:]:
                        self._above[top] = tops[0]
                    self._points[tops[0]] = seen
                    joined.append(tops[0])
        return joined

    def _top(self, row: int) -> int:
        above = self._above
        while above[row] != row:
            above[row] = above[above[row]]
            row = above[row]
        return row


def _alike(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return lists of rows that agree on ``key`` and were seen at several points, in a fixed order."""
    lists = rows.group_by(key, maintain_order=True).agg(
        "row",
        points=pl.col("point").n_unique(),
        apart=pl.col("orig_syn_t").max() - pl.col("orig_syn_t").min(),
        answers=pl.col("resp_isn").filter("agreed").n_unique(),
        shared=(pl.col("id.orig_h").n_unique() == 1) | (pl.col("id.resp_h").n_unique() == 1),
    )
    return lists.filter(pl.col("points") > 1)


def _completes(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether another point shows what this one lacks of a beginning: else numbers have told whether they are the same."""
    return (
        one["point"] != other["point"]
        and not (one["opened"] and other["opened"])
        and not (one["agreed"] and other["agreed"])
    )


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["ts"] <= other["last_t"] + SLACK and other["ts"] <= one["last_t"] + SLACK)
