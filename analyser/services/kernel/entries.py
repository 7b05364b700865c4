"""What Python may call of the compiled part: names, the modules they stand in, and the arrays they take.

Knows shapes, no code.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyser.machine.entries import NUMBER, Entries, block

_OCTETS: Final = block(np.uint8)
_NUMBERS: Final = block(np.int64)
_TABLE: Final = block(np.int64, 2)

ENTRIES: Final[Entries] = {
    "match": (
        "match",
        (
            _OCTETS, _NUMBERS, _OCTETS, _NUMBERS, NUMBER, _OCTETS, block(np.uint16), NUMBER,
            block(np.uint16), _NUMBERS, _NUMBERS, _TABLE, _TABLE, _TABLE, block(np.uint16), _OCTETS,
            block(np.int32, 2), _TABLE,
        ),
    ),
    "formats": (
        "formats", (_OCTETS, _NUMBERS, NUMBER, _NUMBERS, NUMBER, NUMBER, _TABLE, block(np.uint16), _NUMBERS),
    ),
    "snmp": ("messages", (_OCTETS, _NUMBERS, NUMBER, _NUMBERS, NUMBER, _TABLE)),
}  # fmt: skip
"""Name → module of this package, and arguments. Every function returns two numbers."""
