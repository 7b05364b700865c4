"""Flows that no rule explains: grouped by ends, transport and port, with state and cause; scans summed up.

Knows located flows, their reasons, and the judge of ports. Weighing and wording happen here too, since an
unexpected flow has no rule that would do it for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from analyser.compliance.drafts import Side
from analyser.compliance.identity import Ids
from analyser.compliance.judge import Demand, Judge
from analyser.compliance.parties import UNLISTED, Directory
from analyser.compliance.reasons import Reasons
from analyser.compliance.sentences import add_expired, tell_unexpected
from analyser.compliance.severity import SEVERITY_ORDER, UNEXPECTED_SEVERITY, rate_unexpected
from analyser.compliance.translation import MOST_TARGETS
from analyser.compliance.waivers import Waivers
from analyser.model.finding import (
    Cause,
    Confidence,
    PortFinding,
    PortState,
    Scan,
    Severity,
    UnexpectedEntry,
    UnexpectedReason,
)
from analyser.model.times import iso_time

_KEY: Final = ("ini", "ini_place", "res", "res_place", "proto", "port")
_MOST_NAMED: Final = 20
_REASON_RANK: Final = {reason: rank for rank, reason in enumerate(UnexpectedReason)}
_WEIGHT: Final = {state.value: SEVERITY_ORDER.index(weight) for state, weight in UNEXPECTED_SEVERITY.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What unexpected flows are judged with."""

    directory: Directory
    judge: Judge
    reasons: Reasons
    waivers: Waivers
    ids: Ids


def report_unexpected(
    rest: pl.DataFrame, states: pl.DataFrame, translated: pl.Series, bench: Bench
) -> tuple[UnexpectedEntry, ...]:
    """Return the entries of ``rest`` (located flows in scope that nothing explains), the heaviest first.

    ``states`` says what each flow looks like by itself, ``translated`` which serials may be translated clients.
    """
    if rest.is_empty():
        return ()
    groups = bench.reasons.classify(_group(rest, states, translated))
    targets = groups.group_by("ini", "ini_place").agg(
        hosts=pl.struct("res", "res_place").n_unique(), ports=pl.struct("proto", "port").n_unique()
    )
    scanners = targets.filter((pl.col("hosts") > MOST_TARGETS) | (pl.col("ports") > MOST_TARGETS))
    ends = ["ini", "ini_place"]
    single = groups.join(scanners, on=ends, how="anti").sort("first", *_KEY)
    entries = [_entry(row, bench) for row in single.iter_rows(named=True)]
    for _, scan in groups.join(scanners, on=ends, how="semi").group_by(ends, maintain_order=True):
        entries.append(_scan(scan, bench))
    return tuple(sorted(entries, key=_place))


def _place(entry: UnexpectedEntry) -> tuple[Any, ...]:
    return (
        SEVERITY_ORDER.index(entry.severity),
        _REASON_RANK[entry.reason],
        entry.initiator.address or "",
        (entry.responder.address or "") if entry.responder else "",
        entry.transport,
        entry.port or 0,
        entry.id,
    )


def _group(rest: pl.DataFrame, states: pl.DataFrame, translated: pl.Series) -> pl.DataFrame:
    weighed = states.select(
        "serial", weight=pl.col("state").replace_strict(_WEIGHT, default=len(SEVERITY_ORDER), return_dtype=pl.Int8)
    )
    return (
        rest.join(weighed, on="serial", how="left")
        .with_columns(mimic=pl.col("serial").is_in(translated.implode()))
        .group_by(_KEY, maintain_order=True)
        .agg(
            pl.col("serial"),
            pl.col("orig").first(),
            pl.col("resp").first(),
            pl.col("label").drop_nulls().first(),
            pl.col("mimic").all(),
            pl.col("weight").min(),
            pl.col("answered").any(),
            flows=pl.len(),
            bytes=pl.col("bytes").sum(),
            first=pl.col("ts").min(),
            last=pl.col("last_t").max(),
        )
    )


def _entry(row: dict[str, Any], bench: Bench) -> UnexpectedEntry:
    reason = UnexpectedReason(row["reason"])
    initiator, responder = _side(row, bench, "ini", "orig"), _side(row, bench, "res", "resp")
    finding = _judge(row, bench)
    rule = bench.reasons.nearest(reason, row["ini"], row["res"], row["proto"], row["port"])
    severity = rate_unexpected(finding.state, lenient=_is_lenient(row, bench))
    covered = bench.waivers.cover(
        (reason.value, rule.id if rule else None),
        initiator=initiator.names,
        responder=responder.names,
        ports=(row["port"],),
    )
    assert initiator.end is not None
    return UnexpectedEntry(
        id=bench.ids.give("unexpected", reason, initiator.key, responder.key, row["proto"], row["port"]),
        reason=reason,
        rule=rule.id if rule else None,
        severity=Severity.OK if covered.note else severity,
        sentence=add_expired(
            tell_unexpected(reason, initiator.end, responder.end, finding, rule, mimic=row["mimic"]), covered.expired
        ),
        initiator=initiator.end,
        responder=responder.end,
        transport=row["proto"],
        port=row["port"],
        state=finding.state,
        cause=finding.cause,
        service=finding.service,
        basis=finding.basis,
        flows=row["flows"],
        bytes=row["bytes"],
        first=iso_time(row["first"]),
        last=iso_time(row["last"]),
        evidence=finding.evidence,
        waiver=covered.note,
    )


