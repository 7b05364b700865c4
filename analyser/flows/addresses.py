"""Addresses from two 64-bit words to text, for a million of them at once."""

from __future__ import annotations

import ipaddress
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


def address_texts(high: NDArray[Any], low: NDArray[Any]) -> pl.Series:
    """Return addresses as text: dotted quads for ``::ffff:0:0/96``, else RFC 5952."""
    mapped = (high == 0) & ((low >> np.uint64(32)) == np.uint64(0xFFFF))
    quad = (
        pl.DataFrame({str(shift): (low >> np.uint64(shift)) & np.uint64(255) for shift in (24, 16, 8, 0)})
        .select(pl.concat_str(pl.all().cast(pl.String), separator="."))
        .to_series()
    )
    if bool(mapped.all()):
        return quad
    six = np.flatnonzero(~mapped)
    pairs, inverse = np.unique(np.stack([high[six], low[six]], axis=1), axis=0, return_inverse=True)
    names = np.array([str(ipaddress.IPv6Address(a << 64 | b)) for a, b in pairs.tolist()], dtype=object)
    texts = quad.to_numpy().astype(object)
    texts[six] = names[inverse.reshape(-1)]
    return pl.Series(texts.tolist(), dtype=pl.String)
