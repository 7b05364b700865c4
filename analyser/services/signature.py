"""What a signature is: tests over the first bytes of both sides of a flow, and the examples that prove it.

Knows what a test allows and how much it proves; must not know files or TOML, nor how rows are compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from analyser.services.byterows import Bools, ByteRows, Index
from analyser.services.structures import STRUCTURES

NO_SUBLABEL: Final = -1


class Test(Protocol):
    """One condition on the first bytes of one side.

    ``bits`` says how unlikely a chance match is (2^-bits); ``first`` which first bytes it allows ((256,)
    booleans), or None if it says nothing about the first byte.
    """

    @property
    def bits(self) -> float:
        """Strength, in bits."""
        ...

    @property
    def first(self) -> Bools | None:
        """First bytes that can pass, (256,) booleans, or None."""
        ...


@dataclass(frozen=True, eq=False)
class Template:
    """Bytes at a fixed place: ``allowed`` is (length, 256) booleans."""

    at: int
    allowed: Bools
    bits: float = field(init=False)

    def __post_init__(self) -> None:
        choices = self.allowed.sum(axis=1)
        object.__setattr__(self, "bits", float(sum(8 - math.log2(count) for count in choices)))

    @property
    def first(self) -> Bools | None:
        """First bytes that can pass."""
        return self.allowed[0] if self.at == 0 else None


@dataclass(frozen=True, eq=False)
class AnyOf:
    """Alternatives at fixed places; one suffices."""

    templates: tuple[Template, ...]

    @property
    def bits(self) -> float:
        """Strength of the weakest alternative."""
        return min(item.bits for item in self.templates)

    @property
    def first(self) -> Bools | None:
        """First bytes that any alternative allows."""
        sets = [item.first for item in self.templates]
        known = [item for item in sets if item is not None]
        return np.logical_or.reduce(known) if len(known) == len(sets) else None


@dataclass(frozen=True)
class Find:
    """Any of some strings somewhere in the first ``within`` bytes, upper and lower case alike if ``fold``."""

    needles: tuple[bytes, ...]
    within: int
    fold: bool = False
    first: None = None

    @property
    def bits(self) -> float:
        """Strength of the shortest string, less the freedom of place."""
        return min(8 * len(item) for item in self.needles) - math.log2(self.within)


@dataclass(frozen=True)
class Size:
    """How many first bytes there are, between ``least`` and ``most`` (the table keeps at most 128)."""

    least: int
    most: int
    first: None = None

    @property
    def bits(self) -> float:
        """Little, but an exact size is worth something."""
        return 4.0 if self.least == self.most else 1.0


@dataclass(frozen=True)
class Structured:
    """What templates cannot say, read by a function of :mod:`analyser.services.structures` from byte ``at`` on."""

    name: str
    at: int = 0

    @property
    def bits(self) -> float:
        """Strength as the function's author declares it."""
        return STRUCTURES[self.name].bits

    @property
    def first(self) -> Bools | None:
        """First bytes that can pass, where the function knows them."""
        starts = STRUCTURES[self.name].first
        if self.at or not starts:
            return None
        allowed = np.zeros(256, dtype=np.bool_)
        allowed[list(starts)] = True
        return allowed

    @property
    def sublabels(self) -> tuple[str | None, ...]:
        """The sub-labels that it tells apart; none where it only says yes or no."""
        words = STRUCTURES[self.name].sublabels
        return words if any(words) else ()

    def kinds(self, rows: ByteRows, index: Index) -> Index:
        """Return for each row -1 (not this) or the index of its sub-label."""
        return STRUCTURES[self.name].read(rows, index, self.at)


@dataclass(frozen=True, eq=False)
class Pattern:
    """One way to know a service: all tests of both sides must hold, on these transports and responder ports.

    ``ports`` empty means any port. ``index`` counts the patterns of a run; ``line`` is where it is written.
    """

    service: str
    id: str
    transports: tuple[str, ...]
    ports: tuple[int, ...]
    orig: tuple[Test, ...]
    resp: tuple[Test, ...]
    sublabel: str | None = None
    line: int = 0

    @property
    def bits(self) -> float:
        """Strength of all tests together; a port counts a little."""
        return sum(test.bits for test in (*self.orig, *self.resp)) + (4.0 if self.ports else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """First bytes of a flow of this service (``accepted``) or of one that could be mistaken for it."""

    title: str
    accepted: bool
    transport: str
    port: int
    orig: bytes
    resp: bytes
    sublabel: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One file of ``rules/signatures``, or one of several tables in another file, which then begins at ``line``.

    ``refines`` names the services whose flows this one tells apart further.
    """

    service: str
    source: str
    refines: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    examples: tuple[Example, ...]
    file: str
    alone: bool = True  # the only one in its file
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureIssue:
    """A mistake in a signature file: ``line`` from 1, ``key`` as written there, what is wrong and what was expected."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """One line, as compilers print them."""
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


class SignatureError(Exception):
    """Signature files that cannot be used; ``issues`` holds every mistake of every file."""

    def __init__(self, issues: tuple[SignatureIssue, ...]) -> None:
        super().__init__("\n".join(map(str, issues)))
        self.issues = issues
