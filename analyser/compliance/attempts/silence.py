"""What it means that nothing came back: the first line that fits.

1. too early to tell; 2. nobody could have been heard; 3. the service may stay silent by design; 4. the responder
lives; 5. it was never heard at all. Silence alone never proves a firewall: each line says only what the capture
bears, and where the responder's own segment is captured the request did arrive.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.compliance.attempts.outcomes import Outcome
from analyser.compliance.attempts.vantage import Vantage

PATIENCE: Final = 3_000_000_000
"""Nanoseconds of capture that must follow a first SYN or request before its silence says anything."""


def _seen(frame: pl.LazyFrame, facts: pl.DataFrame, left: list[str], right: list[str], name: str) -> pl.LazyFrame:
    """Add column ``name``: whether a row of ``facts`` agrees with the row on the given keys."""
    known = facts.lazy().select(right).unique().with_columns(pl.lit(value=True).alias(name))
    met = frame.join(known, left_on=left, right_on=right, how="left", maintain_order="left")
    return met.with_columns(pl.col(name).fill_null(value=False))


def _same_wire(quiet: pl.LazyFrame, vantage: Vantage) -> pl.LazyFrame:
    """Add ``witness_near`` and ``witness_hop``: somebody was heard where the answer would have come along.

    ``near``: somebody of the responder's network; ``hop``: anybody through the same next hop. Where the capture has
    no MACs (cooked, raw) the next hop is unknown and cannot contradict; neighbours on one segment answer each under
    their own MAC, so there any neighbour that spoke to the initiator itself will do.
    """
    on_wire = ["interface", "vlan"]
    arrivals = vantage.heard_on.select("from_net", "to_net", "to_host", "src_mac", *on_wire).unique()
    key = ["orig_host", "orig_net", "resp_net", "orig_path"]
    places = vantage.paths.select("dst_mac", *on_wire, orig_path="path")
    wires = quiet.select(key).unique().collect().join(places, on="orig_path", how="inner")
    routed = wires.join(vantage.next_hops, on=[*on_wire, "dst_mac"], how="inner")
    local = wires.filter(pl.col("orig_net") == pl.col("resp_net"))
    no_mac = wires.filter(pl.col("dst_mac") == 0)
    no_mac_routed = no_mac.filter(pl.col("orig_net") != pl.col("resp_net"))

    def among(candidates: pl.DataFrame, left: list[str], right: list[str]) -> pl.DataFrame:
        met = candidates.join(arrivals, left_on=[*left, *on_wire], right_on=[*right, *on_wire], how="semi")
        return met.select(key)

    near = [
        among(routed, ["orig_net", "resp_net", "src_mac"], ["to_net", "from_net", "src_mac"]),
        among(no_mac_routed, ["orig_net", "resp_net"], ["to_net", "from_net"]),
        among(local, ["orig_host", "resp_net"], ["to_host", "from_net"]),
    ]
    hop = [
        among(routed, ["orig_net", "src_mac"], ["to_net", "src_mac"]),
        among(no_mac, ["orig_host"], ["to_host"]),
    ]
    return _seen(_seen(quiet, pl.concat(near), key, key, "witness_near"), pl.concat(hop), key, key, "witness_hop")


def witnesses(quiet: pl.LazyFrame, vantage: Vantage) -> pl.LazyFrame:
    """Add ``witness``: whether an answer would have been seen.

    It would, if the responder was heard speaking to the initiator's network, or its network along the way on which
    the answer would come, or, where the initiator's own segment is captured, anyone through the same next hop.
    """
    quiet = _same_wire(quiet, vantage)
    quiet = _seen(quiet, vantage.heard, ["resp_host", "orig_net"], ["from_host", "to_net"], "witness_self")
    quiet = _seen(quiet, vantage.own_segment, ["orig_host"], ["host"], "orig_own")
    return quiet.with_columns(
        witness=pl.col("witness_self") | pl.col("witness_near") | (pl.col("orig_own") & pl.col("witness_hop"))
    )


def _arrivals(quiet: pl.LazyFrame, vantage: Vantage) -> pl.LazyFrame:
    """Add ``arrived``: the request was seen on the responder's own segment."""
    own = vantage.own_segment
    anywhere = own.filter(pl.col("interface").is_null())
    quiet = quiet.join(
        vantage.paths.lazy().select("path", "interface", "vlan", "dst_mac"),
        left_on="orig_path",
        right_on="path",
        how="left",
        maintain_order="left",
    )
    placed = own.filter(pl.col("interface").is_not_null())
    quiet = _seen(quiet, anywhere, ["resp_host"], ["host"], "own_anywhere")
    quiet = _seen(quiet, placed, ["resp_host"], ["host"], "own_somewhere")
    quiet = _seen(quiet, placed, ["resp_host", "interface", "vlan"], ["host", "interface", "vlan"], "own_here")
    quiet = _seen(
        quiet, _routers(vantage), ["interface", "vlan", "dst_mac"], ["interface", "vlan", "src_mac"], "to_router"
    )
    named = placed.filter(pl.col("src_mac") > 0)
    quiet = _seen(quiet, named, ["resp_host"], ["host"], "own_named")
    quiet = _seen(quiet, named, ["resp_host", "dst_mac"], ["host", "src_mac"], "to_itself")
    # A copy of the request means that it passed a second capture point.
    elsewhere = pl.col("own_somewhere") & ((pl.col("orig_dups") > 0) | pl.col("interface").is_null())
    # Several points may share an interface number, and show a router's MAC on one of them: on the responder's segment a
    # request is addressed to the responder, and to no router.
    to_other = pl.col("own_named") & ~pl.col("to_itself") & (pl.col("dst_mac") > 0).fill_null(value=False)
    here = (pl.col("own_here") | pl.col("own_anywhere")) & ~pl.col("to_router") & ~to_other
    return quiet.with_columns(arrived=here | elsewhere).drop("interface", "vlan", "dst_mac", "to_router")


