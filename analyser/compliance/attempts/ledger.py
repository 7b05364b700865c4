"""The attempts of a capture as columns of numbers: found by flow, and judged under what a rule asks.

Works on whole arrays, so that a port with a hundred thousand flows costs as little as one with two. Knows outcomes
and the words of services; tells nothing (``telling`` does).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from analyser.compliance.attempts.demand import Demand
from analyser.compliance.attempts.fitting import NAMELESS, misfits
from analyser.compliance.attempts.outcomes import FAILED, MEANINGS, QUIET, STATE_ORDER, WITHOUT_OUTCOME, Outcome
from analyser.compliance.attempts.table import CLOSED, MUTE, unasked
from analyser.model.finding import PortState
from analyser.model.service import Basis, Service

Numbers = np.ndarray[Any, np.dtype[Any]]

_OPEN, _SENT = int(Outcome.OPEN), int(Outcome.SENT)
_WRONG, _REFUSED = int(Outcome.WRONG_PROTOCOL), int(Outcome.APPLICATION_REFUSED)

DIALOGUE: Final = 60_000_000_000
"""A challenge is answered by coming again within this many nanoseconds."""

CODES: Final = range(max(Outcome) + 1)
STATE_RANK: Final = np.array([STATE_ORDER.index(MEANINGS[Outcome(code)].state) for code in CODES], dtype=np.uint8)
"""Outcome → place of its state in ``STATE_ORDER``."""


def _outcomes_in(states: Iterable[PortState]) -> Numbers:
    chosen = {STATE_ORDER.index(state) for state in states}
    return np.array([int(place) in chosen for place in STATE_RANK])


IS_FAILED: Final = _outcomes_in(FAILED)
IS_OPEN: Final = _outcomes_in([PortState.OPEN])
HAS_OUTCOME: Final = ~_outcomes_in(WITHOUT_OUTCOME)
_IS_UNHEARD: Final = np.array([Outcome(code) in QUIET - {Outcome.LOST_BETWEEN} for code in CODES])
"""Nothing came back, and nothing shows that the request did not arrive."""
_IS_CLOSED: Final = np.array([Outcome(code) in CLOSED for code in CODES])
_BOTH_MET: Final = IS_OPEN | _outcomes_in([PortState.FAILING])
"""Endings in which both ends met, so that the protocol they speak can be the wrong one."""

_PLAIN: Final = (
    "serial", "t", "sent_last", "last_t", "sends", "delay", "rtt", "loud", "silent", "arrived", "answered", "payload",
    "challenge", "udp", "between",
)  # fmt: skip


class Ledger:
    """All attempts (``table.collect``), by flow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        """Take the attempts in any order."""
        in_order = frame["serial"].is_sorted()
        self.frame = frame if in_order else frame.sort("serial", maintain_order=True)
        self.columns: dict[str, Numbers] = {name: self.frame[name].to_numpy() for name in _PLAIN}
        proved = pl.when(pl.col("basis") != Basis.PORT).then("label").fill_null("")
        known = pl.when(pl.col("sublabel").is_in(NAMELESS)).then("sublabel").otherwise(proved)
        labels = self.frame.select(label=known)["label"]
        self.labels: list[str] = sorted({"", *labels.unique().to_list()})  # no proved label stands first
        places = {label: place for place, label in enumerate(self.labels)}
        self.columns["label"] = labels.replace_strict(places, return_dtype=pl.UInt16).to_numpy()
        self._is_mute = np.array([label in MUTE for label in self.labels], dtype=np.bool_)
        self._against: dict[tuple[str, ...], Numbers] = {}

    @cached_property
    def unasked(self) -> Numbers:
        """The outcome of each attempt when no rule asks anything of it."""
        return self.frame.select(outcome=unasked())["outcome"].to_numpy()

    def rows(self, serials: Numbers, groups: Numbers) -> tuple[Numbers, Numbers]:
        """Return the attempts of flows as indices, and the group of each: group by group, each in the order of serials.

        ``serials`` of flows stand beside the number of the group they are asked for; unknown flows have no attempts.
        """
        order = np.lexsort((serials, groups))
        serials, groups = serials[order], groups[order]
        fresh = np.ones(len(serials), dtype=np.bool_)
        fresh[1:] = (serials[1:] != serials[:-1]) | (groups[1:] != groups[:-1])
        serials, groups = serials[fresh], groups[fresh]
        known = self.columns["serial"]
        starts = np.searchsorted(known, serials, "left")
        lengths = np.searchsorted(known, serials, "right") - starts
        if (lengths == 1).all():
            return starts, groups
        # All ranges at once: the start of each, repeated, plus the place within it.
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(starts, lengths) + within, np.repeat(groups, lengths)

    def proven(self, rows: Numbers) -> Numbers:
        """Return which attempts have a label that rests on more than their port."""
        return np.asarray(self.columns["label"][rows] > 0)

    def outcomes(self, rows: Numbers, groups: Numbers, demand: Demand) -> Numbers:
        """Return the outcomes of attempts under what a rule asks; where it asks for no service, their label tells.

        ``groups``: which port each attempt was made on, attempts of one port one behind the other.
        """
        columns = self.columns
        codes = (columns["loud"] if demand.services else self.unasked)[rows]
        if demand.silent:
            codes = np.where(columns["udp"][rows], columns["silent"][rows], codes)
        labels = columns["label"][rows]
        mute_rule = any(word in MUTE for word in demand.services)
        codes[_IS_CLOSED[codes] & (mute_rule | self._is_mute[labels])] = _OPEN
        if demand.one_way:
            codes[_IS_UNHEARD[codes]] = _SENT
        codes[_BOTH_MET[codes] & self._contradicting(demand.services)[labels]] = _WRONG
        challenged = groups[(codes == _REFUSED) & columns["challenge"][rows]]
        for group in np.unique(challenged).tolist():
            mine = slice(*np.searchsorted(groups, [group, group + 1]).tolist())
            codes[mine] = self._dialogue(rows[mine], codes[mine])
        return codes

    def _contradicting(self, services: tuple[str, ...]) -> Numbers:
        """Which labels, by their place, are proof of none of ``services``."""
        if services not in self._against:
            told = (label not in ("", Service.OPAQUE) and misfits(services, label) for label in self.labels)
            self._against[services] = np.array(list(told), dtype=np.bool_)
        return self._against[services]

    def _dialogue(self, rows: Numbers, codes: Numbers) -> Numbers:
        """Take a challenge that was soon followed by success for what it is: a part of the dialogue."""
        columns = self.columns
        challenged = (codes == _REFUSED) & columns["challenge"][rows]
        met = np.sort(columns["t"][rows[IS_OPEN[codes] & columns["payload"][rows]]])
        if not len(met):
            return codes
        following = np.searchsorted(met, columns["t"][rows], "left")
        soon = following < len(met)
        soon[soon] = met[following[soon]] - columns["last_t"][rows][soon] <= DIALOGUE
        codes[challenged & soon] = _OPEN
        return codes
