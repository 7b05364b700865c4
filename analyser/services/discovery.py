"""Which services people look for and which devices offer, as DNS-SD tells it (RFC 6763, section 4; RFC 6762).

Knows the types of a print site by name; names of devices and people, which stand beside them, are never returned.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.model.service import Service

TYPES: Final[dict[bytes, str]] = {
    b"_ipp": "_ipp._tcp",
    b"_ipps": "_ipps._tcp",
    b"_printer": "_printer._tcp",
    b"_pdl-datastream": "_pdl-datastream._tcp",
    b"_universal": "_universal._sub._ipp._tcp",
    b"_scanner": "_scanner._tcp",
    b"_uscan": "_uscan._tcp",
    b"_uscans": "_uscans._tcp",
    b"_http": "_http._tcp",
    b"_services": "_services._dns-sd._udp",
}
"""First label of a service type, and the type."""

_TRANSPORTS: Final = (b"\x04_tcp", b"\x04_udp")
_ANSWER: Final = "80"


def sought_and_offered(flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame) -> pl.DataFrame:
    """Return (serial, types) of flows of DNS and multicast DNS that speak of services: "asks _ipp._tcp; offers _ipp._tcp".

    A question that lists the answers it knows asks for their types.
    """
    chosen = flows.select("serial", "proto", service=labels["service"]).filter(
        pl.col("service").is_in([Service.MDNS, Service.DNS]), pl.col("proto") == "udp"
    )
    data = pl.col("data")
    speaking = (
        watched.join(chosen.select("serial"), on="serial", how="semi")  # few: all that is watched is not looked through
        .filter(pl.any_horizontal(data.bin.contains(label) for label in _TRANSPORTS))
        .with_columns(offers=data.bin.slice(2, 1).bin.encode("hex") >= _ANSWER)
    )
    named = (
        speaking.group_by("serial", "offers")
        .agg(data.bin.contains(bytes([len(label)]) + label).any().alias(name) for label, name in TYPES.items())
        .with_columns(
            types=pl.concat_str(
                (pl.when(name).then(pl.lit(name)) for name in TYPES.values()), separator=", ", ignore_nulls=True
            )
        )
        .filter(pl.col("types") != "")
        .sort("serial", "offers")
    )
    told = pl.format("{} {}", pl.when("offers").then(pl.lit("offers")).otherwise(pl.lit("asks")), "types")
    return named.group_by("serial").agg(types=told.str.join("; "))
