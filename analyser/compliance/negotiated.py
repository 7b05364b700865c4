"""Flows to ports that another flow announced: data of FTP, instances behind an SQL Browser, objects of an RMI registry.

Knows promises, located flows and the rules that wait for announced ports. A promise holds for the pair of its
control flow, whatever address the announcing line carries (RFC 959, RFC 2428; MC-SQLR for the browser).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

from analyser.compliance.applying import Applied
from analyser.compliance.matching import FITS, members
from analyser.compliance.parties import Directory
from analyser.model.finding import PortState
from analyser.model.service import Service

_EARLY: Final = 1_000_000_000
_LATE: Final = 300 * 1_000_000_000
"""How long before and after its announcement a flow may begin (ns): clocks of two captures, idle clients. An instance
of a database and a remote object stay where they were said to be; the promise of a data connection is for this transfer."""
_OBJECT: Final = "rmi-stub"
_LASTING: Final = ("sql-browser", _OBJECT)
_AFTER_SESSION: Final = 5 * 1_000_000_000
_FIRST_DYNAMIC: Final = 1024
DATA_LABELS: Final = (Service.FTP_DATA.value, Service.TDS.value, Service.OPAQUE.value, Service.TLS.value)
"""What the bytes of a negotiated connection may look like."""

_FAILED: Final = tuple(
    state.value for state in (PortState.BLOCKED, PortState.REFUSED, PortState.UNANSWERED, PortState.FAILING)
)
_REACHED: Final = (
    PortState.OPEN.value,
    PortState.FAILING.value,
    PortState.WRONG_PROTOCOL.value,
    PortState.INTERMITTENT.value,
    PortState.PROBE_ONLY.value,
)


class Line(NamedTuple):
    """Where a port was announced: serial of the control flow, index of the file, frame."""

    control: int
    file: int
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """What announced ports explain.

    ``fits``: FITS of the rules that wait for announced ports, and of rules whose registry named an object that cannot be
    reached. ``lines``: by rule number and serial, where a port was announced. ``explained``: serials of data connections of
    any expected control flow. ``unkept``: announced ports that nobody tried, by rule number, initiator and responder.
    """

    fits: pl.DataFrame
    lines: dict[tuple[int, int], Line]
    explained: pl.Series
    unkept: dict[tuple[int, int, int], tuple[int, ...]]


def match_promises(
    promises: pl.DataFrame,
    located: pl.DataFrame,
    flows: pl.DataFrame,
    fits: pl.DataFrame,
    states: pl.DataFrame,
    applied: Sequence[Applied],
    directory: Directory,
) -> Negotiated:
    """Return which flows keep which promises.

    ``fits`` are FITS of the rules with ports of their own: their flows can be control flows. ``flows`` is the
    table that ``located`` was made from, ``states`` the state of each flow by ``serial``.
    """
    waiting = [rule for rule in applied if rule.negotiated]
    controls = _waiting_for(waiting, applied)["control_rule"]
    if promises.is_empty() and not fits["number"].is_in(controls.implode()).any():
        # Nobody could announce a port, in the open or unread.
        return Negotiated(fits=fits.clear(), lines={}, explained=fits["serial"].clear(), unkept={})
    announced = _expected(promises, fits, directory)
    kept = _keepers(announced, located, states)
    counted = pl.concat([_for_rules(kept, fits, waiting, applied), _objects_out_of_reach(kept, fits)])
    hidden = _unread(located, flows, fits, states, kept["serial"], waiting, applied)
    return Negotiated(
        fits=pl.concat([counted.select(list(FITS)), hidden]),
        lines={
            (number, serial): Line(*line)
            for number, serial, *line in counted.select("number", "serial", "control", "file", "frame").iter_rows()
        },
        explained=pl.concat([kept["serial"], hidden["serial"]]).unique(),
        unkept=_unkept(announced, kept, fits, waiting, applied),
    )


def _expected(promises: pl.DataFrame, fits: pl.DataFrame, directory: Directory) -> pl.DataFrame:
    """Return the promises of control flows that a rule explains, with the parties of their pair."""
    mine = promises.with_row_index("promise").join(fits.select(control="serial").unique(), on="control", how="semi")
    ends = pl.concat([mine["initiator"], mine["responder"].alias("initiator")]).unique().to_list()
    who = pl.DataFrame(
        [(address, next(iter(directory.origins(address)), directory.owner(address))) for address in ends],
        schema={"address": pl.String, "party": pl.Int32},
        orient="row",
    )
    return (
        mine.with_columns(pl.col("port").cast(pl.Int32), said="t")
        .join(who.select(initiator="address", pledged_ini="party"), on="initiator", how="left", maintain_order="left")
        .join(who.select(responder="address", pledged_res="party"), on="responder", how="left", maintain_order="left")
    )


def _keepers(announced: pl.DataFrame, located: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Return flows beside the promises they keep.

    A flow keeps a promise that the services stage gave it, or by its initiator, port and time. One to a third
    address counts only as long as it did not get through: then nobody ordered it.
    """
    tcp = located.filter(pl.col("proto") == "tcp")
    named = (
        announced.drop_nulls("kept_by")
        .join(tcp, left_on="kept_by", right_on="serial", how="inner")
        .with_columns(serial="kept_by")
    )
    timely = (
        announced.join(tcp, left_on=["initiator", "port"], right_on=["orig", "port"], how="inner")
        .filter(
            (pl.col("resp") == pl.col("responder"))
            | (pl.col("resp") == pl.col("announced"))
            | ((pl.col("res") == pl.col("pledged_res")) & (pl.col("res") >= 0) & (pl.col("res_place") == "")),
            pl.col("ts") >= pl.col("said") - _EARLY,
            (pl.col("ts") <= pl.col("said") + _LATE) | pl.col("kind").is_in(_LASTING),
        )
        .with_columns(orig="initiator")
    )
    columns = ["promise", "control", "initiator", "pledged_ini", "pledged_res", "responder", "port", "serial", "ts"]
    columns += ["orig", "resp", "res", "ini_place", "res_place", "family", "translated", "kind", "file", "frame"]
    third = (pl.col("resp") != pl.col("responder")) & (pl.col("res") != pl.col("pledged_res"))
    return (
        pl.concat([named.select(columns), timely.select(columns)])
        .unique(["promise", "serial"], maintain_order=True)
        .join(states.select("serial", "state"), on="serial", how="left")
        .with_columns(third=third)
        .filter(~(pl.col("third") & pl.col("state").is_in(_REACHED)))
    )


