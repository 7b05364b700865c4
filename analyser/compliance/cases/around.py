"""What other flows of a capture show beside a finding: other ports of the same pair, other clients, other servers.

Knows the flow table, what each flow came to, and parties; which case it makes is not known here. Only flows that count for
a rule are looked at, so that a capture judged in portions tells the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import polars as pl

from analyser.compliance.attempts.evidence import of_flow
from analyser.compliance.attempts.judge import Judge
from analyser.compliance.cases.names import Names
from analyser.compliance.cases.note import Note
from analyser.compliance.parties import Directory
from analyser.model.finding import Evidence, PortState, VerdictEntry
from analyser.model.service import Service
from analyser.tables import Observed

MOST: Final = 200
"""Findings of one report whose surroundings are looked at; of those behind them no case is told that needs it."""

_DEAD: Final = (PortState.BLOCKED.value, PortState.REFUSED.value, PortState.UNANSWERED.value)
_WRONG_CREDENTIALS: Final = "HTTP 401"
_FORBIDDEN: Final = "HTTP 403"
_STRIKES: Final = 3
_LOCKED_FOR: Final = 3_600_000_000_000
"""Nanoseconds for which a device that counts wrong credentials stays shut."""
_SHOWN: Final = 3
"""Flows of one fact that are given as evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One port between two ends, each by all its addresses; ``roles`` of the responder, ``cause`` of the finding."""

    initiator: frozenset[str]
    responder: frozenset[str]
    transport: str
    port: int
    cause: str | None
    roles: frozenset[str]


class Around:
    """The flows of a capture, asked about findings."""

    def __init__(
        self,
        observed: Observed,
        judge: Judge,
        directory: Directory,
        names: Names,
        counted: pl.Series,
        addresses: Collection[str],
    ) -> None:
        """Take the capture, and ``addresses`` of the ends of all findings; ``counted``: serials of flows that count for a rule."""
        self._observed = observed
        self._judge = judge
        self._directory = directory
        self._names = names
        self._counted = counted
        self._addresses = sorted(addresses)
        self._pairs: dict[Pair, pl.DataFrame] = {}

    @cached_property
    def _flows(self) -> pl.DataFrame:
        """Flows with an end in the addresses of findings, with what they came to, in the order of time."""
        ours = pl.any_horizontal(pl.col(end).is_in(self._addresses) for end in ("orig", "resp"))
        return (
            self._observed.flows.lazy()
            .select(
                "serial", "ts", "proto", "service", "tls_offered", "refused_code",
                orig="id.orig_h", resp="id.resp_h", port=pl.col("id.resp_p").cast(pl.Int64), tls_chosen="tls_version",
            )
            .filter(ours, pl.col("serial").is_in(self._counted.implode()))
            .join(self._judge.states.lazy().select("serial", "state", "cause"), on="serial", how="inner")
            .sort("ts", "serial")
            .collect()
        )  # fmt: skip

    def sees(self, pair: Pair) -> bool:
        """Return whether a pair is among those that are looked at."""
        return pair in self._pairs or len(self._pairs) < MOST

    def _between(self, pair: Pair) -> pl.DataFrame:
        """Return the flows from one end to the other, on all ports."""
        if pair not in self._pairs:
            ends = pl.col("orig").is_in(list(pair.initiator)) & pl.col("resp").is_in(list(pair.responder))
            self._pairs[pair] = self._flows.filter(ends)
        return self._pairs[pair]

    def _attempts(self, pair: Pair) -> pl.DataFrame:
        """Return those on the port of the finding that ended as it says."""
        mine = self._between(pair).filter(_place(pair))
        return mine.filter(pl.col("cause") == pair.cause) if pair.cause is not None else mine

    def tls_offered(self, pair: Pair) -> dict[str, Note]:
        """Return the highest versions of TLS that the initiator offered."""
        return _versions(self._attempts(pair), "tls_offered", "offered")

    def tls_chosen(self, pair: Pair) -> dict[str, Note]:
        """Return the versions of TLS that the responder chose."""
        return _versions(self._attempts(pair), "tls_chosen", "chosen")

    def open_beside(self, pair: Pair) -> dict[str, Note]:
        """Return the other ports of the responder that opened for the initiator."""
        rows = self._between(pair).filter(~_place(pair), pl.col("state") == PortState.OPEN)
        found = rows.group_by("proto", "port", maintain_order=True).agg(pl.col("serial").first())
        return {
            f"{proto} {port}": Note(text=f"{proto.upper()} {port} answers", serials=(serial,))
            for proto, port, serial in found.iter_rows()
        }

    def turned_away(self, pair: Pair) -> dict[str, Note]:
        """Return whether the responder said HTTP 401 three times, and from then on kept the door shut.

        Success between or after these answers speaks against it; what TLS hides does not.
        """
        rows = self._between(pair).filter(pl.col("proto") == "tcp")
        strikes: list[tuple[int, int]] = []
        shut: list[int] = []
        for serial, t, state, code, service, here in rows.select(
            "serial", "ts", "state", "refused_code", "service", _place(pair).alias("here")
        ).iter_rows():
            if code == _WRONG_CREDENTIALS and not shut:
                strikes.append((serial, t))
            elif state in _DEAD or code == _FORBIDDEN:
                if here and len(strikes) < _STRIKES:
                    return {}  # it was shut before
                if strikes and (here or shut):
                    if not shut and t - strikes[-1][1] > _LOCKED_FOR:
                        return {}
                    shut.append(serial)
            elif state == PortState.OPEN:
                if shut:
                    return {}
                if service != Service.TLS:
                    strikes.clear()
        if len(strikes) < _STRIKES or not shut:
            return {}
        told = [serial for serial, _ in strikes[-_STRIKES:]]
        text = f"{_WRONG_CREDENTIALS} {len(strikes)} times, then {len(shut)} attempts turned away"
        return {"three-times": Note(text=text, serials=(*told, shut[0]))}

    def others(self, pair: Pair) -> dict[str, Note]:
        """Return how other initiators fared on the same port after the last time that it failed first for this one."""
        mine = self._between(pair).filter(_place(pair), pl.col("state") != PortState.OPEN)
        if mine.is_empty():
            return {}
        rows = self._flows.filter(
            _place(pair),
            pl.col("resp").is_in(list(pair.responder)),
            ~pl.col("orig").is_in(list(pair.initiator)),
            pl.col("ts") >= mine["ts"].min(),
        )
        served = rows.filter(pl.col("state") == PortState.OPEN)
        found: dict[str, Note] = {}
        if not served.is_empty():
            found["served"] = Note(text=f"{served['orig'][0]} is served meanwhile", serials=(served["serial"][0],))
        if not rows.filter(pl.col("state").is_in(_DEAD)).is_empty():
            found["failing"] = Note()
        return found

    def stand_in(self, pair: Pair) -> dict[str, Note]:
        """Return whether another server of the same role and port answered this initiator afterwards."""
        mine = self._between(pair).filter(_place(pair), pl.col("state") != PortState.OPEN)
        if mine.is_empty():
            return {}
        rows = self._flows.filter(
            _place(pair),
            pl.col("orig").is_in(list(pair.initiator)),
            ~pl.col("resp").is_in(list(pair.responder)),
            pl.col("state") == PortState.OPEN,
            pl.col("ts") >= mine["ts"].min(),
        )
        for serial, address in rows.select("serial", "resp").iter_rows():
            party = self._directory.owner(address)
            if party >= 0 and pair.roles & set(self._directory.parties[party].roles):
                name = self._directory.parties[party].name
                return {"answered": Note(text=f"{name} ({address}) answered instead", serials=(serial,))}
        return {}

    def announced(self, pair: Pair) -> dict[str, Note]:
        """Return where a control connection said that this port is: at its own end, or at another address."""
        promises = self._observed.promises.filter(
            pl.col("initiator").is_in(list(pair.initiator)),
            pl.col("port") == pair.port,
            pl.any_horizontal(pl.col(end).is_in(list(pair.responder)) for end in ("responder", "announced")),
        )
        found: dict[str, Note] = {}
        for row in promises.iter_rows(named=True):
            elsewhere = row["announced"] != row["responder"]
            word = "elsewhere" if elsewhere else "peer"
            if word not in found:
                address = f" at {row['announced']}, and the other end is {row['responder']}" if elsewhere else ""
                text = f"TCP {pair.port} was announced{address}"
                found[word] = Note(text=text, evidence=self._line(row))
        return found

    def _line(self, promise: Mapping[str, Any]) -> tuple[Evidence, ...]:
        """Return the line of the control connection as evidence."""
        control = self._observed.flows.filter(pl.col("serial") == promise["control"])
        if control.is_empty():
            return ()
        flow = control.select("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto").row(0, named=True)
        return tuple(of_flow(flow, [(promise["file"], promise["frame"])], self._observed.capture_paths))

    def lookup(self, finding: VerdictEntry) -> dict[str, Note]:
        """Return how the initiator's questions for the name of the other end, which it never tried, were answered."""
        return self._names.lookup(finding)

    def evidence(self, serials: Sequence[int]) -> tuple[Evidence, ...]:
        """Return where flows can be looked at."""
        return self._judge.evidence(serials[:_SHOWN], _SHOWN) if serials else ()


def _place(pair: Pair) -> pl.Expr:
    return (pl.col("proto") == pair.transport) & (pl.col("port") == pair.port)


def _versions(rows: pl.DataFrame, column: str, verb: str) -> dict[str, Note]:
    versions = rows.group_by(column, maintain_order=True).agg(pl.len(), pl.col("serial").first()).drop_nulls(column)
    return {
        version: Note(text=f"{version} {verb} in {count} attempt{'s' if count > 1 else ''}", serials=(serial,))
        for version, count, serial in versions.iter_rows()
    }
