"""Captures to tables: reads all sources as one timeline through the kernel.

Knows the order of time over several files. It must not know what the flows mean for anybody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.feed import Feed
from analyser.flows.layout import (
    S_DECAPSULATED,
    S_DUPLICATES,
    S_ICMP_ERRORS,
    S_OVERFLOW,
    S_SAME_TRAFFIC,
    UPDATE_QUOTES,
    UPDATE_TABLE,
    UPDATE_WATCH,
)
from analyser.flows.memory import Limits, Memory
from analyser.flows.names import link_layer, undecoded
from analyser.flows.parts import Survey, earliest, surroundings
from analyser.flows.table import flow_tables, whole
from analyser.flows.weaving import weave
from analyser.machine.native import is_carried, is_warm, kernel, prepare
from analyser.model.capture import ByteSource, FileFacts, Problem, ReadingFacts
from analyser.tables import FlowTables

Progress = Callable[[str, int], None]
"""Called now and then with a capture's path and how many of its bytes are done."""


class FlowReading:
    """Captures read to the end: what reading showed, and the flows, part by part.

    What two addresses said to each other is in one part. There is one part for all unless so many flows were alive that some had
    to leave memory; ``parts`` may then be gone through more than once, and holds one part in memory at a time.
    """

    def __init__(self, memory: Memory, facts: ReadingFacts, ports: Mapping[str, frozenset[int]]) -> None:
        self.facts = facts
        self._memory = memory
        self._ports = ports

    def parts(self) -> Iterator[FlowTables]:
        """Give the tables of each part. ARP and neighbour discovery are in the first."""
        return (flow_tables(self._memory, part, self._ports) for part in self._memory.parts())

    @property
    def in_parts(self) -> bool:
        """Whether there are several parts."""
        return self._memory.in_parts

    def surroundings(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return PATHS and NEIGHBOURS of all parts."""
        return surroundings(self._memory, self._ports)

    def survey(self, belongs: Callable[[str], bool]) -> Survey:
        """Return the way to flows of which an end ``belongs``, or that never left a machine, where there are several parts."""
        return Survey(self._memory, self._ports, belongs)

    def earliest(self, most: int) -> tuple[FlowTables, int]:
        """Return the tables of about the ``most`` flows that began first, and how many flows there are in all."""
        part, count = earliest(self._memory, most)
        return flow_tables(self._memory, part, self._ports), count

    def close(self) -> None:
        """Give back what was taken on disk."""
        self._memory.close()


def read_flows(
    sources: Sequence[ByteSource],
    *,
    ports: Mapping[str, frozenset[int]] | None = None,
    watch: Mapping[tuple[str, int], str] | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> tuple[FlowTables, ReadingFacts]:
    """Read captures to the end and return all their flows at once; arguments as for :func:`read_captures`."""
    reading = read_captures(
        sources, ports=ports, watch=watch, limits=limits, workers=workers, progress=progress, notice=notice
    )
    with closing(reading):
        return whole(reading.parts()), reading.facts


def read_captures(
    sources: Sequence[ByteSource],
    *,
    ports: Mapping[str, frozenset[int]] | None = None,
    watch: Mapping[tuple[str, int], str] | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> FlowReading:
    """Read captures to the end.

    Args:
        sources: the captures, in any order; their packets are taken in the order of time, so flows go on from file to file.
        ports: responder ports per transport (``{"tcp": …, "udp": …}``): they orient flows whose opening is not in the capture.
        watch: watch class ("stream", "datagram", "control") per (transport, port) whose packets the services stage wants.
        limits: bounds of memory.
        workers: 1 to read on one core, 2 to decode packets on another one meanwhile; None: 2 where there are two.
        progress: called after each block.
        notice: called with a sentence when packets have to wait for the compiler.

    Returns:
        The flows, and what reading showed. A capture that is cut or damaged is read up to there and says so.
    """
    if not is_warm():
        if notice is not None:
            long = "" if is_carried() else " and takes some seconds"
            notice(f"compiling the packet kernel for this machine; this happens once{long}")
        prepare()
    memory = Memory(limits or Limits(), watch or {})
    with _worker(sources, workers) as worker:
        memory.worker = worker
        files = _read_all(sources, memory, progress, worker, notice)
        memory.worker = None
    for number, count in memory.repeated_files().items():
        files[number].problems.append(
            Problem(
                code="same-traffic",
                count=count,
                detail="packets that another capture holds too; counted once, --vantage compares the two",
            )
        )
    facts = ReadingFacts(
        files=tuple(files),
        undecoded=undecoded(memory),
        link_layer=link_layer(memory),
        duplicates=int(memory.st[S_DUPLICATES] + memory.st[S_SAME_TRAFFIC]),
        icmp_errors=int(memory.st[S_ICMP_ERRORS]),
        decapsulated=int(memory.st[S_DECAPSULATED]),
        watched_overflow=int(memory.st[S_OVERFLOW]),
    )
    return FlowReading(memory, facts, ports or {})


def _worker(sources: Sequence[ByteSource], workers: int | None) -> AbstractContextManager[Executor | None]:
    """Return what decodes packets beside the one who counts them, or None where one works alone."""
    several = (os.cpu_count() or 1) > 1 if workers is None else workers > 1
    if not several or any(source.live for source in sources):
        return nullcontext()
    return ThreadPoolExecutor(1, thread_name_prefix="decoder")


def _read_all(
    sources: Sequence[ByteSource],
    memory: Memory,
    progress: Progress | None,
    worker: Executor | None,
    notice: Callable[[str], None] | None,
) -> list[FileFacts]:
    facts: dict[int, FileFacts] = {}
    waiting = sorted(range(len(sources)), key=lambda n: (sources[n].first_t is not None, sources[n].first_t or 0))
    active: list[Feed] = []
    numbers: dict[int, int] = {}
    try:
        while active or waiting:
            while waiting and (not active or _starts(sources[waiting[0]]) <= min(feed.head for feed in active)):
                number = waiting.pop(0)
                taken = {item.point for item in active}
                point = next(free for free in range(len(active) + 1) if free not in taken)
                feed = Feed(sources[number], number, point, memory, worker, notice)
                numbers[id(feed)] = number
                _keep_or_close(feed, number, active, facts)
            if not active:
                continue
            _advance(active, _starts(sources[waiting[0]]) if waiting else None, memory)
            for feed in [item for item in active if item.cursor >= item.count]:
                if progress is not None:
                    progress(feed.source.path, feed.offset)
                active.remove(feed)
                _keep_or_close(feed, numbers[id(feed)], active, facts)
    finally:
        for feed in active:
            feed.close()
            facts[numbers[id(feed)]] = feed.facts()
    return [facts[number] for number in range(len(sources))]


def _starts(source: ByteSource) -> int:
    return source.first_t if source.first_t is not None else -(1 << 62)


def _keep_or_close(feed: Feed, number: int, active: list[Feed], facts: dict[int, FileFacts]) -> None:
    if feed.refill():
        active.append(feed)
    else:
        facts[number] = feed.facts()
        feed.close()


def _advance(feeds: Sequence[Feed], until: int | None, memory: Memory) -> None:
    """Count packets of the batches at hand up to the time of which all captures tell, and ``until`` (ns; None: no bound)."""
    if len(feeds) > 1:
        reach = min(feed.reach for feed in feeds)
        packets, buffer = weave(feeds, reach if until is None else min(reach, until))
        _count(packets, buffer, 0, len(packets), memory)
        return
    # One that is alone takes no place among others: nobody needs to know when its packets come.
    (feed,) = feeds
    begin = feed.cursor
    feed.cursor = feed.count if until is None else feed.due(until)
    _count(feed.packets, feed.buffer, begin, feed.cursor, memory)


def _count(packets: NDArray[Any], buffer: NDArray[np.uint8], at: int, end: int, memory: Memory) -> None:
    """Count ``packets[at:end]``, whose payload is in ``buffer``."""
    update = kernel("update")
    while at < end:
        # No more at once than the table makes room for: what was woven of several captures is longer than a batch.
        reason, at = update(
            buffer, packets, at, min(end, at + memory.limits.batch), memory.index, memory.flows, memory.sides, memory.payloads,
            memory.seen, memory.watch, memory.watched, memory.watched_bytes, memory.quotes, memory.repeated, memory.st,
        )  # fmt: skip
        if reason == UPDATE_TABLE:
            memory.make_room()
        elif reason == UPDATE_WATCH:
            memory.take_watched()
        elif reason == UPDATE_QUOTES:
            memory.take_quotes()
