"""Nobody can choose addresses so that all flows fall on one slot of the index, and reading takes the square of the time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyser.flows.kernel.ip import C1, C2, C3, hash_key

PLAIN: Any = getattr(hash_key, "py_func")  # noqa: B009  what numba compiles, as Python
SEED = np.uint64(0x0123456789ABCDEF)
MANY = 400


def words(constant: np.uint64, tail: int) -> list[tuple[np.uint64, np.uint64]]:
    """Return pairs (high, low) of which ``low ^ high * constant`` is always the same: they cancel in a simple hash."""
    whole = 1 << 64
    return [
        (np.uint64(high), np.uint64(tail ^ high * int(constant) % whole))
        for high in range(0x2001 << 48, (0x2001 << 48) + MANY)
    ]


@pytest.mark.parametrize("constant", [C1, C2, C3])
@pytest.mark.parametrize("end", ["a", "b", "macs"])
def test_addresses_that_cancel_out_are_told_apart(constant: np.uint64, end: str) -> None:
    """Addresses of either end, made for the constants of the hash, still get different hashes."""
    zero, other = np.uint64(0), np.uint64(1)
    hashes = set()
    for high, low in words(constant, 0x5EED):
        match end:
            case "a":
                key = (high, low, other, other)
            case "b":
                key = (other, other, high, low)
            case _:
                key = (low & np.uint64((1 << 48) - 1), high & np.uint64((1 << 48) - 1), zero, zero)
        with np.errstate(over="ignore"):  # words of 64 bits wrap around, as in machine code
            hashes.add(int(PLAIN(*key, np.uint64(17), SEED)) >> 32)
    assert len(hashes) > MANY * 0.99
