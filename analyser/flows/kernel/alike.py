"""Flows told apart by who was seen where, and by nothing else: a million flows are a few thousand sights.

Knows the records of ``flows.layout``. It must not know what is asked of the sights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.ip import mix
from analyser.flows.kernel.orienting import TCP, direction
from analyser.flows.kernel.update import LOW, TAG
from analyser.flows.layout import FLOW_LOOPBACK, KEY_NEIGHBOUR, OPENED_HIGH, SIGHT_WORDS
from analyser.machine.loads import inner

U = np.uint64


@inner
def describe(sight: Any, flow: Any, low: Any, high: Any, expected: Any) -> None:
    """Write what tells a flow from others into ``sight``."""
    sight.a0 = flow.a0
    sight.a1 = flow.a1
    sight.b0 = flow.b0
    sight.b1 = flow.b1
    sight.low_path = low.path
    sight.low_rst_path = low.rst_path
    sight.low_copy_path = low.copy_path
    sight.low_spoke = np.uint8(low.pkts > 0)
    sight.low_ttl_min = np.uint8(low.ttl_min * (low.ttl_max > 0))
    sight.low_ttl_max = low.ttl_max
    sight.low_copy_ttl = low.copy_ttl
    sight.high_path = high.path
    sight.high_rst_path = high.rst_path
    sight.high_copy_path = high.copy_path
    sight.high_spoke = np.uint8(high.pkts > 0)
    sight.high_ttl_min = np.uint8(high.ttl_min * (high.ttl_max > 0))
    sight.high_ttl_max = high.ttl_max
    sight.high_copy_ttl = high.copy_ttl
    sight.opened = np.uint8(direction(flow, low, high, expected) & OPENED_HIGH)
    sight.tcp = np.uint8(flow.k4 & U(0xFFFF) == U(TCP))
    sight.loopback = np.uint8(flow.flags & np.uint8(FLOW_LOOPBACK))


def alike(
    flows: Any, sides: Any, expected: Any, index: Any, sights: Any, words: Any, numbers: Any, seed: Any
) -> Any:  # fmt: skip
    """Write the different sights of flows into ``sights`` and the place of each flow's own into ``numbers``.

    ``expected`` is as for `orienting.direction`. ``index`` is empty and has a power of two of words, at least twice as many as
    there are flows; ``words`` is the memory of ``sights``, zeros so far. ARP and neighbour discovery have no sight: -1. Returns how
    many there are.
    """
    mask = np.int64(index.shape[0] - 1)
    count = np.int64(0)
    for n in range(numbers.shape[0]):
        flow = flows[n]
        low, high = sides[2 * n], sides[2 * n + 1]
        if (flow.k4 >> U(8)) & U(0xFF) == U(KEY_NEIGHBOUR):
            numbers[n] = -1
            continue
        describe(sights[count], flow, low, high, expected)  # stays there if it is new
        h = U(seed)
        for word in range(SIGHT_WORDS):
            h = mix(h, words[count, word])
        i = np.int64(h >> U(32)) & mask
        found = count
        while index[i] != U(0):
            if (index[i] ^ h) & TAG == U(0):
                found = np.int64(index[i] & LOW) - 1
                for word in range(SIGHT_WORDS):
                    if words[found, word] != words[count, word]:
                        found = count
                        break
                if found != count:
                    break
            i = (i + 1) & mask
        if found == count:
            index[i] = (h & TAG) | U(count + 1)
            sights[count].flows = U(0)
            sights[count].packets = U(0)
            count += 1
        numbers[n] = found
        sights[found].flows += U(1)
        sights[found].packets += U(low.pkts) + U(high.pkts)
    return count, np.int64(0)
