"""Until when the capture went on after a moment.

Several captures may leave hours between them: nothing was watched in between, so an answer that fell into such a gap
is no answer that was missed. Knows periods and times; no flows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from analyser.model.times import Period, join_periods


def watched_until(moments: pl.Series, periods: Iterable[Period]) -> pl.Series:
    """Return for each of ``moments`` (ns) when the capture that goes on at that moment ended (ns)."""
    joined = join_periods(periods)
    starts = np.array([first for first, _ in joined], dtype=np.int64)
    ends = np.array([last for _, last in joined], dtype=np.int64)
    places = np.searchsorted(starts, moments.to_numpy(), "right") - 1
    return pl.Series("until", ends[np.maximum(places, 0)], pl.Int64)
