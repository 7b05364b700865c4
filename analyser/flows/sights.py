"""Who was seen where: the sights of many flows, each once.

Knows the record layout and the table schema. It must not know why somebody asks.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.addresses import address_texts
from analyser.flows.layout import SIGHT
from analyser.flows.records import Records, words
from analyser.flows.states import expected_ports
from analyser.machine.native import kernel
from analyser.tables import SIGHTS

Array = NDArray[Any]

_ENDS: Final = {"low": ("a0", "a1"), "high": ("b0", "b1")}
_COLUMNS: Final = tuple(
    name for name in SIGHT.names or () if name not in {*sum(_ENDS.values(), ()), "flows", "packets"}
)
"""Facts of a sight that stand in a table of sights."""

_FACTS: Final = ("spoke", "path", "rst_path", "ttl_min", "ttl_max", "copy_path", "copy_ttl")


class Alike(NamedTuple):
    """Rows of SIGHT, each different, and of every flow the row that tells of it: -1 for ARP and neighbour discovery."""

    rows: Array
    numbers: NDArray[np.int64]


def alike(records: Records, ports: Mapping[str, frozenset[int]]) -> Alike:
    """Return the sights of flows. ``ports``: responder ports per transport, for flows that were running already."""
    count = len(records)
    rows, numbers = np.zeros(count, SIGHT), np.empty(count, np.int64)
    index = np.zeros(1 << (2 * count + 1).bit_length(), np.uint64)
    different, _ = kernel("alike")(
        records.flows, records.sides, expected_ports(ports), index, rows, words(rows), numbers, secrets.randbits(62)
    )
    return Alike(rows[:different], numbers)


def named(rows: Array) -> pl.DataFrame:
    """Return rows of SIGHT as a table, in their order, with both addresses as text (``low`` and ``high``) for their words."""
    (one, other), (far_one, far_other) = _ENDS.values()
    texts = address_texts(np.append(rows[one], rows[far_one]), np.append(rows[other], rows[far_other]))
    table = pl.DataFrame({name: rows[name] for name in _COLUMNS})
    return table.with_columns(low=texts[: rows.size], high=texts[rows.size :])


def sights(table: pl.DataFrame) -> pl.DataFrame:
    """Return SIGHTS of a table that ``named`` made."""
    return table.select(*_told())


@cache
def _told() -> tuple[pl.Expr, ...]:
    """The columns of SIGHTS, made of those of ``named``: asked for part by part, and making them takes as long as their use."""

    def of(side: str, fact: str) -> pl.Expr:
        near, far = ("high", "low") if side == "orig" else ("low", "high")
        return pl.when(pl.col("opened") == 1).then(f"{near}{fact}").otherwise(f"{far}{fact}")

    told = {f"{side}_{fact}": of(side, f"_{fact}") for side in ("orig", "resp") for fact in _FACTS}
    told |= {
        "id.orig_h": of("orig", ""),
        "id.resp_h": of("resp", ""),
        "tcp": pl.col("tcp"),
        "loopback": pl.col("loopback"),
    }
    return tuple(told[name].cast(kind).alias(name) for name, kind in SIGHTS.items())