def _waiting_for(waiting: Sequence[Applied], applied: Sequence[Applied]) -> pl.DataFrame:
    """Return for each rule that waits for announcements the number of the rule whose flows make them."""
    numbers = {rule.rule.id: rule.number for rule in applied}
    rows = [(rule.number, numbers[control]) for rule in waiting if (control := announcing_rule(rule)) in numbers]
    return pl.DataFrame(rows, schema={"number": pl.Int32, "control_rule": pl.Int32}, orient="row")


def announcing_rule(rule: Applied) -> str:
    """Return the full id of the rule named in ``negotiated_by``, which may leave out its own pack."""
    named = rule.rule.ports.negotiated_by or ""
    return named if named.startswith(f"{rule.rule.pack}/") else f"{rule.rule.pack}/{named}"


def _by_rule(
    kept: pl.DataFrame, fits: pl.DataFrame, waiting: Sequence[Applied], applied: Sequence[Applied]
) -> pl.DataFrame:
    """Return ``kept`` beside the number of each rule that waits for it and whose ends its pair fits."""
    controls = fits.select(control="serial", control_rule="number").unique()
    return (
        kept.join(controls, on="control", how="inner")
        .join(_waiting_for(waiting, applied), on="control_rule", how="inner")
        .join(members(waiting, "initiator"), left_on=["number", "pledged_ini"], right_on=["number", "ini"], how="semi")
        .join(members(waiting, "responder"), left_on=["number", "pledged_res"], right_on=["number", "res"], how="semi")
    )


def _for_rules(
    kept: pl.DataFrame, fits: pl.DataFrame, waiting: Sequence[Applied], applied: Sequence[Applied]
) -> pl.DataFrame:
    ruled = _by_rule(kept, fits, waiting, applied).with_columns(ini="pledged_ini", res="pledged_res")
    return _counted(ruled)


def _objects_out_of_reach(kept: pl.DataFrame, fits: pl.DataFrame) -> pl.DataFrame:
    """Return remote objects of which some attempt fails, for the rules of the registries that named them.

    No rule waits for their ports; where they can be reached nothing has to be said.
    """
    ends = ("number", "ini", "ini_place", "res")
    of_registry = fits.select(*ends, registry_place="res_place", control="serial").unique(["number", "control"])
    return _counted(
        kept.filter(pl.col("kind") == _OBJECT)
        .filter(pl.col("state").is_in(_FAILED).any().over("initiator", "resp", "port"))
        .drop("ini_place")
        .join(of_registry, on="control", how="inner", maintain_order="left")
        .join(fits.select("number", "serial"), on=["number", "serial"], how="anti")
        .with_columns(res_place="registry_place")
    )


