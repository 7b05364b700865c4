"""Scans: all that one initiator touched without order, summed up in one entry.

Knows the groups of unexpected flows of one initiator; which initiators scan is decided by ``unexpected``.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.compliance.sentences import add_expired, tell_unexpected
from analyser.compliance.severity import rate_unexpected
from analyser.compliance.unexpected.bench import Bench, Row
from analyser.model.finding import Scan, Severity, UnexpectedEntry, UnexpectedReason
from analyser.model.times import iso_time

_MOST_NAMED: Final = 20
_SEVERAL: Final = "any"
_REASON_RANK: Final = {reason: rank for rank, reason in enumerate(UnexpectedReason)}


def sum_up(groups: pl.DataFrame, bench: Bench) -> UnexpectedEntry:
    """Return one entry for the groups of one initiator, with the evidence of what came furthest."""
    example = _furthest(groups)
    finding = bench.find(example)
    reason = _commonest(groups["reason"])
    initiator = bench.side(example, initiator=True)
    scan = _scan(groups)
    responder = bench.side(example, initiator=False) if scan.hosts == 1 else None
    transports = groups["proto"].unique().to_list()
    transport = transports[0] if len(transports) == 1 else _SEVERAL
    port = scan.port_list[0] if scan.ports == 1 else None
    lenient = all(bench.is_lenient(row) for row in groups.select("ini", "res", "mimic").unique().iter_rows(named=True))
    covered = bench.waivers.cover(
        (reason.value,),
        initiator=initiator.names,
        responder=responder.names if responder else (),
        ports=(port,),
    )
    assert initiator.end is not None
    goal = responder.end if responder else None
    told = tell_unexpected(reason, initiator.end, goal, finding, None, scan=scan)
    return UnexpectedEntry(
        id=bench.ids.give("scan", reason, initiator.key, responder.key if responder else "", transport, port),
        reason=reason,
        rule=None,
        severity=Severity.OK if covered.note else rate_unexpected(finding.state, lenient=lenient),
        sentence=add_expired(told, covered.expired),
        initiator=initiator.end,
        responder=goal,
        transport=transport,
        port=port,
        state=finding.state,
        cause=finding.cause,
        service=finding.service,
        basis=finding.basis,
        flows=int(groups["flows"].sum()),
        bytes=int(groups["bytes"].sum()),
        first=iso_time(int(groups.select(pl.col("first").min()).item())),
        last=iso_time(int(groups.select(pl.col("last").max()).item())),
        evidence=finding.evidence,
        waiver=covered.note,
        scan=scan,
    )


def _furthest(groups: pl.DataFrame) -> Row:
    """Return the group that weighs most; among equals, the first."""
    heaviest = groups.filter(pl.col("mimic") == pl.col("mimic").min()).filter(
        pl.col("weight") == pl.col("weight").min()
    )
    first = heaviest.filter(pl.col("first") == pl.col("first").min())
    return first.sort("res", "res_place", "proto", "port").row(0, named=True)


def _scan(groups: pl.DataFrame) -> Scan:
    """Return what was touched, with the names of what weighs most."""
    hosts = groups.group_by("resp").agg(pl.col("weight").min()).sort("weight", "resp")["resp"]
    numbered = groups.drop_nulls("port").group_by("port").agg(pl.col("weight").min()).sort("weight", "port")["port"]
    return Scan(
        hosts=groups.select(pl.struct("res", "res_place").n_unique()).item(),
        ports=numbered.len(),
        host_list=tuple(hosts.head(_MOST_NAMED).to_list()),
        port_list=tuple(sorted(numbered.head(_MOST_NAMED).to_list())),
    )


def _commonest(reasons: pl.Series) -> UnexpectedReason:
    """Return the reason of most groups; among equals, the one that comes first."""
    counted = {UnexpectedReason(word): number for word, number in reasons.value_counts().iter_rows()}
    return min(counted, key=lambda word: (-counted[word], _REASON_RANK[word]))
