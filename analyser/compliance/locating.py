"""Flows as conversations between parties of a site.

Knows the flow table and the directory; knows no rules. Each distinct address is looked up once.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.compliance.parties import LOOPBACK, Directory, Kind
from analyser.model.service import Basis

LOCATED: Final[tuple[str, ...]] = (
    "serial",
    "ts",
    "last_t",
    "ini",
    "ini_place",
    "res",
    "res_place",
    "orig",
    "resp",
    "proto",
    "port",
    "source",
    "family",
    "local",
    "translated",
    "label",
    "service",
    "basis",
    "bytes",
    "packets",
    "payload",
    "asked",
    "answered",
)
"""Columns of the located flows.

``ini`` and ``res`` are parties (or UNLISTED, CAST, LOOPBACK), ``*_place`` the address where a party has many
clients. ``port`` is null where the transport has none; ``source`` is the initiator's port, for ICMP its type.
``local``: inside one machine. ``translated``: the address stands for a network. ``label``: a service proved by bytes.
``bytes`` and ``packets`` count both sides, headers included; ``payload`` the bytes inside.
``asked`` and ``answered``: packets of the initiator and of the responder were seen.
"""

_WITH_PORTS: Final[tuple[str, ...]] = ("tcp", "udp")


def locate(flows: pl.DataFrame, directory: Directory) -> pl.DataFrame:
    """Return one row per row of ``flows`` (FLOWS and LABELS), in their order, with the columns ``LOCATED``."""
    parties = _addresses(flows, directory)
    hosts = [party.number for party in directory.parties if party.kind is Kind.HOST]
    inside = pl.col("ini") == pl.col("res")
    return (
        flows.select(
            "serial",
            "ts",
            "last_t",
            "proto",
            "loopback",
            "service",
            "basis",
            orig="id.orig_h",
            resp="id.resp_h",
            source="id.orig_p",
            port=pl.when(pl.col("proto").is_in(_WITH_PORTS)).then("id.resp_p").cast(pl.Int32),
            label=pl.when(pl.col("basis") == Basis.PAYLOAD).then("service"),
            bytes=pl.col("orig_ip_bytes") + pl.col("resp_ip_bytes"),
            packets=pl.col("orig_pkts") + pl.col("resp_pkts"),
            asked=pl.col("orig_pkts") > 0,
            answered=pl.col("resp_pkts") > 0,
            payload=pl.col("orig_bytes") + pl.col("resp_bytes"),
            family=pl.when(pl.col("id.orig_h").str.contains(":", literal=True))
            .then(pl.lit("6"))
            .otherwise(pl.lit("4")),
        )
        .join(
            parties.select(
                orig="address",
                ini=pl.coalesce("origin", "party"),
                ini_place="origin_place",
                translated=pl.col("origin").is_not_null(),
            ),
            on="orig",
            how="left",
            maintain_order="left",
        )
        .join(
            parties.select(resp="address", res="party", res_place="place"),
            on="resp",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            local=(pl.col("ini") == LOOPBACK)
            | (pl.col("res") == LOOPBACK)
            | (inside & pl.col("ini").is_in(hosts))
            | (inside & pl.col("loopback") & (pl.col("ini_place") == pl.col("res_place")))
        )
        .select(LOCATED)
    )


def _addresses(flows: pl.DataFrame, directory: Directory) -> pl.DataFrame:
    """Return each address of the flows with its party and, where it stands for a network, that network."""
    unique = pl.concat([flows["id.orig_h"], flows["id.resp_h"].alias("id.orig_h")]).unique().to_list()
    at_home = directory.capture_party
    rows = []
    for address in unique:
        party = directory.owner(address)
        origin = next(iter(directory.origins(address)), None)
        place = directory.place(party, address)
        if party == LOOPBACK and at_home is not None:
            party, place = at_home, directory.capture_address or ""
        rows.append((address, party, place, origin, place if origin is None else address))
    return pl.DataFrame(
        rows,
        schema={
            "address": pl.String,
            "party": pl.Int32,
            "place": pl.String,
            "origin": pl.Int32,
            "origin_place": pl.String,
        },
        orient="row",
    )


def shared_origins(directory: Directory, flows: pl.DataFrame) -> pl.DataFrame:
    """Return further initiators (``orig``, ``ini``) of addresses that stand for more than one network."""
    rows = [
        (address, number) for address in flows["orig"].unique().to_list() for number in directory.origins(address)[1:]
    ]
    return pl.DataFrame(rows, schema={"orig": pl.String, "ini": pl.Int32}, orient="row")
