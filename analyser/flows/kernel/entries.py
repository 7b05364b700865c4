"""What Python may call of the kernel: names, the modules they stand in, and the arrays they take.

Knows shapes, no code: neither the compiler nor the machine code is imported here.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyser.flows.layout import FLOW, FRAGMENT, PACKET, PATH, PAYLOAD, QUOTE, SEEN, SIDE, SIGHT, TUNNEL, WATCH
from analyser.machine.entries import NUMBER, Entries, block

_OCTETS: Final = block(np.uint8)
_STATE: Final = block(np.int64)
_WORDS: Final = block(np.uint64)
_TABLE: Final = block(np.uint64, 2)
_ROWS: Final = {
    kind: block(kind) for kind in (FLOW, SIDE, PAYLOAD, PACKET, FRAGMENT, PATH, SEEN, SIGHT, TUNNEL, WATCH, QUOTE)
}

ENTRIES: Final[Entries] = {
    "fill": (
        "framing",
        (
            _OCTETS, NUMBER, _STATE, block(np.int64, 2), _ROWS[PACKET], _ROWS[FRAGMENT], _ROWS[PATH], block(np.int32),
            _ROWS[TUNNEL], block(np.int32),
            _WORDS, _WORDS, _WORDS, _STATE, NUMBER,
        ),
    ),
    "opened": ("opening", (_OCTETS, NUMBER, NUMBER, NUMBER, NUMBER, _ROWS[PACKET])),
    "update": (
        "update",
        (
            _OCTETS, _ROWS[PACKET], NUMBER, NUMBER, _WORDS, _ROWS[FLOW], _ROWS[SIDE], _ROWS[PAYLOAD], _ROWS[SEEN],
            block(np.uint8, 2), _ROWS[WATCH], _OCTETS, _ROWS[QUOTE], _WORDS, _STATE,
        ),
    ),
    "resync": ("resync", (_OCTETS, NUMBER, NUMBER, NUMBER, NUMBER, _STATE)),
    "rebuild": ("update", (_WORDS, _ROWS[FLOW], NUMBER, NUMBER)),
    "find_idle": ("evict", (_ROWS[FLOW], _ROWS[SIDE], _OCTETS, NUMBER)),
    "deal": ("evict", (_OCTETS, _STATE, _STATE)),
    "close_up": ("evict", (_ROWS[SIDE], _TABLE, _TABLE, _TABLE, _STATE, _OCTETS, _STATE)),
    "pack": ("packing", (_ROWS[FLOW], _ROWS[SIDE], _TABLE, _TABLE, _TABLE, _STATE, block(np.int64, 2), _WORDS)),
    "unpack": ("packing", (_WORDS, _TABLE, _TABLE, _TABLE, _ROWS[SIDE], NUMBER, NUMBER, NUMBER)),
    "orient": ("orienting", (_ROWS[FLOW], _ROWS[SIDE], block(np.uint8, 2), _OCTETS)),
    "alike": (
        "alike",
        (
            _ROWS[FLOW], _ROWS[SIDE], block(np.uint8, 2), _WORDS, _ROWS[SIGHT], _TABLE, _STATE, NUMBER,
        ),
    ),
    "fold": ("fold", (_ROWS[FLOW], _ROWS[SIDE], _ROWS[PAYLOAD], _WORDS, _STATE, NUMBER)),
}  # fmt: skip
"""Name → module of this package, and arguments. Every function returns two numbers."""
