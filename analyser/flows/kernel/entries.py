"""What Python may call of the kernel: names, the modules they stand in, and the arrays they take.

Knows shapes, no code: neither the compiler nor the machine code is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.flows.layout import FLOW, FRAGMENT, PACKET, PATH, PAYLOAD, QUOTE, SEEN, SIDE, SIGHT, TUNNEL, WATCH


@dataclass(frozen=True, slots=True)
class Block:
    """An array argument: its item type and how many dimensions it has. Always contiguous."""

    dtype: np.dtype[np.void]
    ndim: int = 1


NUMBER: Final = None
"""An argument that is a number (int64)."""


def _block(kind: object, ndim: int = 1) -> Block:
    return Block(np.dtype(kind), ndim)  # type: ignore[call-overload]


_OCTETS: Final = _block(np.uint8)
_STATE: Final = _block(np.int64)
_WORDS: Final = _block(np.uint64)
_ROWS: Final = {
    kind: _block(kind) for kind in (FLOW, SIDE, PAYLOAD, PACKET, FRAGMENT, PATH, SEEN, SIGHT, TUNNEL, WATCH, QUOTE)
}

Arguments = tuple[Block | None, ...]

ENTRIES: Final[dict[str, tuple[str, Arguments]]] = {
    "fill": (
        "framing",
        (
            _OCTETS, NUMBER, _STATE, _block(np.int64, 2), _ROWS[PACKET], _ROWS[FRAGMENT], _ROWS[PATH], _block(np.int32),
            _ROWS[TUNNEL], _block(np.int32),
            _WORDS, _WORDS, _WORDS, _STATE, NUMBER,
        ),
    ),
    "opened": ("opening", (_OCTETS, NUMBER, NUMBER, NUMBER, NUMBER, _ROWS[PACKET])),
    "update": (
        "update",
        (
            _OCTETS, _ROWS[PACKET], NUMBER, NUMBER, _WORDS, _ROWS[FLOW], _ROWS[SIDE], _ROWS[PAYLOAD], _ROWS[SEEN],
            _block(np.uint8, 2), _ROWS[WATCH], _OCTETS, _ROWS[QUOTE], _WORDS, _STATE,
        ),
    ),
    "resync": ("resync", (_OCTETS, NUMBER, NUMBER, NUMBER, NUMBER, _STATE)),
    "rebuild": ("update", (_WORDS, _ROWS[FLOW], NUMBER, NUMBER)),
    "mark_idle": ("evict", (_ROWS[FLOW], _ROWS[SIDE], _block(np.int64, 2), _STATE, NUMBER)),
    "evict": (
        "evict",
        (
            _ROWS[FLOW], _ROWS[SIDE], _block(np.uint64, 2), _block(np.uint64, 2), _block(np.uint64, 2), _STATE,
            _block(np.int64, 2), _block(np.uint64, 2), _block(np.uint64, 2), _block(np.uint64, 2), _ROWS[SIDE], _STATE,
        ),
    ),
    "orient": ("orienting", (_ROWS[FLOW], _ROWS[SIDE], _block(np.uint8, 2), _OCTETS)),
    "alike": (
        "alike",
        (
            _ROWS[FLOW], _ROWS[SIDE], _block(np.uint8, 2), _WORDS, _ROWS[SIGHT], _block(np.uint64, 2), _STATE, NUMBER,
        ),
    ),
    "fold": ("fold", (_ROWS[FLOW], _ROWS[SIDE], _ROWS[PAYLOAD], _WORDS, _STATE, NUMBER)),
}  # fmt: skip
"""Name → module of this package, and arguments. Every function returns two numbers."""
