"""Flows that no rule explains: grouped by ends, transport and port, with state and cause.

Knows located flows and their reasons. Weighing and wording happen here too, since an unexpected flow has no rule
that would do it for it.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from analyser.compliance.sentences import add_expired, tell_unexpected
from analyser.compliance.severity import SEVERITY_ORDER, UNEXPECTED_SEVERITY, rate_unexpected
from analyser.compliance.unexpected.bench import Bench, Row
from analyser.compliance.unexpected.scans import sum_up
from analyser.compliance.unexpected.tally import Tally
from analyser.model.finding import PortFinding, Severity, UnexpectedEntry, UnexpectedReason
from analyser.model.times import iso_time

_KEY: Final = ("ini", "ini_place", "res", "res_place", "proto", "port")
_REASON_RANK: Final = {reason: rank for rank, reason in enumerate(UnexpectedReason)}
_WEIGHT: Final = {state.value: SEVERITY_ORDER.index(weight) for state, weight in UNEXPECTED_SEVERITY.items()}


def group_unexpected(
    rest: pl.DataFrame, states: pl.DataFrame, translated: pl.Series, tally: Tally, bench: Bench
) -> None:
    """Add ``rest`` (located flows in scope that nothing explains) to the tally.

    ``states`` says what each flow looks like by itself, ``translated`` which serials may be translated clients.
    """
    if not rest.is_empty():
        tally.add(bench.reasons.classify(_group(rest, states, translated)), bench)


def report_unexpected(tally: Tally, bench: Bench) -> tuple[UnexpectedEntry, ...]:
    """Return the entries of all flows of the tally, the heaviest first."""
    singles = sorted(tally.singles(), key=lambda one: one[0]["first"])
    entries = [_entry(row, finding, bench) for row, finding in singles]
    entries += [sum_up(touched, bench) for touched in tally.scans()]
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


def _entry(row: Row, finding: PortFinding, bench: Bench) -> UnexpectedEntry:
    reason = UnexpectedReason(row["reason"])
    initiator, responder = bench.side(row, initiator=True), bench.side(row, initiator=False)
    rule = bench.reasons.nearest(reason, row["ini"], row["res"], row["proto"], row["port"])
    severity = rate_unexpected(finding.state, lenient=bench.is_lenient(row))
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
            tell_unexpected(
                reason,
                initiator.end,
                responder.end,
                finding,
                rule,
                unmet=bench.reasons.unmet(rule, row["ini"], row["res"]),
                mimic=row["mimic"],
            ),
            covered.expired,
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
