"""From judged attempts to a port finding: which ending is told, by whom, with which facts and frames.

Knows the ledger's numbers, the tables behind them, and the words of ``details``; decides no outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from analyser.compliance.attempts import evidence
from analyser.compliance.attempts.between import another_way, told_between
from analyser.compliance.attempts.demand import Demand
from analyser.compliance.attempts.details import DETAIL_COLUMNS, Group, counted, describe, either, silent_suspects
from analyser.compliance.attempts.evidence import Place
from analyser.compliance.attempts.facts import Columns, Facts, columns_of
from analyser.compliance.attempts.fitting import NAMELESS
from analyser.compliance.attempts.ledger import IS_OPEN, STATE_RANK, Ledger, Numbers
from analyser.compliance.attempts.outcomes import MEANINGS, QUIET, By, Outcome
from analyser.compliance.attempts.vantage import Vantage
from analyser.model.finding import Confidence, Evidence, PortFinding, PortState
from analyser.model.times import iso_time
from analyser.tables import Observed

ARRIVED: Final = "its own firewall, or the service does not answer"
_SILENT_BY_DESIGN: Final = (Outcome.SILENT, Outcome.SILENT_OTHER_CREDENTIAL)
_KEY: Final = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
_BLAMED: Final = QUIET - {Outcome.PENDING, Outcome.NO_WITNESS}
"""Silences that say something of the port, so that it matters whether the request arrived."""
_KNOWN: Final = 8
"""Attempts whose columns are kept at hand."""
_EACH: Final = 2
"""Pieces of evidence for each ending, before others of the same ending are added."""


def name_of(outcome: Outcome) -> str:
    """Return an ending in one word of the contract: its cause, else its state."""
    meaning = MEANINGS[outcome]
    return str(meaning.cause or meaning.state)


class Counts(NamedTuple):
    """How many attempts there were on a port, how many were answered, and when the first began and the last ended (ns)."""

    attempts: int
    answered: int
    first: int
    last: int


class Ending(NamedTuple):
    """Attempts that ended alike, and the place of the one among them that stands for all."""

    outcome: Outcome
    rows: Numbers
    standing: int


class Teller:
    """Tells what groups of attempts show."""

    def __init__(self, observed: Observed, ledger: Ledger, vantage: Vantage) -> None:
        """Take the tables, the attempts, and where the capture stood."""
        self._observed = observed
        self._ledger = ledger
        self._vantage = vantage
        self._known: dict[int, Facts] = {}

    def finding(self, rows: Numbers, codes: Numbers, told: Numbers, demand: Demand, counts: Counts) -> PortFinding:
        """Return the finding of one port.

        ``rows`` and ``codes`` are its attempts and their outcomes, ``told`` the ones among them that decide. The worst
        ending is the finding, the others are named in its detail.
        """
        endings = self._endings(rows[told], codes[told])
        groups = self._groups(endings)
        worst = groups[0]
        meaning = MEANINGS[worst.outcome]
        service, basis = self._service(groups)
        other = meaning.other
        if worst.outcome in _SILENT_BY_DESIGN:
            other = either(silent_suspects(service, demand.port, describe(worst)))
        if worst.arrived and worst.outcome is not Outcome.NO_ANSWER_TO_KNOWN_REQUEST:
            other = ARRIVED
        confidence = meaning.confidence
        if worst.crossed:
            crossing = self._crossing(worst.flow)
            other = another_way(crossing, self._observed.points) if crossing else None
            confidence = Confidence.MEDIUM if other else Confidence.HIGH
        others = [group for group in groups[1:] if not IS_OPEN[group.outcome]]
        facts = [describe(worst)]
        facts += [f"also {name_of(group.outcome)} ({counted(group.attempts, 'attempt')})" for group in others]
        return PortFinding(
            transport=demand.transport,
            port=demand.port,
            state=meaning.state,
            cause=meaning.cause,
            detail="; ".join(fact for fact in facts if fact) or None,
            by=self._by(worst),
            confidence=confidence,
            other_explanation=other,
            service=service,
            basis=basis,
            attempts=counts.attempts,
            answered=counts.answered,
            first=iso_time(counts.first),
            last=iso_time(counts.last),
            evidence=self._evidence(endings, limit=4),
        )

    def intermittent(
        self, worst: PortFinding, rows: Numbers, codes: Numbers, failed: Numbers, is_open: Numbers
    ) -> PortFinding:
        """Return the finding of a port that worked at times: ``worst`` with both time ranges and frames of both."""
        columns = self._ledger.columns
        ranges = []
        for name, chosen in (("open", is_open), (str(worst.cause or worst.state), failed)):
            first, last = int(columns["t"][rows[chosen]].min()), int(columns["last_t"][rows[chosen]].max())
            times = counted(int(chosen.sum()), "attempt")
            ranges.append(f"{name} ({times}) {iso_time(first)} to {iso_time(last)}")
        opened = self._endings(rows[is_open], codes[is_open])
        service, basis = self._service(self._groups(opened))
        shown = (*self.evidence(rows[failed], codes[failed], _EACH), *self._evidence(opened, _EACH))
        return replace(
            worst,
            state=PortState.INTERMITTENT,
            detail="; ".join(fact for fact in (*ranges, worst.detail) if fact),
            service=service or worst.service,
            basis=basis if service else worst.basis,
            evidence=shown,
        )

    def evidence(self, rows: Numbers, codes: Numbers, limit: int) -> tuple[Evidence, ...]:
        """Return where attempts can be looked at: each ending once, the worst first, then more of them."""
        return self._evidence(self._endings(rows, codes), limit)

    def _evidence(self, endings: Sequence[Ending], limit: int) -> tuple[Evidence, ...]:
        chosen: list[tuple[int, Outcome]] = []
        spare: list[tuple[int, Outcome]] = []
        for outcome, rows, standing in endings:
            chosen.append((int(rows[standing]), outcome))
            spare += [(row, outcome) for place, row in enumerate(rows[: limit + 1].tolist()) if place != standing]
        found: list[Evidence] = []
        for row, outcome in (chosen + spare)[:limit]:
            found += self._shown(row, outcome)
        return tuple(dict.fromkeys(found))[:limit]

    def packet(self, serial: int, place: Place) -> tuple[Evidence, ...]:
        """Return one packet of a flow as evidence."""
        flows = self._observed.flows.filter(pl.col("serial") == serial).select(_KEY)
        return tuple(
            shown
            for flow in flows.iter_rows(named=True)
            for shown in evidence.of_flow(flow, [place], self._observed.capture_paths)
        )

    def _shown(self, attempt: int, outcome: Outcome) -> list[Evidence]:
        flow = self._facts(attempt)
        captures = self._observed.capture_paths
        number = flow["request"]
        request = None if number is None else self._observed.requests.row(number, named=True)
        places = evidence.places(outcome, flow, request)
        if crossing := self._crossing(flow):
            places += zip(crossing["other_files"], crossing["other_frames"], strict=True)
        shown = evidence.of_flow(flow, places, captures)
        if outcome is Outcome.HOST_SILENT:
            asked = self._vantage.asked_in_vain.filter(pl.col("target") == flow["resp_h"])
            for target, file, frame in asked.select("target", "file", "frame").head(1).iter_rows():
                shown += evidence.of_neighbour(target, file, frame, captures)
        return shown

    def _crossing(self, flow: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What several points show together of an attempt: a row of CROSSINGS, or None."""
        crossings = self._observed.crossings
        if crossings is None or (number := flow["crossing"]) is None:
            return None
        return crossings.row(number, named=True)

    def _endings(self, rows: Numbers, codes: Numbers) -> list[Ending]:
        """Attempts by their ending, the worst state first."""
        kinds = set(codes.tolist())
        found = []
        for code in sorted(kinds, key=lambda code: (STATE_RANK[code], code)):
            mine = rows[codes == code] if len(kinds) > 1 else rows
            found.append(Ending(Outcome(code), mine, self._standing_for(mine)))
        return found

    def _groups(self, endings: Sequence[Ending]) -> list[Group]:
        """What is told of each ending, the worst state first, within a state the most frequent ending first."""
        groups = [self._group(*ending) for ending in endings]
        return sorted(groups, key=lambda group: (STATE_RANK[group.outcome], -group.attempts, group.outcome))

    def _group(self, outcome: Outcome, rows: Numbers, standing: int) -> Group:
        columns = self._ledger.columns
        chosen = int(rows[standing])
        flow = self._facts(chosen)
        rtts = columns["rtt"][rows]
        crossing = self._crossing(flow)
        measured = rtts[np.isfinite(rtts)].tolist()
        return Group(
            outcome=outcome,
            attempts=len(rows),
            sends=int(columns["sends"][rows].sum()),
            span=int(columns["sent_last"][rows].max()) - int(columns["t"][rows].min()),
            delay=int(columns["delay"][rows].max()),
            rtt=median(measured) if measured else None,
            udp=flow["proto"] != "tcp",
            arrived=outcome in _BLAMED and bool(columns["arrived"][rows].any()),
            label=self._ledger.labels[columns["label"][chosen]] or None,
            payload=bool(columns["payload"][rows].any()),
            flow=flow,
            answers_on=self._answers_on(flow) if outcome in QUIET else None,
            located=told_between(crossing, self._observed.points) if crossing else None,
            crossed=crossing is not None and flow["crossed"],
        )

    def _standing_for(self, rows: Numbers) -> int:
        """The place of the attempt that stands for a group.

        The first with a proved label, else with payload, else of which capture points tell where it ended, else the first.
        """
        if len(rows) == 1:
            return 0
        columns = self._ledger.columns
        weight = 8 * self._ledger.proven(rows) + 4 * columns["payload"][rows] + columns["between"][rows]
        return int(np.argmax(weight))

    def _facts(self, attempt: int) -> Facts:
        """The columns of one attempt and of its flow that details and evidence read."""
        # What stands for a group is told first and shown as evidence right after. (A cache of functools would hold this
        # object, and with it the tables of a capture, until Python looks for circles of references.)
        if attempt not in self._known:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[attempt] = Facts(self._of_flows, self._of_attempts, attempt)
        return self._known[attempt]

    @cached_property
    def _of_attempts(self) -> Columns:
        return columns_of(self._ledger.frame)

    @cached_property
    def _of_flows(self) -> Columns:
        flows = self._observed.flows.select(*dict.fromkeys((*_KEY, *DETAIL_COLUMNS, *evidence.FRAME_COLUMNS)))
        return columns_of(flows.drop("icmp_frame", "icmp_file"))

    @cached_property
    def _met(self) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
        """Where responders that kept silent on one port answered on another, as "on TCP 80", or "ping".

        By responder and initiator that met in both ways, and by responder alone.
        """
        answered = pl.col("loud").is_in([int(Outcome.OPEN), int(Outcome.MID_STREAM)])
        ends = self._ledger.frame.lazy().select("resp_h", "orig_h", "udp", "port", "loud")
        silent = ends.filter(pl.col("loud").is_in([int(code) for code in QUIET]))
        met = ends.filter(answered).join(silent, on="resp_h", how="semi").sort(pl.col("port") == 0, "udp", "port")
        number = pl.col("port").cast(pl.String)
        # What has no ports and is answered is an echo request.
        place = (
            pl.when(pl.col("port") == 0).then(pl.lit("ping"))
            .when("udp").then(pl.concat_str(pl.lit("on UDP "), number))
            .otherwise(pl.concat_str(pl.lit("on TCP "), number))
        )  # fmt: skip
        named = met.select("resp_h", "orig_h", place=place).collect()
        ours = named.lazy().join(silent, on=["resp_h", "orig_h"], how="semi").collect()
        return (
            {
                (resp, orig): place
                for resp, orig, place in ours.unique(
                    ["resp_h", "orig_h"], keep="first", maintain_order=True
                ).iter_rows()
            },
            dict(named.select("resp_h", "place").unique("resp_h", keep="first", maintain_order=True).iter_rows()),
        )

    def _answers_on(self, flow: Mapping[str, Any]) -> str | None:
        """Where the responder of a silent port does answer, best of all this initiator."""
        ours, others = self._met
        if place := ours.get((flow["resp_h"], flow["orig_h"])):
            return f"answers {place}"
        place = others.get(flow["resp_h"])
        if place is None:
            return None
        return "answers the ping of others" if place == "ping" else f"answers others {place}"

    def _by(self, group: Group) -> str | None:
        flow = group.flow
        responder: str = flow["resp_h"]
        if group.arrived:
            return responder
        match MEANINGS[group.outcome].by:
            case By.RESPONDER:
                return responder
            case By.ICMP_SENDER:
                sender: str | None = flow["icmp_by"]
                return sender
            case By.ALERT_SENDER if flow["tls_alert_from_orig"] is not None:
                return str(flow["orig_h"]) if flow["tls_alert_from_orig"] else responder
        return None

    @staticmethod
    def _service(groups: Sequence[Group]) -> tuple[str | None, str | None]:
        """The service seen on the port and what it rests on; none where no payload crossed."""
        for group in groups:
            if group.label in NAMELESS:
                return None, None
            if group.label is not None:
                return group.label, group.flow["basis"]
        for group in groups:
            if group.payload and group.flow["label"] is not None:
                return group.flow["label"], group.flow["basis"]
        return None, None
