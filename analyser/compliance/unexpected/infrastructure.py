"""Traffic that no rule ordered and nobody minds: what keeps a network alive, health probes, loopback, strays.

Knows located flows, the infrastructure packs and the directory; gives names for counting, never verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from analyser.compliance.parties import CAST, Directory
from analyser.model.rule import Infrastructure, RulePack
from analyser.model.service import Service
from analyser.model.site import Site
from analyser.model.vocabulary import host_matches

LOOPBACK_TRAFFIC: Final = "loopback"
HEALTH_PROBE: Final = "health-probe"
STRAY: Final = "stray-segment"
ICMP: Final = "icmp"

_ECHO_REPLIES: Final = {"icmp": (0,), "icmp6": (129,)}
_ICMP_ERRORS: Final = {"icmp": (3, 4, 5, 11, 12), "icmp6": (1, 2, 3, 4, 137)}
"""Messages about other flows (RFC 792, RFC 4443), redirects included; those that quote a flow are judged with it."""

_UNREVEALING: Final = (Service.OPAQUE.value, Service.TLS.value)


def name_infrastructure(
    rest: pl.DataFrame,
    located: pl.DataFrame,
    states: pl.DataFrame,
    packs: Sequence[RulePack],
    site: Site,
    directory: Directory,
    matrix_ports: frozenset[int],
) -> pl.DataFrame:
    """Return ``serial`` and ``service`` of the flows of ``rest`` that are infrastructure.

    ``rest`` are located flows in scope that no rule explains, ``located`` all of the capture,
    ``states`` what the judge says of each flow, ``matrix_ports`` the ports of the matrix.
    """
    strays = states.filter(~pl.col("attempt")).select("serial")
    probing = (pl.col("orig").is_in(sorted(directory.probes)) & (pl.col("payload") == 0)) | (
        pl.col("orig").is_in(sorted(directory.checkers)) & pl.col("port").is_in(sorted(matrix_ports))
    )
    named = [
        _as(rest.filter(pl.col("local")), LOOPBACK_TRAFFIC),
        _as(rest.filter((pl.col("proto") == "tcp") & probing), HEALTH_PROBE),
        _by_pack(rest, [entry for pack in packs for entry in pack.infrastructure], site, directory),
        _icmp(rest),
        answers_to_groups(located, located).join(rest, on="serial", how="semi"),
        _as(rest.filter(pl.col("proto") == "tcp").join(strays, on="serial", how="semi"), STRAY),
    ]
    return pl.concat(named).unique("serial", keep="first", maintain_order=True)


def _as(flows: pl.DataFrame, service: str) -> pl.DataFrame:
    return flows.select("serial", service=pl.lit(service))


def _by_pack(rest: pl.DataFrame, entries: Sequence[Infrastructure], site: Site, directory: Directory) -> pl.DataFrame:
    """Return flows that an infrastructure entry names by port (ICMP: type), unless their bytes say otherwise."""
    number = pl.when(pl.col("proto").str.starts_with("icmp")).then(pl.col("source").cast(pl.Int32)).otherwise("port")
    keyed = rest.with_columns(kind=number)
    to_anyone = _entries(entry for entry in entries if not entry.responder)
    to_role = _entries(entry for entry in entries if entry.responder)
    holders = pl.DataFrame(
        [
            (entry.id, party.number)
            for entry in entries
            for party in directory.parties
            if entry.responder and host_matches(entry.responder, party.roles, site.features)
        ],
        schema={"entry": pl.String, "res": pl.Int32},
        orient="row",
    )
    found = [
        keyed.join(to_anyone.drop_nulls("kind"), on=["proto", "kind"], how="inner"),
        keyed.join(to_anyone.filter(pl.col("kind").is_null()).drop("kind"), on="proto", how="inner").select(
            *keyed.columns, "entry", "named"
        ),
        keyed.join(to_role, on=["proto", "kind"], how="inner").join(holders, on=["entry", "res"], how="semi"),
    ]
    plausible = pl.col("label").is_null() | (pl.col("label") == pl.col("named")) | pl.col("label").is_in(_UNREVEALING)
    return pl.concat(found).filter(plausible | ~pl.col("named").is_in(_PROVABLE)).select("serial", service="named")


_PROVABLE: Final = tuple(sorted(service.value for service in Service))


def _entries(entries: Iterable[Infrastructure]) -> pl.DataFrame:
    rows = [
        (str(entry.transport), port, entry.id, entry.service) for entry in entries for port in (entry.ports or (None,))
    ]
    schema = {"proto": pl.String, "kind": pl.Int32, "entry": pl.String, "named": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _icmp(rest: pl.DataFrame) -> pl.DataFrame:
    """Return echo replies without their request, and errors that quote no flow of the capture."""
    kinds = [
        (pl.col("proto") == proto) & pl.col("source").is_in(types)
        for table in (_ECHO_REPLIES, _ICMP_ERRORS)
        for proto, types in table.items()
    ]
    return _as(rest.filter(pl.any_horizontal(kinds)), ICMP)


def answers_to_groups(flows: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
    """Return ``serial`` and ``service`` of unicast datagrams that answer what their receiver sent to a group.

    Both are located flows (or hold their ``serial``); only those of ``questions`` to a group address are looked at.
    An answer may have been told as one of the asker's own flows, of which only the responder was seen.
    """
    flows = flows.filter(pl.col("proto") == "udp")
    asked = flows.join(questions.select("serial").unique(), on="serial", how="semi").filter(pl.col("res") == CAST)
    keys = asked.select(
        "proto", "source", "port", asker="orig", asked_for=pl.coalesce("service", pl.lit("discovery"))
    ).unique(["proto", "asker", "source", "port"])
    turned = keys.select(
        "proto", "asked_for", resp="asker", port=pl.col("source").cast(pl.Int32), source=pl.col("port").cast(pl.UInt16)
    )
    unasked = flows.filter(~pl.col("asked"), pl.col("res") != CAST)
    found = [
        flows.join(turned, on=["proto", "resp", "port", "source"], how="inner"),
        unasked.join(keys.rename({"asker": "orig"}), on=["proto", "orig", "port", "source"], how="inner"),
    ]
    return pl.concat([part.select("serial", service="asked_for") for part in found]).unique(
        "serial", maintain_order=True
    )
