"""Signatures against the first bytes of many flows: which service, which sub-label, from which side.

Knows arrays and signatures; must not know tables, watched packets or port guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyser.machine.native import kernel
from analyser.services.byterows import Bools, ByteRows, Index
from analyser.services.kernel.layout import BOTH, KINDS, ORIG, RESP
from analyser.services.program import kind_of, program
from analyser.services.signature import NO_SUBLABEL, Pattern, Signature, Structured

NO_SERVICE: Final = -1

_NOTED: Final = 1 << 16
"""Rows that may be noted at once because of a format."""

Codes = npt.NDArray[np.int16]
_Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FirstBytes:
    """k flows: transport (0 tcp, 1 udp, 2 other), responder port, and the first bytes of both sides."""

    transport: npt.NDArray[np.uint8]
    port: npt.NDArray[np.uint16]
    orig: ByteRows
    resp: ByteRows

    def __post_init__(self) -> None:
        counts = {len(one) for one in (self.transport, self.port, self.orig.lengths, self.resp.lengths)}
        if self.orig.matrix.shape != self.resp.matrix.shape or counts != {len(self.orig.matrix)}:
            raise ValueError("both sides have a row for each flow, all of one width")  # compiled code tests nothing


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
    """The best match by one kind of evidence."""

    service: Codes
    sublabel: Codes


class Matcher:
    """Signatures made ready. Where several fit, the finer service wins, then the pattern that fixes more bits."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self.services: list[str] = sorted({item.service for item in signatures})
        code = {service: number for number, service in enumerate(self.services)}
        self.sublabels: list[str] = []
        self._sublabel_codes: dict[str, int] = {}
        # refines[a, b]: a tells flows of b apart further; the last place of either is for no service, -1
        self._refines: Bools = np.zeros((len(code) + 1, len(code) + 1), dtype=np.bool_)
        for item in signatures:
            for coarser in item.refines:
                if coarser in code:
                    self._refines[code[item.service], code[coarser]] = True
        depth = self._refines.sum(axis=1)
        patterns = [pattern for item in signatures for pattern in item.patterns]
        patterns.sort(key=lambda item: (int(depth[code[item.service]]), item.bits, item.service, item.id))
        self._patterns = patterns
        self._kinds = [self._kinds_of(pattern) for pattern in patterns]
        # the last entry is for no pattern, -1
        self._services = np.array([*(code[pattern.service] for pattern in patterns), NO_SERVICE], np.int16)
        words = [pattern.sublabel for pattern in patterns]
        own = [NO_SUBLABEL if word is None else self._sublabel(word) for word in words]
        self._own = np.array([*own, NO_SUBLABEL], np.int16)
        self._program = program(patterns)

    def match(self, flows: FirstBytes) -> Matches:
        """Judge k flows; every array of the result is (k,)."""
        best, noted = self._compared(flows)
        sublabel = self._own[best]
        self._read(flows, noted, best, sublabel)
        sides = (_Best(self._services[best[:, kind]], sublabel[:, kind]) for kind in (ORIG, RESP, BOTH))
        return self._resolve(*sides)

    # -- patterns ------------------------------------------------------------------------------

    def _compared(self, flows: FirstBytes) -> tuple[_Numbers, Index]:
        """Return the best pattern of each kind, (k, 3), by all but formats, and (row, pattern) where a format decides."""
        count = len(flows.port)
        best = np.full((count, KINDS), -1, np.int32)
        noted = np.empty((len(self._patterns) + min(count, _NOTED), 2), np.int64)
        rows = (flows.orig.matrix.ravel(), flows.orig.lengths, flows.resp.matrix.ravel(), flows.resp.lengths)
        found = [noted[:0]]
        row = 0
        while row < count:
            row, some = kernel("match")(
                *rows, flows.orig.width, flows.transport, flows.port, row, *self._program.arrays, best, noted
            )
            found.append(noted[:some].copy())
        return best, np.concatenate(found)

    def _read(self, flows: FirstBytes, noted: Index, best: _Numbers, sublabel: Codes) -> None:
        """Look at formats, the weightiest patterns first, and put down where they hold."""
        order = np.argsort(noted[:, 1].astype(np.min_scalar_type(len(self._patterns))), kind="stable")
        ends = np.bincount(noted[:, 1], minlength=len(self._patterns)).cumsum()
        for number, rows in reversed(list(enumerate(np.split(noted[order, 0], ends[:-1])))):
            if not len(rows):
                continue
            kind = kind_of(self._patterns[number])
            index, told = self._judge(number, flows, rows[best[rows, kind] < number])
            best[index, kind] = number
            sublabel[index, kind] = told

    def _judge(self, number: int, flows: FirstBytes, index: Index) -> tuple[Index, Codes]:
        """Return the rows that have the formats of a pattern, and their sub-labels."""
        pattern, kinds = self._patterns[number], self._kinds[number]
        sublabel = np.full(len(index), self._own[number], dtype=np.int16)
        for tests, rows in ((pattern.orig, flows.orig), (pattern.resp, flows.resp)):
            for test in tests:
                if not isinstance(test, Structured) or not len(index):
                    continue
                found = test.kinds(rows, index)
                passed = found >= 0
                index, sublabel = index[passed], sublabel[passed]
                if kinds is not None and test.sublabels:
                    sublabel = kinds[found[passed]]
        return index, sublabel

    def _kinds_of(self, pattern: Pattern) -> Codes | None:
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

    # -- services ------------------------------------------------------------------------------

    def _finer(self, left: Codes, right: Codes) -> Bools:
        """Where ``left`` refines ``right``; the places of -1 are the last row and the last of the row before."""
        finer: Bools = self._refines.ravel().take(left.astype(np.int32) * len(self._refines) + right, mode="wrap")
        return finer

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
