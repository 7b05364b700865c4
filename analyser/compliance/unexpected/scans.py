"""What one initiator touched without order, summed up: a scan is one entry, however many ports and hosts it touched.

Knows groups of unexpected flows with their reasons; which initiators scan is decided by ``tally``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from analyser.compliance.sentences import add_expired, tell_unexpected
from analyser.compliance.severity import rate_unexpected
from analyser.compliance.unexpected.bench import Bench, Row
from analyser.compliance.unexpected.translation import MOST_TARGETS
from analyser.model.finding import PortFinding, Scan, Severity, UnexpectedEntry, UnexpectedReason
from analyser.model.times import iso_time

_MOST_NAMED: Final = 20
_SEVERAL: Final = "any"
_REASON_RANK: Final = {reason: rank for rank, reason in enumerate(UnexpectedReason)}
_HOST: Final = ("res", "res_place", "resp")
_PORT: Final = ("proto", "port")
_ORDER: Final = ("mimic", "weight", "first", "res", "res_place", "proto", "port")
"""What of two groups tells which came further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """All that one initiator touched. ``example`` came furthest, ``finding`` is what its flows show.

    ``hosts`` and ``ports`` have a row each with the heaviest ``weight`` seen there (0 is the heaviest).
    """

    example: Row
    finding: PortFinding
    reasons: Counter[str]
    hosts: pl.DataFrame
    ports: pl.DataFrame
    lenient: bool
    flows: int
    bytes: int
    first: int
    last: int

    @classmethod
    def of(cls, groups: pl.DataFrame, bench: Bench, find: Callable[[Row], PortFinding]) -> Touched:
        """Sum up ``groups`` of one initiator, which have reasons; ``find`` tells what the flows of a group show."""
        example = _furthest(groups)
        lenient = groups.select("ini", "res", "mimic").unique()
        return cls(
            example=example,
            finding=find(example),
            reasons=Counter(dict(groups["reason"].value_counts().iter_rows())),
            hosts=_heaviest(groups, _HOST),
            ports=_heaviest(groups, _PORT),
            lenient=all(bench.is_lenient(row) for row in lenient.iter_rows(named=True)),
            flows=int(groups["flows"].sum()),
            bytes=int(groups["bytes"].sum()),
            first=int(groups.select(pl.col("first").min()).item()),
            last=int(groups.select(pl.col("last").max()).item()),
        )

    def with_more(self, other: Touched) -> Touched:
        """Return both together."""
        further = min((self, other), key=lambda one: [_place(one.example[name]) for name in _ORDER])
        return Touched(
            example=further.example,
            finding=further.finding,
            reasons=self.reasons + other.reasons,
            hosts=_heaviest(pl.concat([self.hosts, other.hosts]), _HOST),
            ports=_heaviest(pl.concat([self.ports, other.ports]), _PORT),
            lenient=self.lenient and other.lenient,
            flows=self.flows + other.flows,
            bytes=self.bytes + other.bytes,
            first=min(self.first, other.first),
            last=max(self.last, other.last),
        )

    @property
    def is_scan(self) -> bool:
        """Whether so many hosts or ports were touched that they are summed up."""
        return self.host_count > MOST_TARGETS or self.ports.height > MOST_TARGETS

    @property
    def host_count(self) -> int:
        """How many hosts were touched."""
        return self.hosts.select("res", "res_place").unique().height


def sum_up(touched: Touched, bench: Bench) -> UnexpectedEntry:
    """Return one entry for all that an initiator touched, with the evidence of what came furthest."""
    example, finding = touched.example, touched.finding
    reason = _commonest(touched.reasons)
    initiator = bench.side(example, initiator=True)
    scan = _scan(touched)
    responder = bench.side(example, initiator=False) if scan.hosts == 1 else None
    transports = touched.ports["proto"].unique().to_list()
    transport = transports[0] if len(transports) == 1 else _SEVERAL
    port = scan.port_list[0] if scan.ports == 1 else None
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
        severity=Severity.OK if covered.note else rate_unexpected(finding.state, lenient=touched.lenient),
        sentence=add_expired(told, covered.expired),
        initiator=initiator.end,
        responder=goal,
        transport=transport,
        port=port,
        state=finding.state,
        cause=finding.cause,
        service=finding.service,
        basis=finding.basis,
        flows=touched.flows,
        bytes=touched.bytes,
        first=iso_time(touched.first),
        last=iso_time(touched.last),
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


def _place(value: object) -> tuple[bool, object]:
    """Order values as a sorted table does: what is not known stands first."""
    return value is not None, value


def _heaviest(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    return rows.group_by(key).agg(pl.col("weight").min())


def _scan(touched: Touched) -> Scan:
    """Return what was touched, with the names of what weighs most."""
    hosts = touched.hosts.group_by("resp").agg(pl.col("weight").min()).sort("weight", "resp")["resp"]
    numbered = touched.ports.drop_nulls("port").group_by("port").agg(pl.col("weight").min()).sort("weight", "port")
    return Scan(
        hosts=touched.host_count,
        ports=numbered.height,
        host_list=tuple(hosts.head(_MOST_NAMED).to_list()),
        port_list=tuple(sorted(numbered["port"].head(_MOST_NAMED).to_list())),
    )


def _commonest(reasons: Counter[str]) -> UnexpectedReason:
    """Return the reason of most groups; among equals, the one that comes first."""
    counted = {UnexpectedReason(word): number for word, number in reasons.items()}
    return min(counted, key=lambda word: (-counted[word], _REASON_RANK[word]))
