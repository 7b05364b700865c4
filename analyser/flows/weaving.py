"""Packets of captures that overlap in time put into one order, a batch at a time.

Knows times and places of payload; must not know flows. The packets of one capture keep their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.feed import Feed

_MARGIN: Final = 64
"""Bytes behind the payload that fixed-size reads may touch."""


def weave(feeds: Sequence[Feed], until: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Take from captures what is due, in the order of time, and step over it.

    Args:
        feeds: captures with packets; of equal times, those of the first come first.
        until: the latest time (ns) that is taken.

    Returns:
        The packets, and the buffer that holds their payload.
    """
    taken, keys, payloads = [], [], []
    size = 0
    for feed in feeds:
        end = feed.due(until)
        if end == feed.cursor:
            continue
        packets = feed.packets[feed.cursor : end].copy()
        held = packets[packets["caught"] > 0]  # where nothing was caught, the offset means nothing
        first = int(held["offset"].min()) if held.size else 0
        last = int((held["offset"] + held["caught"]).max()) if held.size else 0
        packets["offset"] += size - first
        taken.append(packets)
        keys.append(feed.order()[feed.cursor : end])
        payloads.append(feed.buffer[first:last])
        size += last - first
        feed.cursor = end
    sequence = np.argsort(np.concatenate(keys), kind="stable")
    return np.concatenate(taken)[sequence], np.concatenate([*payloads, np.zeros(_MARGIN, np.uint8)])
