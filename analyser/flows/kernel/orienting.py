"""Which side opened a flow, read from its record.

Knows the records of ``flows.layout``. It must not know packets: what they told stands in the record.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.layout import KEY_ECHO, KEY_NEIGHBOUR, OPENED_BY_SYN, OPENED_GUESSED, OPENED_HIGH
from analyser.machine.loads import inner

U = np.uint64
TCP = 6
UDP = 17


@inner
def opened_before(one: Any, other: Any) -> Any:
    """Say whether one side's SYN came before the other's; of two with the same time, the one that was captured first."""
    if one.syn_t != other.syn_t:
        return one.syn_t < other.syn_t
    if one.syn_file != other.syn_file:
        return one.syn_file < other.syn_file
    return one.syn_frame < other.syn_frame


@inner
def direction(flow: Any, low: Any, high: Any, expected: Any) -> Any:
    """Return how a flow was opened as bits, ``OPENED_…``. ``low`` and ``high`` are its sides.

    ``expected``: for TCP and for UDP, of each port whether a responder is expected there. The order of proof: SYN, SYN-ACK (of an
    echo: request, answer), then a responder port on one end only, then the first packet.
    """
    protocol = np.int64(flow.k4 & U(0xFF))
    kind = np.int64((flow.k4 >> U(8)) & U(0xFF))
    first_high = np.int64(flow.first_side == 1)
    if protocol == TCP or kind == KEY_ECHO or kind == KEY_NEIGHBOUR:
        if low.nsyn > 0 or high.nsyn > 0:
            by_high = opened_before(high, low) if low.nsyn > 0 and high.nsyn > 0 else high.nsyn > 0
            return np.int64(by_high) * OPENED_HIGH | OPENED_BY_SYN
        if low.nsynack > 0 or high.nsynack > 0:
            by_high = not opened_before(high, low) if low.nsynack > 0 and high.nsynack > 0 else low.nsynack > 0
            return np.int64(by_high) * OPENED_HIGH | OPENED_BY_SYN
    by_high = first_high
    if protocol == TCP or protocol == UDP:
        ports = expected[np.int64(protocol == UDP)]
        known_low = np.int64(ports[np.int64(flow.k4 >> U(48))])
        if known_low != np.int64(ports[np.int64((flow.k4 >> U(32)) & U(0xFFFF))]):
            by_high = known_low
    guessed = protocol == TCP or by_high != first_high
    return by_high * OPENED_HIGH | np.int64(guessed) * OPENED_GUESSED


def orient(flows: Any, sides: Any, expected: Any, told: Any) -> Any:
    """Write of each flow into ``told`` what `direction` says of it."""
    for n in range(told.shape[0]):
        told[n] = np.uint8(direction(flows[n], sides[2 * n], sides[2 * n + 1], expected))
    return np.int64(told.shape[0]), np.int64(0)
