"""What one end asked of the other under one rule, judged port by port.

Knows the flows that count for rules and the judge of ports; what a rule needs is decided elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import polars as pl

from analyser.compliance.applying import Applied
from analyser.compliance.attempts.judge import Demand, Judge
from analyser.compliance.negotiated import Line
from analyser.compliance.ports import Outline, Words, was_tried
from analyser.model.finding import PortFinding, PortState
from analyser.model.service import UNPUBLISHED, Basis, Service

_BY_ROLE: Final = UNPUBLISHED | {Service.OPAQUE}
"""Services of rules that no bytes can prove."""

_REACHED: Final = frozenset({PortState.OPEN, PortState.PROBE_ONLY})
"""States of a port that was reached, even if nothing was said there."""

_KEY: Final = ("number", "ini", "ini_place", "res", "res_place", "family", "uncertain")


@dataclass(slots=True, kw_only=True)
class Talk:
    """The attempts of one initiator on one responder under one rule, in one address family.

    ``orig`` and ``resp`` are the addresses used first, at ``started`` (ns). ``uncertain``: attributed to the rule
    by circumstance, so that no port of it proves anything.
    """

    number: int
    ini: int
    ini_place: str
    res: int
    res_place: str
    family: str
    orig: str
    resp: str
    started: int
    uncertain: bool
    ports: dict[int, Outline] = field(default_factory=dict)

    @property
    def tried(self) -> bool:
        """Whether any attempt reached the capture: stray resets alone are none."""
        return any(was_tried(finding) for finding in self.ports.values())


def demand_of(rule: Applied, port: int | None) -> Demand:
    """Return what a rule asks of one port."""
    return Demand(
        transport=str(rule.rule.transport),
        port=port,
        services=rule.rule.service,
        silent=rule.rule.silent,
        one_way=rule.cast,
        localhost=rule.local,
    )


def hold_talks(
    fits: pl.DataFrame,
    located: pl.DataFrame,
    applied: Sequence[Applied],
    judge: Judge,
    lines: Mapping[tuple[int, int], Line],
) -> dict[int, list[Talk]]:
    """Return the talks of every rule by its number, in the order of their first packets.

    ``fits`` are FITS, ``located`` the located flows, ``lines`` say where ports were announced.
    """
    grouped = (
        fits.join(located.select("serial", spoke=pl.col("payload") > 0), on="serial", how="left")
        .sort("ts", "serial", maintain_order=True)
        .group_by(*_KEY, "port", maintain_order=True)
        .agg(
            pl.col("serial"),
            pl.col("orig").first(),
            pl.col("resp").first(),
            pl.col("ts").first(),
            pl.col("translated").any(),
            pl.col("note").drop_nulls().first(),
            pl.col("spoke").any(),
        )
    )
    outlines = judge.outlines(grouped["serial"], _demands(grouped, applied), _words(grouped, applied))
    talks: dict[tuple[object, ...], Talk] = {}
    firsts = grouped["serial"].list.first()
    rows = grouped.select(*_KEY, "port", "orig", "resp", "ts").iter_rows()
    for row, serial, told in zip(rows, firsts, outlines, strict=True):
        number, ini, ini_place, res, res_place, family, uncertain, port, orig, resp, started = row
        ends = row[: len(_KEY)]
        talk = talks.get(ends)
        if talk is None:
            talk = talks[ends] = Talk(
                number=number, ini=ini, ini_place=ini_place, res=res, res_place=res_place, family=family,
                orig=orig, resp=resp, started=started, uncertain=uncertain,
            )  # fmt: skip
        line = lines.get((number, serial)) if told.state is not PortState.OPEN else None
        talk.ports[port] = told if line is None else told.told_as(partial(_announced, judge, line))
    by_rule: dict[int, list[Talk]] = defaultdict(list)
    for talk in talks.values():
        if talk.tried:
            by_rule[talk.number].append(talk)
    return by_rule


def _demands(grouped: pl.DataFrame, applied: Sequence[Applied]) -> list[Demand]:
    """Return what is asked of each row's port."""
    keys = list(grouped.select("number", "port", "uncertain").iter_rows())
    demands = {key: demand_of(applied[key[0]], key[1]) for key in set(keys)}
    # Attributed by circumstance: the data of an encrypted session may look like anything.
    demands |= {key: replace(demand, services=()) for key, demand in demands.items() if key[2]}
    return [demands[key] for key in keys]


def _words(grouped: pl.DataFrame, applied: Sequence[Applied]) -> list[Words]:
    """Return how each row's finding is told."""
    keys = list(grouped.select("number", "uncertain", "note", "translated", "spoke").iter_rows())
    words = {key: partial(_in_words_of, applied[key[0]], *key[1:]) for key in set(keys)}
    return [words[key] for key in keys]


def _in_words_of(
    rule: Applied, uncertain: bool, note: str | None, translated: bool, spoke: bool, finding: PortFinding
) -> PortFinding:
    """Return a finding as it is told under a rule: the service that the rule names, and what is known of the flows."""
    finding = _name_service(finding, rule, spoke=spoke)
    if uncertain:
        finding = replace(finding, service=rule.rule.service[0], basis=Basis.PORT.value)
    return add_detail(finding, note, "originator hidden" if translated else None)


def _announced(judge: Judge, line: Line, finding: PortFinding) -> PortFinding:
    """Return a finding with the line that announced its port as further evidence."""
    shown = judge.packet(line.control, line.file, line.frame)
    return add_detail(replace(finding, evidence=finding.evidence + shown), f"announced in frame {line.frame}")


def add_detail(finding: PortFinding, *facts: str | None) -> PortFinding:
    """Return ``finding`` with further facts in its detail."""
    told = [fact for fact in (finding.detail, *facts) if fact]
    return replace(finding, detail="; ".join(told) or None)


def _name_service(finding: PortFinding, rule: Applied, *, spoke: bool) -> PortFinding:
    """Give the service that only port and roles can name, with what the payload looked like beside it."""
    words = rule.rule.service
    named = words[0] if words else None
    if named is None or finding.state is PortState.WRONG_PROTOCOL or not set(words) <= _BY_ROLE:
        return finding
    proved = finding.service if finding.basis == Basis.PAYLOAD else None
    if proved is not None and named in (proved, Service.OPAQUE):
        return finding
    payload = proved or (Service.OPAQUE.value if spoke else "none" if finding.state in _REACHED else None)
    return add_detail(
        replace(finding, service=named, basis=Basis.PORT.value), f"payload {payload}" if payload else None
    )
