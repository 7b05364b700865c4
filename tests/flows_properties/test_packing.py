"""Records that are packed for the disk come back as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.flows.layout import FLOW, PAYLOAD, SIDE
from analyser.flows.packing import Packer, rows_for, unpack
from analyser.flows.records import Records, select, words


def noise(seed: int, rows: int, kind: np.dtype[Any], full: float) -> Any:
    """Return rows of whose words about so large a part is not zero."""
    random = np.random.default_rng(seed)
    made = np.zeros(rows, kind)
    told = words(made)
    told[:] = random.integers(0, 1 << 64, told.shape, np.uint64) * (random.random(told.shape) < full)
    return made


@settings(deadline=None)  # the first example may wait for the compiler
@given(
    seed=st.integers(0, 1 << 32),
    has=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12),
    full=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    data=st.data(),
)
def test_what_is_packed_comes_back(seed: int, has: list[tuple[bool, bool]], full: float, data: st.DataObject) -> None:
    """Any flows, in any order, with payload on no side, one or both, are the same when unpacked; `ends` tells where each ends."""
    sides = noise(seed + 1, 2 * len(has), SIDE, full)
    sides["payload"] = -1
    with_payload = np.flatnonzero(np.array(has, np.bool_).reshape(-1))
    sides["payload"][with_payload] = np.random.default_rng(seed).permutation(with_payload.size)
    records = Records(noise(seed, len(has), FLOW, full), sides, noise(seed + 2, with_payload.size, PAYLOAD, full))
    order = np.array(data.draw(st.permutations(range(len(has)))), np.int64)[: data.draw(st.integers(0, len(has)))]
    wanted = select(records, order)

    packer = Packer()
    packer.pack(Records(records.flows.copy(), sides.copy(), records.payloads), order[:1])  # its memory is used again
    packed = packer.pack(records, order)
    assert packed.words.size == (packed.ends[-1, 0] if order.size else 0)
    for first, last in [(0, order.size), (order.size // 2, order.size)]:
        before = packed.ends[first - 1] if first else np.zeros(2, np.int64)
        payloads = int((packed.ends[last - 1, 1] if last else 0) - before[1])
        piece = np.append(packed.words[before[0] :], np.uint64(1))
        found = rows_for(last - first, payloads)
        unpack(piece, found, 0, last - first, 0)
        expected = select(wanted, np.arange(first, last))
        for mine, theirs in zip(
            (found.flows, found.sides, found.payloads), (expected.flows, expected.sides, expected.payloads), strict=True
        ):
            assert words(mine).tolist() == words(theirs).tolist()