def _side(row: dict[str, Any], bench: Bench, party: str, address: str) -> Side:
    end = bench.directory.end(row[party], row[address])
    return Side(end=end, key=end.name or row[address], names=bench.directory.names(row[party], row[address]))


def _is_lenient(row: dict[str, Any], bench: Bench) -> bool:
    """Tell whether a flow weighs a notice at most: a translated client perhaps, or a workstation going outside."""
    if row["mimic"]:
        return True
    leaves = row["ini"] >= 0 and row["res"] == UNLISTED
    return leaves and "workstation" in bench.directory.parties[row["ini"]].roles


def _judge(row: dict[str, Any], bench: Bench) -> PortFinding:
    serials: Sequence[int] = row["serial"]
    if row["port"] is not None:
        return bench.judge.port(serials, Demand(transport=row["proto"], port=row["port"]))
    answered = row["answered"]
    return PortFinding(
        transport=row["proto"],
        port=None,
        state=PortState.OPEN if answered else PortState.UNANSWERED,
        cause=None if answered else Cause.NO_ANSWER,
        confidence=Confidence.LOW,
        attempts=len(serials),
        answered=len(serials) if answered else 0,
        evidence=bench.judge.evidence(serials),
    )


def _scan(groups: pl.DataFrame, bench: Bench) -> UnexpectedEntry:
    """Return one entry for all that one initiator touched, with the evidence of the heaviest of it."""
    ordered = groups.sort("mimic", "weight", "first", *_KEY)
    example = ordered.row(0, named=True)
    finding = _judge(example, bench)
    reason = _commonest(groups["reason"].to_list())
    initiator = _side(example, bench, "ini", "orig")
    hosts = list(dict.fromkeys(ordered["resp"].to_list()))
    ports = list(dict.fromkeys(ordered["port"].drop_nulls().to_list()))
    transports = groups["proto"].unique().to_list()
    one_host = groups.select("res", "res_place").n_unique() == 1
    responder = _side(example, bench, "res", "resp") if one_host else None
    scan = Scan(
        hosts=groups.select("res", "res_place").n_unique(),
        ports=len(ports),
        host_list=tuple(hosts[:_MOST_NAMED]),
        port_list=tuple(sorted(ports[:_MOST_NAMED])),
    )
    transport = transports[0] if len(transports) == 1 else "any"
    port = ports[0] if len(ports) == 1 else None
    lenient = all(_is_lenient(row, bench) for row in _kinds(groups))
    severity = rate_unexpected(finding.state, lenient=lenient)
    covered = bench.waivers.cover(
        (reason.value,),
        initiator=initiator.names,
        responder=responder.names if responder else (),
        ports=ports,
    )
    assert initiator.end is not None
    return UnexpectedEntry(
        id=bench.ids.give("scan", reason, initiator.key, responder.key if responder else "", transport, port),
        reason=reason,
        rule=None,
        severity=Severity.OK if covered.note else severity,
        sentence=add_expired(
            tell_unexpected(reason, initiator.end, responder.end if responder else None, finding, None, scan=scan),
            covered.expired,
        ),
        initiator=initiator.end,
        responder=responder.end if responder else None,
        transport=transport,
        port=port,
        state=finding.state,
        cause=finding.cause,
        service=finding.service,
        basis=finding.basis,
        flows=int(groups["flows"].sum()),
        bytes=int(groups["bytes"].sum()),
        first=iso_time(min(groups["first"].to_list())),
        last=iso_time(max(groups["last"].to_list())),
        evidence=finding.evidence,
        waiver=covered.note,
        scan=scan,
    )


def _kinds(groups: pl.DataFrame) -> Iterable[dict[str, Any]]:
    return groups.select("ini", "res", "mimic").unique().iter_rows(named=True)


def _commonest(reasons: Sequence[str]) -> UnexpectedReason:
    """Return the reason of most groups; among equals, the one that comes first."""
    counted = {word: reasons.count(word) for word in set(reasons)}
    return min((UnexpectedReason(word) for word in counted), key=lambda word: (-counted[word], _REASON_RANK[word]))
