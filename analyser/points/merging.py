"""One row for each conversation, and the tables beside it, out of what several points showed.

The row is that of the point which shows most: both sides before one, and of what nobody answered the point that it reached
last. Where one point shows one side and another the other, the row has both. Knows tables and groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from analyser.points.numbering import Point
from analyser.points.order import KEY, Order
from analyser.points.sides import network
from analyser.tables import CROSSINGS, FLOWS, LABELS, SIDE_COLUMNS

_OF_RESP: Final = (*(f"resp_{name}" for name in SIDE_COLUMNS), "resp_bytes", "resp_pkts", "resp_ip_bytes")
_OF_ICMP: Final = ("icmp_type", "icmp_code", "icmp_sender", "icmp_t", "icmp_frame", "icmp_file", "icmp_about_orig")
_SHOWING: Final = ("orig_syn", "orig_data", "resp_syn", "resp_data", "orig_rst", "resp_rst")
_NARROW: Final = (
    "serial", "point", "group", "travels", "translated", "turned", "basis", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p",
    "orig_pkts", "resp_pkts", "icmp_errors", *_OF_ICMP, *(f"{slot}_{part}" for slot in _SHOWING for part in ("file", "frame")),
)  # fmt: skip


class Merged(NamedTuple):
    """FLOWS and LABELS, ICMP_ERRORS, PROMISES, REQUESTS and CROSSINGS of all points."""

    flows: pl.DataFrame
    icmp_errors: pl.DataFrame
    promises: pl.DataFrame
    requests: pl.DataFrame
    crossings: pl.DataFrame


def merge(
    points: Sequence[Point], flows: pl.DataFrame, order: Order, near: pl.DataFrame, shown: pl.DataFrame
) -> Merged:
    """Return each conversation once.

    ``flows``: of all points, with ``point``, ``group``, ``travels``, ``translated``, ``turned``. ``shown``: CROSSINGS by ``group``.
    """
    # what one point lacks of a dialogue another one may have
    flows = flows.with_columns(pl.col("partly_heard").all().over("group"))
    ranked = _ranked(flows, order)
    chosen = ranked.unique("group", keep="first", maintain_order=True)
    serials = dict(
        ranked.select("serial", "group").join(chosen.select("group", stays="serial"), on="group").select("serial", "stays").iter_rows()
    ) if len(chosen) < len(ranked) else {}  # fmt: skip
    standing = flows.join(chosen.select("serial"), on="serial", how="semi", maintain_order="left")
    whole = _with_errors(_with_answers(standing, ranked, flows), ranked)
    told = whole.select(*FLOWS, *LABELS).sort("ts", "serial")

    def renamed(table: pl.DataFrame, *names: str) -> pl.DataFrame:
        return table.with_columns(pl.col(name).replace(serials) for name in names) if serials else table

    told = renamed(told, "negotiated_by")
    turned = pl.col("serial").is_in(ranked.filter("turned")["serial"].implode())
    errors = pl.concat([point.icmp_errors for point in points]).with_columns(about_orig=pl.col("about_orig") ^ turned)
    errors = renamed(errors, "serial")
    promises = renamed(pl.concat([point.promises for point in points]), "control", "kept_by")
    return Merged(
        flows=told,
        icmp_errors=errors.sort("t", "file", "frame"),
        promises=_once(promises),
        requests=pl.concat([point.requests for point in points])
        .join(told.select("serial"), on="serial", how="semi")
        .sort("t", "file", "frame"),
        crossings=_crossings(chosen, ranked, near, shown),
    )


def _ranked(flows: pl.DataFrame, order: Order) -> pl.DataFrame:
    """Return all rows, those of a group in the order in which they may stand for it, with ``rank`` on the initiator's way.

    Only the columns that are looked at beside others: rows of ``flows`` are wide.
    """
    flows = flows.select(_NARROW)
    addresses = pl.concat([flows["id.orig_h"], flows["id.resp_h"].alias("id.orig_h")]).unique()
    names = pl.Series([network(address) for address in addresses.to_list()], dtype=pl.String)
    several = flows.filter(pl.len().over("group") > 1).with_columns(from_h="id.orig_h", to_h="id.resp_h")
    several = several.with_columns(
        pl.col(f"{end}_h").replace_strict(addresses, names, return_dtype=pl.String).alias(f"{end}_n")
        for end in ("from", "to")
    )
    ranks = (
        several.select("serial", *KEY, "point")
        .join(order.ranks(several), on=[*KEY, "point"], how="left")
        .select("serial", "rank")
    )
    ranked = flows.join(ranks, on="serial", how="left", maintain_order="left").with_columns(pl.col("rank").fill_null(0))
    both = (pl.col("orig_pkts") > 0) & (pl.col("resp_pkts") > 0)
    quiet = (pl.col("resp_pkts") == 0).all().over("group")
    return ranked.sort(
        "group",
        pl.when("translated").then("rank").otherwise(0),
        ~both,
        "turned",
        pl.when(quiet).then(-pl.col("rank")).otherwise(0),
        (pl.col("basis") != "payload").fill_null(value=True),
        -(pl.col("orig_pkts") + pl.col("resp_pkts")).cast(pl.Int64),
        "rank",
        "point",
        maintain_order=True,
    )


def _with_answers(standing: pl.DataFrame, rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """Give rows of which only one side was seen the other side from a point that saw it."""
    both = (pl.col("orig_pkts") > 0) & (pl.col("resp_pkts") > 0)
    sides = rows.filter(~both.any().over("group"))
    first = {
        side: sides.filter(pl.col(f"{side}_pkts") > 0).unique("group", keep="first", maintain_order=True).select("serial", "group")
        for side in ("orig", "resp")
    }  # fmt: skip
    halves = {
        side: flows.join(mine.join(first[other], on="group", how="semi").select("serial"), on="serial", how="semi")
        for side, other, mine in (("orig", "resp", first["orig"]), ("resp", "orig", first["resp"]))
    }
    if halves["orig"].is_empty():
        return standing
    there = ("ts", "last_t", "by_syn", "guessed", *LABELS)
    answers = halves["resp"].select("group", *_OF_RESP, *(pl.col(name).alias(f"{name}_there") for name in there))
    whole = halves["orig"].drop(_OF_RESP).join(answers, on="group", how="inner")
    better = pl.col("service").is_null() & pl.col("service_there").is_not_null()
    whole = whole.with_columns(
        pl.min_horizontal("ts", "ts_there").alias("ts"),
        pl.max_horizontal("last_t", "last_t_there").alias("last_t"),
        by_syn=pl.col("by_syn") | pl.col("by_syn_there"),
        guessed=pl.col("guessed") & pl.col("guessed_there"),
        rtt=pl.lit(None, pl.Float64),
        **{name: pl.when(better).then(f"{name}_there").otherwise(name) for name in LABELS},
    ).with_columns(duration=(pl.col("last_t") - pl.col("ts")) / 1e9)
    return pl.concat([standing.join(whole, on="group", how="anti"), whole.select(standing.columns)])


def _with_errors(standing: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows the ICMP errors that any point saw: their number where most were seen, and the first of them."""
    quoted = rows.filter(pl.col("icmp_errors") > 0).sort("icmp_t", "icmp_file", "icmp_frame")
    if quoted.is_empty():
        return standing
    names = ("icmp_errors", *_OF_ICMP)
    first = quoted.group_by("group", maintain_order=True).agg(pl.max("icmp_errors"), pl.first(*_OF_ICMP))
    met = standing.select("group", *names).join(first, on="group", how="left", suffix="_any", maintain_order="left")
    known = pl.col("icmp_errors_any").is_not_null()
    return standing.with_columns(
        met.select(pl.when(known).then(f"{name}_any").otherwise(name).alias(name) for name in names)
    )


