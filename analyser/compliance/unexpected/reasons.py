"""Why a flow is unexpected: the first reason that fits, and the rule that comes nearest.

Knows rules by role, whether they apply or not, and groups of flows; judges no port. Reasons are found in joins:
a scan of a million ports costs no more than a pass over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from analyser.compliance.applying import Policy, players
from analyser.compliance.negotiated import DATA_LABELS
from analyser.compliance.parties import UNLISTED, Directory
from analyser.model.finding import UnexpectedReason
from analyser.model.rule import Rule, Scope
from analyser.model.site import Site

_KEY: Final = ("ini", "res", "proto", "port")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Roles:
    """The rules of the matrix with the parties that their roles mean, conditions of the site aside."""

    rules: tuple[Rule, ...]
    initiators: tuple[frozenset[int], ...]
    responders: tuple[frozenset[int], ...]


class Reasons:
    """Finds reasons under the rules of one site."""

    def __init__(self, policy: Policy, directory: Directory, site: Site) -> None:
        self._policy = policy
        rules = tuple(rule for rule, _ in policy.matrix)
        self._ports = tuple(ports for _, ports in policy.matrix)
        self._roles = _Roles(
            rules=rules,
            initiators=tuple(players(rule, "initiator", directory, site) for rule in rules),
            responders=tuple(players(rule, "responder", directory, site) for rule in rules),
        )
        self._closed = frozenset(
            number
            for number, rule in enumerate(rules)
            if rule.scope is Scope.LOCALHOST and (rule.opened_by is None or rule.opened_by not in site.features)
        )
        self._by_port: dict[tuple[str, int], list[int]] = {}
        for number, (rule, ports) in enumerate(policy.matrix):
            for port in ports:
                self._by_port.setdefault((str(rule.transport), port), []).append(number)
        self._numbers = {rule.id: number for number, rule in enumerate(rules)}
        self._idle = {idle.rule.id: idle.why for idle in policy.idle}
        self._forbidden = tuple(
            (rule, players(rule, "initiator", directory, site), players(rule, "responder", directory, site))
            for rule in policy.forbidden
        )

    @property
    def matrix_ports(self) -> frozenset[int]:
        """Every port that the matrix names."""
        return frozenset(port for _, port in self._by_port)

    def classify(self, groups: pl.DataFrame) -> pl.DataFrame:
        """Return ``groups`` with a column ``reason``.

        ``groups`` have ``ini``, ``res``, ``proto``, ``port``, ``label``: parties, transport, port, proved service.
        """
        tests: Sequence[tuple[UnexpectedReason, pl.Expr]] = (
            (UnexpectedReason.LOCALHOST_ONLY, pl.col("is_local")),
            (UnexpectedReason.INTO_WORKSTATION, self._into_workstation()),
            (UnexpectedReason.OUTSIDE_SITE, (pl.col("ini") == UNLISTED) | (pl.col("res") == UNLISTED)),
            (UnexpectedReason.UNANNOUNCED_DYNAMIC_PORT, self._dynamic()),
            (UnexpectedReason.WRONG_DIRECTION, pl.col("is_turned")),
            (UnexpectedReason.WRONG_ROLE, pl.col("is_listed")),
        )
        reason = pl.lit(UnexpectedReason.NOT_IN_MATRIX.value)
        for word, holds in reversed(tests):
            reason = pl.when(holds).then(pl.lit(word.value)).otherwise(reason)
        return groups.join(self._keys(groups), on=_KEY, how="left", nulls_equal=True).with_columns(reason=reason)

    def _keys(self, groups: pl.DataFrame) -> pl.DataFrame:
        """Return for each distinct key of ``groups`` on a port of the matrix what the matrix has there."""
        listed = pl.DataFrame(list(self._by_port), schema={"proto": pl.String, "port": pl.Int32}, orient="row")
        keys = groups.select(_KEY).unique()
        inside = keys.join(listed, on=["proto", "port"], how="semi")
        local, turned = [], []
        for ini, res, proto, port in inside.iter_rows():
            numbers = self._by_port[proto, port]
            local.append(any(number in self._closed and res in self._roles.responders[number] for number in numbers))
            turned.append(any(self._is_turned(number, ini, res) for number in numbers))
        known = inside.with_columns(
            is_local=pl.Series(local, dtype=pl.Boolean),
            is_turned=pl.Series(turned, dtype=pl.Boolean),
            is_listed=pl.lit(value=True),
        )
        flags = [pl.col(name).fill_null(value=False) for name in ("is_local", "is_turned", "is_listed")]
        return keys.join(known, on=_KEY, how="left", nulls_equal=True).with_columns(flags)

    def _is_turned(self, number: int, ini: int, res: int) -> bool:
        """Tell whether a rule has these two only the other way round; peers are on both ends of theirs."""
        initiators, responders = self._roles.initiators[number], self._roles.responders[number]
        return ini in responders and res in initiators and not (ini in initiators and res in responders)

    def _into_workstation(self) -> pl.Expr:
        holds = pl.lit(value=False)
        for _, initiators, responders in self._forbidden:
            holds |= pl.col("ini").is_in(sorted(initiators)) & pl.col("res").is_in(sorted(responders))
        return holds

    def _dynamic(self) -> pl.Expr:
        """Return whether a flow could be one that is announced, on a port that the matrix does not name."""
        holds = pl.lit(value=False)
        for rule in self._policy.applied:
            if rule.negotiated:
                first, last = rule.rule.ports.range or (1024, 65535)
                holds |= (
                    (pl.col("proto") == str(rule.rule.transport))
                    & pl.col("port").is_between(first, last)
                    & pl.col("ini").is_in(sorted(rule.initiators))
                    & pl.col("res").is_in(sorted(rule.responders))
                )
        plausible = pl.col("label").is_null() | pl.col("label").is_in(DATA_LABELS)
        return holds & plausible & ~pl.col("is_listed")

    def nearest(self, reason: UnexpectedReason, ini: int, res: int, proto: str, port: int | None) -> Rule | None:
        """Return the rule that comes nearest to a flow, or None."""
        if reason is UnexpectedReason.INTO_WORKSTATION:
            return next((rule for rule, first, last in self._forbidden if ini in first and res in last), None)
        if reason is UnexpectedReason.UNANNOUNCED_DYNAMIC_PORT:
            waiting = (rule for rule in self._policy.applied if rule.negotiated)
            return next((rule.rule for rule in waiting if ini in rule.initiators and res in rule.responders), None)
        if port is None or reason is UnexpectedReason.NOT_IN_MATRIX:
            return None
        numbers = self._by_port.get((proto, port), [])
        if reason is UnexpectedReason.LOCALHOST_ONLY:
            numbers = [n for n in numbers if n in self._closed and res in self._roles.responders[n]]
        elif reason is UnexpectedReason.WRONG_DIRECTION:
            numbers = [n for n in numbers if self._is_turned(n, ini, res)]
        elif reason is UnexpectedReason.OUTSIDE_SITE:
            numbers = [n for n in numbers if res in self._roles.responders[n] or ini in self._roles.initiators[n]]
        best = max(
            numbers,
            key=lambda n: (res in self._roles.responders[n], ini in self._roles.initiators[n], -n),
            default=None,
        )
        return None if best is None else self._roles.rules[best]

    def unmet(self, rule: Rule | None, ini: int, res: int) -> str | None:
        """Return why ``rule`` does not apply to this site although these two would be its ends, or None."""
        if rule is None or rule.id not in self._idle:
            return None
        number = self._numbers[rule.id]
        fits = ini in self._roles.initiators[number] and res in self._roles.responders[number]
        return self._idle[rule.id] if fits else None
