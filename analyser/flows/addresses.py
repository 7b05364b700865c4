"""Addresses from two 64-bit words to text, for a million of them at once."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


def address_texts(high: NDArray[Any], low: NDArray[Any]) -> pl.Series:
    """Return addresses as text: dotted quads for ``::ffff:0:0/96``, else RFC 5952."""
    texts = (
        pl.DataFrame(
            {str(shift): ((low >> np.uint64(shift)) & np.uint64(255)).astype(np.uint8) for shift in (24, 16, 8, 0)}
        )
        .select(pl.concat_str(pl.all().cast(pl.String), separator="."))
        .to_series()
    )
    six = np.flatnonzero((high != 0) | ((low >> np.uint64(32)) != np.uint64(0xFFFF)))
    if not six.size:
        return texts
    names = [_ipv6_text(a, b) for a, b in zip(high[six].tolist(), low[six].tolist(), strict=True)]
    return texts.scatter(six, pl.Series(names, dtype=pl.String))


@lru_cache(maxsize=1 << 16)
def _ipv6_text(high: int, low: int) -> str:
    # The system's own function is thirty times as fast, but may write the last words of these as a dotted quad.
    if high == 0 or low >> 32 & 0xFFFF == 0x5EFE:
        return str(ipaddress.IPv6Address(high << 64 | low))
    return socket.inet_ntop(socket.AF_INET6, (high << 64 | low).to_bytes(16, "big"))
