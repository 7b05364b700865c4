"""The packets of one side of each conversation at each point: what order, clocks, witnesses and losses are read from.

Knows FLOWS with ``point`` and ``group``. It must not know what follows from them.
"""

from __future__ import annotations

import socket
from typing import Final

import polars as pl

INITIAL_TTLS: Final = (64, 128, 255)
"""Initial TTLs that common stacks use; a packet that still has one has crossed no router."""

ENDS: Final = ("from_h", "to_h")

EVENTS: Final = ("first_t", "last_t", "syn_t", "data_t", "data_last_t", "fin_t")
"""Moments of a side that are the same packet at two points, if both saw as many packets of it."""


def network(address: str) -> str:
    """Name the network of an address: its /24, or its /64 for IPv6."""
    try:
        return socket.inet_pton(socket.AF_INET6, address)[:8].hex()
    except OSError:
        return address.rpartition(".")[0]


def sides_of(flows: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each side of each row of ``flows`` that sent packets.

    ``row``, ``point``, ``group``, ``from_orig``, ``from_h``, ``to_h``, ``from_n``, ``to_n`` (their networks), ``pkts``, ``dups``,
    ``ttl`` (the highest of packets that are no resets; 0 if none), ``rtt`` (s, or null), and EVENTS (ns, 0 where not seen).
    """
    addresses = pl.concat([flows["id.orig_h"], flows["id.resp_h"].alias("id.orig_h")]).unique()
    networks = pl.Series([network(address) for address in addresses.to_list()], dtype=pl.String)
    rows = flows.lazy().with_row_index("row")
    parts = [
        rows.filter(pl.col(f"{side}_pkts") > 0).select(
            "row", "point", "group",
            pl.lit(side == "orig").alias("from_orig"),
            from_h=f"id.{side}_h", to_h=f"id.{other}_h", pkts=f"{side}_pkts", dups=f"{side}_dups",
            ttl=f"{side}_ttl_max", rtt="rtt", **{name: f"{side}_{name}" for name in EVENTS},
        )
        for side, other in (("orig", "resp"), ("resp", "orig"))
    ]  # fmt: skip
    named = {"from_n": "from_h", "to_n": "to_h"}
    return pl.concat(parts).with_columns(
        pl.col(address).replace_strict(addresses, networks, return_dtype=pl.String).alias(name)
        for name, address in named.items()
    ).collect()  # fmt: skip


def pairs_of(sides: pl.DataFrame) -> pl.DataFrame:
    """Return the sides that two points saw, each pair of points once, ``point`` < ``point_2``; columns of the second end in ``_2``.

    What points tell from different initiators is left out.
    """
    mine = sides.select(
        "group", "point", "from_orig", *ENDS, "from_n", "to_n", "pkts", "dups", "ttl", "rtt", *EVENTS, "row"
    )
    met = mine.join(mine, on=["group", "from_orig"], suffix="_2").filter(
        pl.col("point") < pl.col("point_2"),
        (pl.col("from_h") == pl.col("from_h_2")) | (pl.col("to_h") == pl.col("to_h_2")),
    )
    return met.sort("group", "from_orig", "point", "point_2")
