"""What attempts on many ports come to: states, counts and times of all ports at once, words only of those that are read.

Knows the ledger's numbers and who tells them; which flows are asked for together is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np

from analyser.compliance.attempts.demand import Demand
from analyser.compliance.attempts.ledger import HAS_OUTCOME, IS_FAILED, IS_OPEN, STATE_RANK, Ledger, Numbers
from analyser.compliance.attempts.outcomes import STATE_ORDER, Outcome
from analyser.compliance.attempts.telling import Counts, Teller
from analyser.compliance.ports import Outline, Words
from analyser.model.finding import PortFinding, PortState

_NO_ATTEMPT, _WRONG = int(Outcome.NO_ATTEMPT), int(Outcome.WRONG_PROTOCOL)
_NO_RANK: Final = np.uint8(255)


def outline(
    serials: Numbers,
    groups: Numbers,
    demands: Sequence[Demand],
    words: Sequence[Words],
    ledger: Ledger,
    teller: Teller,
) -> list[Outline]:
    """Return the state of each port from its flows.

    ``serials`` of flows stand beside the number of the port they were on; ``demands``: what is asked of each port, ``words``
    (of each, or none): what its finding passes through.
    Probes, one-sided and pending attempts do not count beside one with an outcome; open and failed attempts
    together are intermittent; of different failures the worst is told and the rest named in ``detail``.
    """
    asked = set(groups.tolist())
    rows, groups = ledger.rows(serials, groups)
    codes = _outcomes(rows, groups, demands, ledger)
    real = codes != _NO_ATTEMPT
    return _Judged(rows[real], codes[real], groups[real], demands, words, ledger, teller).outlines(asked)


def _outcomes(rows: Numbers, groups: Numbers, demands: Sequence[Demand], ledger: Ledger) -> Numbers:
    """Return the outcome of each attempt; ports of which the same is asked are looked at together."""
    alike: dict[object, int] = {}
    kinds = [alike.setdefault((item.services, item.silent, item.one_way), place) for place, item in enumerate(demands)]
    kind_of = np.array(kinds, dtype=np.int64)[groups]
    codes = np.zeros(len(rows), dtype=np.uint8)
    for place in alike.values():
        chosen = kind_of == place
        codes[chosen] = ledger.outcomes(rows[chosen], groups[chosen], demands[place])
    return codes


class _Judged:
    """Attempts with their outcomes, port by port."""

    def __init__(
        self,
        rows: Numbers,
        codes: Numbers,
        groups: Numbers,
        demands: Sequence[Demand],
        words: Sequence[Words],
        ledger: Ledger,
        teller: Teller,
    ) -> None:
        self._rows, self._codes, self._demands, self._words = rows, codes, demands, words
        self._ledger, self._teller = ledger, teller
        self._bounds = np.searchsorted(groups, np.arange(len(demands) + 1))
        self._failed = IS_FAILED[codes]
        # Beside another protocol, only attempts that prove the right one show that the port is open.
        muddled = self._any(codes == _WRONG)[groups]
        self._open = IS_OPEN[codes] & (~muddled | ledger.proven(rows))
        self._ever_failed, self._ever_open = self._any(self._failed), self._any(self._open)
        self._told = np.where(
            self._ever_failed[groups],
            self._failed,
            np.where(self._ever_open[groups], self._open, ~HAS_OUTCOME[codes]),
        )

    def outlines(self, asked: set[int]) -> list[Outline]:
        """Return one outline for each port; ``asked``: those that have flows at all."""
        columns, rows = self._ledger.columns, self._rows
        ranks = self._reduced(np.minimum, np.where(self._told, STATE_RANK[self._codes], _NO_RANK)).tolist()
        counts = zip(
            np.diff(self._bounds).tolist(),
            self._reduced(np.add, columns["answered"][rows].astype(np.int64)).tolist(),
            self._reduced(np.minimum, columns["t"][rows]).tolist(),
            self._reduced(np.maximum, columns["last_t"][rows]).tolist(),
            strict=True,
        )
        at_times = (self._ever_failed & self._ever_open).tolist()
        # Counts as a plain tuple: of a network with thousands of clients there are as many outlines under every rule.
        return [
            Outline(
                demand.port,
                PortState.INTERMITTENT if at_times[place] else STATE_ORDER[ranks[place]],
                *counted,
                partial(self._tell, place, counted),
            )
            if counted[0]
            else self._without_attempt(place, any_flow=place in asked)
            for place, (demand, counted) in enumerate(zip(self._demands, counts, strict=True))
        ]

    def _any(self, which: Numbers) -> Numbers:
        return self._reduced(np.logical_or, which)

    def _reduced(self, how: np.ufunc, values: Numbers) -> Numbers:
        """Return one value for each port; zero for one without attempts."""
        found = np.zeros(len(self._demands), dtype=values.dtype)
        starts = self._bounds[:-1]
        filled = starts < self._bounds[1:]
        if filled.any():
            found[filled] = how.reduceat(values, starts[filled])
        return found

    def _without_attempt(self, place: int, *, any_flow: bool) -> Outline:
        demand = self._demands[place]
        detail = "only the end of an older connection" if any_flow else None
        found = Outline.of(
            PortFinding(transport=demand.transport, port=demand.port, state=PortState.NOT_ATTEMPTED, detail=detail)
        )
        return found.told_as(self._words[place]) if self._words else found

    def _tell(self, place: int, counted: tuple[int, int, int, int]) -> PortFinding:
        found = self._found(place, Counts(*counted))
        return self._words[place](found) if self._words else found

    def _found(self, place: int, counts: Counts) -> PortFinding:
        mine = slice(self._bounds[place], self._bounds[place + 1])
        rows, codes = self._rows[mine], self._codes[mine]
        finding = self._teller.finding(rows, codes, self._told[mine], self._demands[place], counts)
        if not (self._ever_failed[place] and self._ever_open[place]):
            return finding
        return self._teller.intermittent(finding, rows, codes, self._failed[mine], self._open[mine])
