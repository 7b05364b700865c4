"""What parts of the program tell of their compiled functions: names, the modules they stand in, and the arrays they take.

Knows shapes, no code: neither the compiler nor the machine code is imported here, and of the parts only their names are known.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import Final

import numpy as np

PARTS: Final = ("analyser.flows.kernel", "analyser.services.kernel")
"""Packages with compiled functions. Each has a module ``entries`` with ``ENTRIES``: name → module of the package, and arguments."""


@dataclass(frozen=True, slots=True)
class Block:
    """An array argument: its item type and how many dimensions it has. Always contiguous."""

    dtype: np.dtype[np.void]
    ndim: int = 1


NUMBER: Final = None
"""An argument that is a number (int64)."""

Arguments = tuple[Block | None, ...]
Entries = dict[str, tuple[str, Arguments]]


def block(kind: object, ndim: int = 1) -> Block:
    """Return an array argument of items of a numpy type."""
    return Block(np.dtype(kind), ndim)  # type: ignore[call-overload]


@functools.cache
def entries() -> Entries:
    """Return the functions of all parts by name: module in full, and arguments. Every function returns two numbers."""
    found: Entries = {}
    for part in PARTS:
        own: Entries = importlib.import_module(f"{part}.entries").ENTRIES
        found |= {name: (f"{part}.{module}", arguments) for name, (module, arguments) in own.items()}
    return found
