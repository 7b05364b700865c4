"""Patterns as flat arrays, in which compiled code finds what it has to compare: see :mod:`analyser.services.kernel.match`.

Knows the tests of signatures and the layout of the arrays; must not know services or which pattern counts more: patterns come in
the order of their weight, the weightiest last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyser.services.byterows import Bools, Bytes, Index
from analyser.services.kernel.layout import (
    ANY,
    BOTH,
    FIND,
    FIND_FOLDED,
    FIRSTS,
    FORMAT,
    KINDS,
    ORIG,
    RESP,
    SIZE,
    TEMPLATE,
)
from analyser.services.signature import AnyOf, Find, Pattern, Size, Template, Test

_TRANSPORTS: Final = ("tcp", "udp")


@dataclass(frozen=True, slots=True)
class Program:
    """What ``match`` takes between the rows and its results, in its order; numbers are int64 where nothing else is said.

    ``classes``: 65536 ports → which patterns name them (uint16; 0: none). ``lists``: where in ``listed`` the patterns begin that
    may hold, the weightiest first: without ports by kind and first byte, with ports by kind and class. ``patterns`` (transport
    or -1, first test, end), ``tests`` (what, side, first alternative, end), ``alternatives`` (two numbers, a place in
    ``values``, and for a string which of its bytes is searched for), ``values`` (uint16: bytes, any, or sets) and ``sets`` (256 bytes each).
    """

    classes: npt.NDArray[np.uint16]
    lists: Index
    listed: Index
    patterns: Index
    tests: Index
    alternatives: Index
    values: npt.NDArray[np.uint16]
    sets: Bytes

    @property
    def arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        """All of them in order."""
        return (
            self.classes, self.lists, self.listed, self.patterns, self.tests, self.alternatives, self.values, self.sets,
        )  # fmt: skip


class _Tests:
    """The tests of all patterns as they are put down one after the other."""

    def __init__(self) -> None:
        self.tests: list[tuple[int, int, int, int]] = []
        self.alternatives: list[tuple[int, int, int, int]] = []
        self._values: list[npt.NDArray[np.uint16]] = []
        self._allowed: list[tuple[int, Bools]] = []
        self._size = 0

    def add(self, pattern: Pattern) -> tuple[int, int]:
        """Put down the tests of a pattern, return where."""
        start = len(self.tests)
        sided = [(ORIG, test) for test in pattern.orig] + [(RESP, test) for test in pattern.resp]
        told = [(*self._told(test), side) for side, test in sided]
        for what, options, side in sorted(told, key=lambda item: item[0]):
            self.tests.append((what, side, len(self.alternatives), len(self.alternatives) + len(options)))
            self.alternatives += options
        return start, len(self.tests)

    def _told(self, test: Test) -> tuple[int, list[tuple[int, int, int, int]]]:
        """Return what a test is and its alternatives."""
        if isinstance(test, Template | AnyOf):
            several = (test,) if isinstance(test, Template) else test.templates
            return TEMPLATE, [(one.at, len(one.allowed), self._template(one.allowed), 0) for one in several]
        if isinstance(test, Find):
            strings = [needle.lower() if test.fold else needle for needle in test.needles]
            found = [(test.within, len(one), self._put(np.frombuffer(one, np.uint8)), _rare(one)) for one in strings]
            return (FIND_FOLDED if test.fold else FIND), found
        if isinstance(test, Size):
            return SIZE, [(test.least, test.most, 0, 0)]
        return FORMAT, []

    def _template(self, allowed: Bools) -> int:
        self._allowed.append((self._size, allowed))
        return self._put(np.zeros(len(allowed), np.uint16))

    def _put(self, values: npt.NDArray[np.integer]) -> int:
        place = self._size
        self._values.append(values.astype(np.uint16))
        self._size += len(values)
        return place

    def values(self) -> tuple[npt.NDArray[np.uint16], Bytes]:
        """Return the values of all templates and strings, and the sets among them."""
        values = np.concatenate([np.zeros(0, np.uint16), *self._values])
        places = np.concatenate([np.zeros(0, np.int64), *(at + np.arange(len(one)) for at, one in self._allowed)])
        allowed = np.concatenate([np.zeros((0, 256), np.bool_), *(one for _, one in self._allowed)])
        choices = allowed.sum(axis=1)
        values[places] = np.where(choices == 1, allowed.argmax(axis=1), ANY)
        some = np.flatnonzero((choices != 1) & (choices != 256))
        numbers: dict[bytes, int] = {}
        for place, one in zip(places[some].tolist(), allowed[some], strict=True):
            values[place] = ANY + 1 + numbers.setdefault(one.tobytes(), len(numbers))
        return values, np.frombuffer(b"".join(numbers), np.uint8)


def program(patterns: Sequence[Pattern]) -> Program:
    """Make a program of patterns; they are numbered as they come, the weightiest last."""
    tests = _Tests()
    rows = []
    for pattern in patterns:
        only = _TRANSPORTS.index(pattern.transports[0]) if len(pattern.transports) == 1 else -1
        rows.append((only, *tests.add(pattern)))
    classes, named = _classes(patterns)
    may = np.zeros((KINDS * (FIRSTS + len(named)), len(patterns)), np.bool_)
    for number, pattern in enumerate(patterns):
        kind = kind_of(pattern)
        if pattern.ports:
            at = KINDS * FIRSTS + kind * len(named)
            may[at : at + len(named), number] = [number in those for those in named]
        else:
            may[kind * FIRSTS : (kind + 1) * FIRSTS, number] = _firsts(pattern.resp if kind == RESP else pattern.orig)
    # the weightiest first
    of_list, place = np.nonzero(may[:, ::-1])
    values, sets = tests.values()
    return Program(
        classes=classes,
        lists=np.searchsorted(of_list, np.arange(len(may) + 1)).astype(np.int64),
        listed=(len(patterns) - 1 - place).astype(np.int64),
        patterns=_table(rows, 3),
        tests=_table(tests.tests, 4),
        alternatives=_table(tests.alternatives, 4),
        values=values,
        sets=sets,
    )


def kind_of(pattern: Pattern) -> int:
    """Return which sides a pattern asks about."""
    return BOTH if pattern.orig and pattern.resp else ORIG if pattern.orig else RESP


def _rare(needle: bytes) -> int:
    """Return the place of a byte that is rarer in text than the others: the first that is neither a small letter nor a space."""
    return next((place for place, byte in enumerate(needle) if byte not in b" abcdefghijklmnopqrstuvwxyz"), 0)


def _firsts(tests: Sequence[Test]) -> Bools:
    """Return the first bytes with which all tests may hold; the last place is for no byte at all."""
    allowed = np.ones(FIRSTS, np.bool_)
    for test in tests:
        if (first := test.first) is not None:
            allowed[:-1] &= first
            allowed[-1] = False
    return allowed


def _classes(patterns: Sequence[Pattern]) -> tuple[npt.NDArray[np.uint16], list[frozenset[int]]]:
    """Return the class of each port, and for each class the patterns that name its ports."""
    naming: dict[int, list[int]] = {}
    for number, pattern in enumerate(patterns):
        for port in pattern.ports:
            naming.setdefault(port, []).append(number)
    named = [frozenset[int]()]
    numbers = {named[0]: 0}
    classes = np.zeros(1 << 16, np.uint16)
    for port, those in naming.items():
        one = frozenset(those)
        if one not in numbers:
            numbers[one] = len(named)
            named.append(one)
        classes[port] = numbers[one]
    return classes, named


def _table(rows: Sequence[tuple[int, ...]], columns: int) -> Index:
    return np.array(rows, np.int64).reshape(len(rows), columns)
