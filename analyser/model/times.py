"""Times as the reports write them."""

from __future__ import annotations

import datetime as dt
from typing import overload


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