def _counted(kept: pl.DataFrame) -> pl.DataFrame:
    """Return FITS of promises kept, each flow once for a rule, beside the line that announced it."""
    note = pl.when("third").then(pl.lit("announced address is not the control peer"))
    return (
        kept.with_columns(
            res_place=pl.when("third").then("resp").otherwise("res_place"),
            note=note,
            uncertain=pl.lit(value=False),
        )
        .unique(["number", "serial"], maintain_order=True)
        .select(*FITS, "control", "file", "frame")
        .cast(pl.Schema(FITS))
    )


def _unkept(
    announced: pl.DataFrame,
    kept: pl.DataFrame,
    fits: pl.DataFrame,
    waiting: Sequence[Applied],
    applied: Sequence[Applied],
) -> dict[tuple[int, int, int], tuple[int, ...]]:
    left = announced.join(kept.select("promise").unique(), on="promise", how="anti")
    found: dict[tuple[int, int, int], set[int]] = defaultdict(set)
    rows = _by_rule(left, fits, waiting, applied).select("number", "pledged_ini", "pledged_res", "port")
    for number, ini, res, port in rows.unique().iter_rows():
        found[number, ini, res].add(port)
    return {key: tuple(sorted(ports)) for key, ports in found.items()}


def _unread(
    located: pl.DataFrame,
    flows: pl.DataFrame,
    fits: pl.DataFrame,
    states: pl.DataFrame,
    known: pl.Series,
    waiting: Sequence[Applied],
    applied: Sequence[Applied],
) -> pl.DataFrame:
    """Return FITS of high-port flows of a pair whose announcements nobody can read: likely announced, unproved.

    Unread is a control channel that is encrypted, or of which the capture lacks something, be it the answer.
    """
    secret = (pl.col("service") == "tls") | (pl.col("tls_client_hello_t") > 0) | pl.col("tls_version").is_not_null()
    running = (pl.col("proto") == "tcp") & ~pl.col("by_syn")  # before the capture began, whatever was said then
    deaf = (pl.col("proto") == "udp") & (pl.col("state") == PortState.ONE_SIDED)
    unread = (
        flows.select("serial", "proto", "service", "tls_client_hello_t", "tls_version", "partly_heard", "by_syn")
        .join(states.select("serial", "state"), on="serial", how="left")
        .select(
            "serial",
            running=running,
            note=pl.when(secret)
            .then(pl.lit("attributed by time: the control channel is encrypted"))
            .when(pl.col("partly_heard") | running | deaf)
            .then(pl.lit("attributed by time: this capture lacks parts of the control channel")),
        )
        .drop_nulls("note")
    )
    sessions = (
        fits.select("number", "serial")
        .rename({"number": "control_rule"})
        .join(unread, on="serial", how="inner")
        .join(_waiting_for(waiting, applied), on="control_rule", how="inner")
        .join(located.select("serial", "proto", "orig", "resp", "ts", "last_t"), on="serial", how="inner")
        # what a browser told holds as long as the instance stays where it is
        .with_columns(over=pl.when(pl.col("proto") == "tcp").then(pl.col("last_t") + _AFTER_SESSION))
        .with_columns(begun=pl.when(~pl.col("running")).then("ts"), control="serial")
    )
    ends = ("control", "number", "note", "begun", "over")
    same = sessions.select(*ends, "orig", "resp")
    swapped = sessions.select(*ends, orig="resp", resp="orig")
    taken = pl.concat([fits["serial"], known]).unique()
    return (
        located.filter(
            pl.col("proto") == "tcp",
            pl.col("port") >= _FIRST_DYNAMIC,
            pl.col("label").is_null() | pl.col("label").is_in(DATA_LABELS),
            ~pl.col("serial").is_in(taken.implode()),
        )
        .join(pl.concat([same, swapped]), on=["orig", "resp"], how="inner")
        .filter(
            pl.col("begun").is_null() | (pl.col("ts") >= pl.col("begun")),
            pl.col("over").is_null() | (pl.col("ts") <= pl.col("over")),
        )
        .join(members(waiting, "initiator"), on=["number", "ini"], how="semi")
        .join(members(waiting, "responder"), on=["number", "res"], how="semi")
        .sort("note", maintain_order=True)
        .unique(["number", "serial"], maintain_order=True)
        .with_columns(uncertain=pl.lit(value=True))
        .select(list(FITS))
        .cast(pl.Schema(FITS))
    )
