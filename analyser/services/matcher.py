"""Signatures against the first bytes of many flows: which service, which sub-label, from which side.

Knows arrays and signatures; must not know tables, watched packets or port guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyser.services.byterows import Bools, ByteRows, Index
from analyser.services.signature import NO_SUBLABEL, Pattern, Signature, Structured

NO_SERVICE: Final = -1

Codes = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class FirstBytes:
    """k flows: transport (0 tcp, 1 udp, 2 other), responder port, and the first bytes of both sides."""

    transport: npt.NDArray[np.uint8]
    port: npt.NDArray[np.uint16]
    orig: ByteRows
    resp: ByteRows


@dataclass(frozen=True, slots=True)
class Matches:
    """Per flow an index into ``Matcher.services`` and ``Matcher.sublabels``, -1 where none.

    ``orig`` and ``resp``: what the bytes of that side alone say; they differ where the sides contradict.
    """

    service: Codes
    sublabel: Codes
    orig: Codes
    resp: Codes


@dataclass(frozen=True, slots=True)
class _Best:
    """The best match so far by one kind of evidence."""

    service: Codes
    sublabel: Codes


class _Side:
    """The first bytes of one side, with the rows sorted by their first byte, so that most patterns see few of them."""

    def __init__(self, rows: ByteRows) -> None:
        self.rows = rows
        present = np.flatnonzero(rows.lengths > 0)
        order = np.argsort(rows.matrix[present, 0], kind="stable")
        self.order: Index = present[order]
        counts = np.bincount(rows.matrix[present, 0], minlength=256)
        self.starts: Index = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    def beginning_with(self, allowed: Bools) -> Index:
        """Rows whose first byte is allowed."""
        spans = [self.order[self.starts[b] : self.starts[b + 1]] for b in np.flatnonzero(allowed)]
        return np.concatenate(spans) if spans else self.order[:0]


class Matcher:
    """Signatures made ready. Where several fit, the finer service wins, then the pattern that fixes more bits."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self.services: list[str] = sorted({item.service for item in signatures})
        code = {service: number for number, service in enumerate(self.services)}
        self.sublabels: list[str] = []
        self._sublabel_codes: dict[str, int] = {}
        # refines[a, b]: a tells flows of b apart further
        self.refines: Bools = np.zeros((len(code), len(code)), dtype=np.bool_)
        for item in signatures:
            for coarser in item.refines:
                if coarser in code:
                    self.refines[code[item.service], code[coarser]] = True
        depth = self.refines.sum(axis=1)
        patterns = [pattern for item in signatures for pattern in item.patterns]
        patterns.sort(key=lambda item: (int(depth[code[item.service]]), item.bits, item.service, item.id))
        self._patterns = [(pattern, code[pattern.service], self._kinds(pattern)) for pattern in patterns]

        self._at_ports = {pattern.ports: _chosen(pattern.ports) for pattern in patterns if pattern.ports}

    def match(self, flows: FirstBytes) -> Matches:
        """Judge k flows; every array of the result is (k,)."""
        count = len(flows.port)
        sides = (_Side(flows.orig), _Side(flows.resp))
        best = {kind: _Best(_none(count), _none(count)) for kind in ("orig", "resp", "both")}
        for pattern, service, kinds in self._patterns:
            index = self._candidates(pattern, flows, sides)
            if not len(index):
                continue
            index, sublabel = self._judge(pattern, flows, index, kinds)
            if len(index):
                target = best["both" if pattern.orig and pattern.resp else "orig" if pattern.orig else "resp"]
                target.service[index] = service
                target.sublabel[index] = sublabel
        return self._resolve(best["orig"], best["resp"], best["both"])

    # -- one pattern ---------------------------------------------------------------------------

    def _candidates(self, pattern: Pattern, flows: FirstBytes, sides: tuple[_Side, _Side]) -> Index:
        """Rows that the transport, the ports and the first byte leave."""
        firsts = [
            (test.first, side)
            for tests, side in zip((pattern.orig, pattern.resp), sides, strict=True)
            for test in tests
            if test.first is not None
        ]
        if firsts:
            allowed, side = min(firsts, key=lambda item: int(item[0].sum()))
            index = side.beginning_with(allowed)
        else:
            index = np.arange(len(flows.port), dtype=np.int64)
        if len(index) and pattern.ports:
            index = index[self._at_ports[pattern.ports][flows.port[index]]]
        if len(index) and len(pattern.transports) == 1:
            index = index[flows.transport[index] == ("tcp", "udp").index(pattern.transports[0])]
        return index

    def _judge(self, pattern: Pattern, flows: FirstBytes, index: Index, kinds: Codes | None) -> tuple[Index, Codes]:
        """Return the rows that pass all tests and their sub-labels."""
        sublabel = np.full(len(index), NO_SUBLABEL, dtype=np.int16)
        if pattern.sublabel is not None:
            sublabel[:] = self._sublabel(pattern.sublabel)
        for tests, rows in ((pattern.orig, flows.orig), (pattern.resp, flows.resp)):
            for test in tests:
                if kinds is not None and isinstance(test, Structured) and test.sublabels:
                    found = test.kinds(rows, index)
                    passed = found >= 0
                    sublabel = np.where(passed, kinds[found], sublabel)
                else:
                    passed = test.holds(rows, index)
                index, sublabel = index[passed], sublabel[passed]
                if not len(index):
                    return index, sublabel
        return index, sublabel

    def _kinds(self, pattern: Pattern) -> Codes | None:
        """Codes of the sub-labels that a structure of this pattern gives, or None if it gives none or the pattern its own."""
        if pattern.sublabel is not None:
            return None
        for test in (*pattern.orig, *pattern.resp):
            if isinstance(test, Structured) and test.sublabels:
                words = test.sublabels
                return np.array([NO_SUBLABEL if word is None else self._sublabel(word) for word in words], np.int16)
        return None

    def _sublabel(self, word: str) -> int:
        if word not in self._sublabel_codes:
            self._sublabel_codes[word] = len(self.sublabels)
            self.sublabels.append(word)
        return self._sublabel_codes[word]

    # -- all patterns --------------------------------------------------------------------------

    def _finer(self, left: Codes, right: Codes) -> Bools:
        """Where ``left`` refines ``right``."""
        known = (left >= 0) & (right >= 0)
        return known & self.refines[left, right] if len(self.services) else known

    def _resolve(self, orig: _Best, resp: _Best, both: _Best) -> Matches:
        """One answer from three: what both sides prove together, else the finer one, else the responder's word."""
        # start with the responder: where the sides contradict it is the one that says what listens there
        service, sublabel = resp.service.copy(), resp.sublabel.copy()
        take = (service == NO_SERVICE) | self._finer(orig.service, service)
        service, sublabel = np.where(take, orig.service, service), np.where(take, orig.sublabel, sublabel)
        same = (orig.service == service) & (orig.sublabel != NO_SUBLABEL)  # what was asked says more than the answer
        sublabel = np.where(same, orig.sublabel, sublabel)
        take = (both.service != NO_SERVICE) & ~self._finer(service, both.service)
        same = take & (both.service == service) & (both.sublabel == NO_SUBLABEL)
        service = np.where(take, both.service, service)
        sublabel = np.where(take & ~same, both.sublabel, sublabel)
        return Matches(service, sublabel, orig.service, resp.service)


def _chosen(ports: Sequence[int]) -> Bools:
    """Return for every port number whether it is one of ``ports``."""
    chosen = np.zeros(1 << 16, np.bool_)
    chosen[list(ports)] = True
    return chosen


def _none(count: int) -> Codes:
    return np.full(count, NO_SERVICE, dtype=np.int16)
