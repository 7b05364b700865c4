"""How bytes are cut into blocks, batches, files and partial records does not show in the flows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyser.flows import store
from analyser.flows.memory import Limits, Memory, Part
from analyser.flows.reader import read_flows
from analyser.flows.records import Records, concatenate, merge, select
from tests.flows_properties import packets as p
from tests.flows_properties.compare import MemorySource, kernel_reads, kernel_rows
from tests.flows_properties.traffic import EXAMPLES, PORTS, Timed, pcap, pcapng, traffic

SLOW = settings(max_examples=EXAMPLES * 20, deadline=None, suppress_health_check=list(HealthCheck))
Row = dict[str, Any]


def rows_of(*files: bytes, **how: Any) -> list[Row]:
    """Return all rows of all tables that a reader of flows can see; ``how`` as for ``kernel_reads``."""
    tables, facts = kernel_reads(files, PORTS, **how)
    others = [frame.drop("serial", strict=False).to_dicts() for frame in (tables.neighbours, tables.icmp_errors)]
    return [*kernel_rows(tables), *others[0], *others[1], {"duplicates": facts.duplicates, "packets": facts.packets}]


@SLOW
@given(
    traffic(link=1),
    st.sampled_from([1, 2, 3, 7]),
    st.sampled_from([64, 1000, 1 << 20]),
    st.sampled_from([1, 17, 4096]),
    st.booleans(),
)
def test_blocks_batches_and_pieces(frames: Timed, batch: int, block: int, piece: int, live: bool) -> None:
    """One packet at a time, records across block borders and pipes that give single bytes: the same flows."""
    for data in (pcap(frames, 1), pcapng(frames, 1)):
        limits = Limits(block=block, batch=batch)
        assert changed(rows_of(data, limits=limits, piece=piece, live=live), rows_of(data)) == []


@SLOW
@given(traffic(link=1), st.data())
def test_any_number_of_workers(frames: Timed, data: st.DataObject) -> None:
    """Packets decoded on another core while the ones before are counted: the same flows, from any number of files."""
    dealt = data.draw(st.lists(st.integers(0, 2), min_size=len(frames), max_size=len(frames)))
    files = [pcap([timed for file, timed in zip(dealt, frames, strict=True) if file == n], 1) for n in range(3)]
    limits = Limits(
        block=data.draw(st.sampled_from([64, 1000, 1 << 20])),
        batch=data.draw(st.sampled_from([1, 3, 1024])),
    )
    piece = data.draw(st.sampled_from([17, 4096]))
    together = rows_of(*files, limits=limits, piece=piece, workers=2)
    assert changed(together, rows_of(*files, limits=limits, piece=piece)) == []


@SLOW
@given(st.integers(2, 9), st.integers(1, 4), st.integers(1, 3))
def test_captures_side_by_side_need_no_more_room_than_one(count: int, batch: int, rows: int) -> None:
    """What is due of many captures at once may be longer than a full table has room for: all of it is counted."""
    way = p.Route("192.0.2.1", "192.0.2.9")
    sent = [(n * 10**6, p.frame(way, p.ip(way, 17, p.udp(5000 + n, 161, bytes([n]))))) for n in range(40)]
    files = [pcap(sent[n::count], 1) for n in range(count)]
    tables, _ = kernel_reads(files, PORTS, limits=Limits(batch=batch, live_flows=rows))
    assert sorted(tables.flows["id.orig_p"]) == [5000 + n for n in range(40)]


def changed(rows: list[Row], others: list[Row], ignore: frozenset[str] = frozenset()) -> list[str]:
    """Return in words where two readings differ."""
    if len(rows) != len(others):
        return [f"{len(rows)} rows, {len(others)} rows"]
    return [
        f"row {n} {name}: {row[name]!r}, {other[name]!r}"
        for n, (row, other) in enumerate(zip(rows, others, strict=True))
        for name in row
        if name not in ignore and row[name] != other[name]
    ]


def in_whole(row: Row, places: dict[tuple[int, int], int]) -> Row:
    """Return a row with its frames numbered as in the unsplit capture."""
    moved = dict(row)
    for name in [name for name in row if name.endswith("frame")]:
        file = name.removesuffix("frame") + "file"
        if row[name]:
            moved[name], moved[file] = places[row[file], row[name]], 0
    return moved


TOGETHER = frozenset({"pieces", "copy"})
"""What one capture point sees at once: it is not dealt out to captures that run side by side."""


@SLOW
@given(st.data())
def test_any_split_into_files(data: st.DataObject) -> None:
    """One capture, rotated, or its packets dealt out to files that overlap: the same flows, the same evidence."""
    rotated = data.draw(st.booleans())
    frames = data.draw(traffic(link=1, swaps=0, without=frozenset() if rotated else TOGETHER))
    count = data.draw(st.integers(2, 4))
    dealt = data.draw(st.lists(st.integers(0, count - 1), min_size=len(frames), max_size=len(frames)))
    if rotated:
        dealt.sort()
    parts: list[Timed] = [[] for _ in range(count)]
    places: dict[tuple[int, int], int] = {}
    for number, (file, timed) in enumerate(zip(dealt, frames, strict=True), 1):
        parts[file].append(timed)
        places[file, len(parts[file])] = number
    order = data.draw(st.permutations(range(count)))
    files = [pcap(parts[n], 1) for n in order]
    moved = {(order.index(file), frame): number for (file, frame), number in places.items()}
    whole = [in_whole(row, {(0, n): n for n in places.values()}) for row in rows_of(pcap(frames, 1))]
    assert changed([in_whole(row, moved) for row in rows_of(*files)], whole) == []


ACROSS_PARTS = frozenset(
    [f"{side}_{name}" for side in ("orig", "resp")
     for name in ("rtx", "rtx_last_t", "rtx_last_frame", "rtx_last_file", "stuck", "repeat_after_answer", "payload")]
) | {"missed_bytes", "history"}  # fmt: skip
"""What a record that was written out no longer shows of the packet before: whether the next one repeats it."""


@SLOW
@given(traffic(link=1), st.sampled_from([1, 2, 3]), st.sampled_from([0, 1 << 28]))
def test_a_full_table_loses_no_flow_and_no_count(frames: Timed, room: int, compact_from: int) -> None:
    """Flows written out because the table was full are merged again with what came later, on the disk as well."""
    data = pcap(frames, 1)
    tight = Limits(batch=1, live_flows=room)
    with patch.object(store, "_COMPACT_FROM", compact_from):
        assert changed(rows_of(data, limits=tight), rows_of(data), ACROSS_PARTS) == []


def records_of(frames: Timed, start: int, monkeypatch: pytest.MonkeyPatch) -> Records:
    """Return the records of one part of a timeline, as a worker that reads only this part makes them."""
    taken: list[Records] = []
    original = Memory.parts

    def parts(self: Memory) -> Iterator[Part]:
        for part in original(self):
            taken.append(select(part.records, np.arange(len(part.records))))
            yield part

    with monkeypatch.context() as patch:
        patch.setattr(Memory, "parts", parts)
        read_flows([MemorySource(pcap(frames, 1))], ports=PORTS)
    taken[0].flows["serial"] += np.uint64(1000 * start)
    return taken[0]


def facts_of(records: Records) -> list[Any]:
    """Return records in an order and form that can be compared; numbers of paths differ between workers."""
    flows, sides = records.flows.copy(), records.sides.copy()
    flows["part"] = 0  # each worker deals by a seed of its own
    sides["path"] = sides["rst_path"] = 0
    payloads = [records.payloads[n] if n >= 0 else None for n in sides["payload"]]
    sides["payload"] = np.minimum(sides["payload"], 0)
    return [
        (
            flows[n].tolist(),
            sides[2 * n].tolist(),
            sides[2 * n + 1].tolist(),
            _plain(payloads[2 * n]),
            _plain(payloads[2 * n + 1]),
        )
        for n in np.argsort(flows["serial"])
    ]


def _plain(payload: Any) -> Any:
    if payload is None:
        return None
    return [payload[name].tolist() for name in payload.dtype.names]


@SLOW
@given(traffic(link=1, swaps=0), st.floats(0, 1), st.floats(0, 1))
def test_merge_is_associative(frames: Timed, first: float, second: float) -> None:
    """Three parts of a timeline give the same records, whichever two are merged first."""
    low, high = sorted((int(first * len(frames)), int(second * len(frames))))
    with pytest.MonkeyPatch.context() as patch:
        a, b, c = (records_of(part, n, patch) for n, part in enumerate((frames[:low], frames[low:high], frames[high:])))

    def merged(*parts: Records) -> Records:
        return merge(concatenate([select(part, np.arange(len(part))) for part in parts]))[0]

    left = merged(merged(a, b), c)
    assert facts_of(left) == facts_of(merged(a, merged(b, c)))
    assert facts_of(left) == facts_of(merged(a, b, c))
