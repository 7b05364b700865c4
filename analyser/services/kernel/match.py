"""Flows against signatures that were made flat (:mod:`analyser.services.program`), a row at a time.

Knows how a program is laid out and how bytes are compared. It must not know what a pattern means, nor any format: where a
pattern asks for one, the row is noted for somebody else to look at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.machine.loads import inner, u8
from analyser.services.kernel.layout import ANY, FIND_FOLDED, FIRSTS, FORMAT, KINDS, RESP, SIZE, TEMPLATE
from analyser.services.kernel.strings import lies_in

NO, YES, UNKNOWN = 0, 1, 2


@inner
def fits(octets: Any, start: Any, values: Any, template: Any, size: Any, sets: Any) -> Any:
    """Say whether the bytes from ``start`` on are those of a template."""
    for k in range(size):
        value = np.int64(values[template + k])
        byte = u8(octets, start + k)
        if value != byte and value != ANY:
            if value < ANY:
                return False
            if u8(sets, (value - ANY - 1) * 256 + byte) == 0:
                return False
    return True


@inner
def passes(
    octets: Any, start: Any, length: Any, op: Any, first: Any, end: Any, alternatives: Any, values: Any, sets: Any
) -> Any:
    """Say whether a row passes a test: one of its alternatives suffices."""
    for one in range(first, end):
        a = alternatives[one, 0]
        b = alternatives[one, 1]
        place = alternatives[one, 2]
        if op == TEMPLATE:
            if a >= 0 and a <= length - b and fits(octets, start + a, values, place, b, sets):
                return True
        elif op == SIZE:
            if a <= length and length <= b:
                return True
        elif lies_in(octets, start, start + min(a, length), values, place, b, alternatives[one, 3], op == FIND_FOLDED):
            return True
    return False


def match(
    orig: Any, orig_lengths: Any, resp: Any, resp_lengths: Any, width: Any, transport: Any, ports: Any, start: Any,
    classes: Any, lists: Any, listed: Any, patterns: Any, tests: Any, alternatives: Any, values: Any, sets: Any,
    best: Any, noted: Any,
) -> Any:  # fmt: skip
    """Write for each row, from ``start`` on, the last pattern of each kind that holds into ``best`` (-1: none).

    ``orig`` and ``resp`` are rows of ``width`` bytes. Patterns above it that hold if the row has a certain format are noted:
    row and pattern. Returns the row to go on with, for which there was no room any more, and how many were noted.
    """
    rows = np.int64(best.shape[0])
    room = np.int64(noted.shape[0]) - np.int64(patterns.shape[0])
    ported = (np.int64(lists.shape[0]) - 1 - KINDS * FIRSTS) // KINDS
    count = np.int64(0)
    for row in range(start, rows):
        if count > room:
            return row, count
        base = row * width
        orig_length = max(np.int64(0), min(orig_lengths[row], width))
        resp_length = max(np.int64(0), min(resp_lengths[row], width))
        by = np.int64(transport[row])
        kind_of_port = np.int64(classes[np.int64(ports[row])])
        for kind in range(KINDS):
            byte = np.int64(FIRSTS - 1)
            if kind == RESP:
                if resp_length > 0:
                    byte = u8(resp, base)
            elif orig_length > 0:
                byte = u8(orig, base)
            found = np.int64(-1)
            for way in range(2):
                chosen = kind * FIRSTS + byte
                if way == 1:
                    chosen = KINDS * FIRSTS + kind * ported + kind_of_port
                for place in range(lists[chosen], lists[chosen + 1]):
                    pattern = listed[place]
                    if pattern <= found:
                        break
                    if patterns[pattern, 0] >= 0 and patterns[pattern, 0] != by:
                        continue
                    holds = YES
                    for test in range(patterns[pattern, 1], patterns[pattern, 2]):
                        op = tests[test, 0]
                        octets = orig
                        length = orig_length
                        if tests[test, 1] == RESP:
                            octets = resp
                            length = resp_length
                        if op == FORMAT:
                            holds = UNKNOWN
                        elif not passes(
                            octets, base, length, op, tests[test, 2], tests[test, 3], alternatives, values, sets
                        ):
                            holds = NO
                            break
                    if holds == UNKNOWN:
                        noted[count, 0] = row
                        noted[count, 1] = pattern
                        count += 1
                    elif holds == YES:
                        found = pattern
                        break
            best[row, kind] = found
    return rows, count