def _routers(vantage: Vantage) -> pl.DataFrame:
    """MACs that speak for more than one host: ``interface``, ``vlan``, ``src_mac``."""
    speakers = vantage.heard_on.filter(pl.col("src_mac") != 0).group_by("interface", "vlan", "src_mac")
    return speakers.agg(pl.col("from_host").n_unique()).filter(pl.col("from_host") > 1)


def _credentials(quiet: pl.LazyFrame, answered: pl.LazyFrame) -> pl.LazyFrame:
    """Add ``known_request`` and ``other_credential``: what the same service answered to others, to other credentials."""
    key = ["resp_host", "port"]
    same = (
        answered.group_by([*key, "credential"])
        .agg(askers=pl.col("orig_host").n_unique(), asker=pl.col("orig_host").first())
        .with_columns(pl.col("credential").cast(pl.UInt64))
    )
    quiet = quiet.join(same, on=[*key, "credential"], how="left", maintain_order="left")
    others = answered.group_by(key).agg(credentials=pl.col("credential").n_unique(), one=pl.col("credential").first())
    quiet = quiet.join(others, on=key, how="left", maintain_order="left")
    return quiet.with_columns(
        known_request=((pl.col("askers") > 1) | (pl.col("asker") != pl.col("orig_host"))).fill_null(value=False),
        other_credential=((pl.col("credentials") > 1) | (pl.col("one") != pl.col("credential"))).fill_null(value=False),
    )


def _host_silent(quiet: pl.LazyFrame, vantage: Vantage) -> pl.LazyFrame:
    """Add ``unresolved``: somebody asked for the responder's address by ARP or neighbour discovery, in vain."""
    asked = vantage.asked_in_vain.select("target")
    return _seen(quiet, asked, ["resp_h"], ["target"], "unresolved")


def explain(quiet: pl.DataFrame, answered: pl.DataFrame, vantage: Vantage) -> pl.DataFrame:
    """Say what each silence means.

    ``quiet``: attempts to which nothing came back: ``attempt_id``, ``t`` (first sending, ns), ``until`` (when the
    capture after it ended, ns), ``resp_h``, ``port``, ``orig_path``, ``orig_dups``, ``group_address``, ``credential`` (null where unknown), and the ends as
    ``vantage.ends_of`` numbers them. ``answered``: requests that were answered: ``port``, ``credential`` and their
    ends. Gives ``attempt_id``, ``loud`` and ``silent`` (the outcome for services that must answer and for those
    that may stay silent), ``arrived``.
    """
    known = _arrivals(witnesses(quiet.lazy(), vantage), vantage)
    known = _host_silent(_credentials(known, answered.lazy()), vantage)
    heard = vantage.heard
    known = _seen(known, heard, ["resp_host"], ["from_host"], "alive")
    known = _seen(known, heard, ["resp_host", "orig_host"], ["from_host", "to_host"], "alive_to_us")

    early = pl.col("until") - pl.col("t") < PATIENCE
    unheard = ~pl.col("witness") | pl.col("group_address")
    loud = (
        pl.when(early).then(int(Outcome.PENDING))
        .when(unheard).then(int(Outcome.NO_WITNESS))
        .when("alive_to_us").then(int(Outcome.NO_ANSWER_TO_US))
        .when("alive").then(int(Outcome.NO_ANSWER_THOUGH_ALIVE))
        .when("unresolved").then(int(Outcome.HOST_SILENT))
        .otherwise(int(Outcome.NOTHING_HEARD))
    )  # fmt: skip
    silent = (
        pl.when(early).then(int(Outcome.PENDING))
        .when(unheard).then(int(Outcome.NO_WITNESS))
        .when("known_request").then(int(Outcome.NO_ANSWER_TO_KNOWN_REQUEST))
        .when("other_credential").then(int(Outcome.SILENT_OTHER_CREDENTIAL))
        .otherwise(int(Outcome.SILENT))
    )  # fmt: skip
    outcomes = {"loud": loud.cast(pl.UInt8), "silent": silent.cast(pl.UInt8)}
    return known.select("attempt_id", **outcomes, arrived="arrived").collect()