def _once(promises: pl.DataFrame) -> pl.DataFrame:
    """Return each promise once, a kept one before one that nobody kept."""
    key = ["control", "kind", "initiator", "responder", "announced", "port"]
    numbered = promises.sort("t", "file", "frame").with_columns(
        n=pl.int_range(pl.len()).over("control", "kind", "port", "file")
    )
    kept = numbered.sort(pl.col("kept_by").is_null(), maintain_order=True).unique(
        [*key, "n"], keep="first", maintain_order=True
    )
    return kept.drop("n").sort("t", "file", "frame")


def _crossings(chosen: pl.DataFrame, rows: pl.DataFrame, near: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Return CROSSINGS of rows of which several points tell something."""
    lead = chosen.select(
        "group",
        "serial",
        "point",
        "translated",
        "id.orig_h",
        "id.orig_p",
        "id.resp_h",
        "id.resp_p",
        "resp_pkts",
        "travels",
    )
    told = lead.join(shown, on="group", how="left")
    told = told.join(_seen_as(lead, rows), on="group", how="left").join(_others(lead, rows), on="group", how="left")
    told = told.with_columns(elsewhere=pl.col("group").is_in(_elsewhere(lead, rows, near).implode()))
    kept = told.filter(pl.col("shown").is_not_null() | pl.col("seen_as").is_not_null() | pl.col("elsewhere"))
    filled = kept.with_columns(
        pl.col("shown", "near", "far").fill_null(0), pl.col("sure").fill_null(value=False), pl.col("seen_at").fill_null(0),
        pl.col("other_files", "other_frames").fill_null([]),
    )  # fmt: skip
    return filled.select(pl.col(name).cast(kind) for name, kind in CROSSINGS.items()).sort("serial")


def _seen_as(lead: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """How another point shows the end that is translated there: ``group``, ``seen_as``, ``seen_at``."""
    other = rows.filter("translated").join(
        lead.select("group", lead_point="point", **{f"lead_{end}_{part}": f"id.{end}_{part}" for end in ("orig", "resp") for part in "hp"}),
        on="group",
    )  # fmt: skip
    differs = {end: pl.col(f"id.{end}_h") != pl.col(f"lead_{end}_h") for end in ("orig", "resp")}

    def name(end: str) -> pl.Expr:
        host = pl.col(f"id.{end}_h")
        shown = pl.when(host.str.contains(":", literal=True)).then("[" + host + "]").otherwise(host)
        return shown + ":" + pl.col(f"id.{end}_p").cast(pl.String)

    rows = other.filter(pl.col("point") != pl.col("lead_point"), differs["orig"] | differs["resp"]).select(
        "group", seen_as=pl.when(differs["orig"]).then(name("orig")).otherwise(name("resp")), seen_at="point"
    )
    return rows.unique("group", keep="first", maintain_order=True)


def _others(lead: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Packets of a conversation at the points that do not stand for it: ``group``, ``other_files``, ``other_frames``."""
    rows = rows.filter(~pl.col("translated")).join(lead.select("group", lead_point="point"), on="group")
    rows = rows.filter(pl.col("point") != pl.col("lead_point"))
    packets = [rows.select("group", file=f"{slot}_file", frame=f"{slot}_frame") for slot in _SHOWING]
    found = pl.concat(packets).filter(pl.col("frame") > 0).unique().sort("group", "file", "frame")
    return found.group_by("group", maintain_order=True).agg(other_files="file", other_frames="frame")


def _elsewhere(lead: pl.DataFrame, rows: pl.DataFrame, near: pl.DataFrame) -> pl.Series:
    """Groups whose responder is near points, but near none that saw the request."""
    quiet = lead.filter("travels", pl.col("resp_pkts") == 0).select("group", "id.resp_h")
    known = quiet.join(near.select(host="host").unique(), left_on="id.resp_h", right_on="host", how="semi")
    asked = rows.filter(pl.col("orig_pkts") > 0).select("group", "point", "id.resp_h")
    there = asked.join(near, left_on=["point", "id.resp_h"], right_on=["point", "host"], how="semi")
    return known.join(there, on="group", how="anti")["group"]
