"""Requests of datagram services with their repeats and answers, one row per request.

Knows only when a datagram is the same request again: same flow, same bytes, soon enough.
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from analyser.services.byterows import Bools, Index
from analyser.tables import REQUESTS

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.uint64]

ANSWER_WINDOW: Final = 5_000_000_000
"""A request repeated within so many ns after its answer was answered in vain; later it is a new one."""

PATIENCE: Final = 60_000_000_000
"""Without an answer, the same bytes after so many ns are a new request."""


def requests(datagrams: pl.DataFrame) -> pl.DataFrame:
    """Return REQUESTS in time order from :func:`analyser.services.datagrams.datagrams`."""
    rows = datagrams.filter(pl.col("is_request") | pl.col("is_answer")).select(
        "serial",
        "t",
        "file",
        "frame",
        "is_request",
        "is_answer",
        "match",
        credential=pl.col("credential").fill_null(0),
        body=pl.struct("data", "length").hash(secrets.randbits(63)),
    )
    order, first = _same(np.arange(rows.height), rows["match"].to_numpy(), rows["serial"].to_numpy())
    # an answer belongs to the request of its id (or, without ids, of its flow) that was sent last before it
    asking = _latest(rows["is_request"].to_numpy()[order], first)
    belongs = asking >= 0
    order, asked = order[belongs], rows["body"].to_numpy()[order[asking[belongs]]]
    order, first = _same(order, asked, np.cumsum(first, dtype=np.int64)[belongs])
    rows = rows[order]
    return _counted(rows, first, order).select(pl.col(name).cast(kind) for name, kind in REQUESTS.items())


def _counted(rows: pl.DataFrame, first: Bools, order: Index) -> pl.DataFrame:
    """Return one row for each request in time order.

    ``rows``: requests and answers, those of the same bytes together, in time order; ``first``: where others begin.
    ``order``: their numbers in time order.
    """
    t, is_request, is_answer = (rows[name].to_numpy() for name in ("t", "is_request", "is_answer"))
    sent, answered = (_before(flags, first) for flags in (is_request, is_answer))
    was_sent, was_answered = sent >= 0, answered >= 0
    again = t - t[answered]
    late = was_answered & (again > ANSWER_WINDOW)
    late |= (~was_answered | (t[answered] < t[sent])) & (t - t[sent] > PATIENCE)
    new = is_request & (~was_sent | late)
    in_vain = is_request & ~new & was_answered & (again <= ANSWER_WINDOW)
    begin = np.flatnonzero(new)
    place = np.arange(len(t))
    if not len(begin):
        return pl.DataFrame(schema=REQUESTS)
    last = np.maximum.reduceat(np.where(is_request, place, 0), begin)
    answer = np.minimum.reduceat(np.where(is_answer, place, len(t)), begin)
    unanswered = pl.Series(answer == len(t))
    replies = rows[np.minimum(answer, len(t) - 1)].select(
        **{f"answer_{name}": pl.when(~unanswered).then(name).otherwise(0) for name in ("t", "frame", "file")}
    )
    table = rows[begin].with_columns(
        *rows[last].select(last_t="t", last_frame="frame", last_file="file"),
        *replies,
        sent=pl.Series(np.add.reduceat(is_request.astype(np.int64), begin)),
        repeat_after_answer=pl.Series(np.add.reduceat(in_vain.astype(np.int64), begin)),
    )
    return table[np.argsort(order[begin])].sort("t", "frame", maintain_order=True)


def _same(order: Index, fine: Numbers, coarse: Numbers) -> tuple[Index, Bools]:
    """Put rows together that agree in two keys, else as they stood; return ``order`` so, and where others begin."""
    by_keys = np.lexsort((fine, coarse))
    fine, coarse = fine[by_keys], coarse[by_keys]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (fine[1:] != fine[:-1]) | (coarse[1:] != coarse[:-1])
    return order[by_keys], first


def _latest(flags: Bools, first: Bools) -> Index:
    """Return the place of the last flag up to each row, among those from the last ``first`` on; -1 if there is none."""
    place = np.arange(len(flags))
    latest = np.maximum.accumulate(np.where(flags, place, -1))
    return np.where(latest >= np.maximum.accumulate(np.where(first, place, 0)), latest, -1)


def _before(flags: Bools, first: Bools) -> Index:
    """Return the same for what stands before each row."""
    before = np.concatenate((np.full(min(len(flags), 1), -1), _latest(flags, first)[:-1]))
    return np.where(first, -1, before)
