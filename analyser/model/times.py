"""Times as the reports write them, and the periods that captures cover."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, overload


@overload
def iso_time(ns: int) -> str: ...
@overload
def iso_time(ns: None) -> None: ...
def iso_time(ns: int | None) -> str | None:
    """Return nanoseconds since 1970 as ISO 8601 in UTC with microseconds (``2026-03-02T08:00:00.000000Z``); None stays None.

    What lies outside the years that a calendar can write becomes its first or last moment.
    """
    if ns is None:
        return None
    micros = min(max(ns // 1000, -62_135_596_800_000_000), 253_402_300_799_999_999)
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds") + "Z"


PAUSE: Final = 60_000_000_000
"""Nanoseconds without a packet between two captures of which one is still taken to continue the other."""

Period = tuple[int, int]


def join_periods(periods: Iterable[Period]) -> list[Period]:
    """Return periods (first and last packet, ns) in order, those that continue one another as one."""
    joined: list[Period] = []
    for first, last in sorted(periods):
        if joined and first - joined[-1][1] <= PAUSE:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
