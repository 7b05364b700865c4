"""What is fuzzed in Python, and what must hold for every input: each target takes bytes and raises where something is wrong.

The native fuzzer (:mod:`tests.fuzz.native`) reaches the kernel far more often; these reach everything around it.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import random
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from analyser.capture import open_captures
from analyser.flows.layout import FLOW, PAYLOAD, SIDE
from analyser.flows.memory import Limits
from analyser.flows.records import Records, merge
from analyser.model.capture import InputError
from analyser.policy.sites import load_site
from tests.flows_properties.compare import kernel_reads
from tests.fuzz import seeds
from tests.fuzz.plain import Plain, reading_with
from tests.robustness.mutants import is_pcapng, mutant, noise_packets, other_link_type, records, repeat, shuffle
from tests.robustness.running import SITES, assert_printable, judge, read, unaccounted

PCAPS: Final = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
PLAIN_BYTES: Final = 16000
"""So much is read by the interpreted kernel, which is a thousand times slower."""

OUT_OF_PROPORTION: Final = 1 << 28
"""Bytes that nothing of a few thousand bytes may grow to."""


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="analyser-fuzz-"))


def _file(data: bytes, name: str = "input") -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def opening(data: bytes) -> None:
    """Recognise and unpack: an error of the input or a stream that ends, never out of proportion."""
    try:
        opened = open_captures([str(_file(data))])
    except InputError:
        return
    view = memoryview(bytearray(1 << 16))
    for source in opened.sources:
        octets = 0
        while got := source.readinto(view):
            octets += got
            assert octets <= OUT_OF_PROPORTION
    opened.close()


def flows(data: bytes) -> None:
    """Read to flows: every packet is told exactly once."""
    run = read(_file(data))
    if not isinstance(run, InputError):
        assert unaccounted(run) == 0


def check(data: bytes) -> None:
    """Judge a capture under the site that its length chooses: a report that every reader can write."""
    run = judge(_file(data), SITES[len(data) % len(SITES)])
    if not isinstance(run, InputError):
        assert assert_printable(run).summary.exit_code in (0, 1, 3)


def cut(data: bytes) -> None:
    """A file cut within a record gives what a file that ends before that record gives: all flows before the cut are there."""
    if data[:4] not in PCAPS and not is_pcapng(data):
        return
    whole = records(data)
    if not whole or len(data) < 28:
        return
    start, end = whole[len(data) * 7 % len(whole)]
    if end - start < 2:
        return
    try:
        before = kernel_reads([data[:start]])
        after = kernel_reads([data[: start + 1 + len(data) % (end - start - 1)]])
    except AssertionError:  # a header that is none: nothing to read
        return
    if before[1].files[0].complete:
        assert before[0].flows.drop("uid").equals(after[0].flows.drop("uid"))
        assert before[1].packets == after[1].packets


@cache
def _plain() -> Plain:
    return Plain()


def plain(data: bytes) -> None:
    """The kernel's source, interpreted with every load tested, says what its machine code says."""
    data = data[:PLAIN_BYTES]
    try:
        compiled = kernel_reads([data], limits=Limits(batch=32))
    except AssertionError:
        return
    with reading_with(_plain()):
        told = kernel_reads([data], limits=Limits(batch=32))
    assert told[1] == compiled[1]
    for name in ("flows", "neighbours", "icmp_errors"):
        assert getattr(told[0], name).equals(getattr(compiled[0], name)), name


def merging(data: bytes) -> None:
    """Merge records of any content: what is counted stays, and numbers that vanish lead to those that hold their facts."""
    rng = np.random.default_rng(list(data[:64]) or [0])
    n = 1 + len(data) % 64
    taken = np.frombuffer(
        (data * (n * (FLOW.itemsize + 2 * SIDE.itemsize + 2 * PAYLOAD.itemsize) // max(len(data), 1) + 1)), np.uint8
    )
    flow_end, side_end = n * FLOW.itemsize, n * (FLOW.itemsize + 2 * SIDE.itemsize)
    rows = taken[:flow_end].copy().view(FLOW)
    sides = taken[flow_end:side_end].copy().view(SIDE)
    payloads = taken[side_end : side_end + 2 * n * PAYLOAD.itemsize].copy().view(PAYLOAD)
    for name in ("a0", "a1", "b0", "b1"):
        rows[name] = rng.integers(0, 2, n)
    rows["k4"] = rng.choice([6, 17, 1 << 48 | 6], n)
    rows["serial"] = np.arange(1, n + 1)
    rows["letters"] = rows["n_letters"] = rows["history"] = 0
    sides["pkts"] = rng.integers(0, 5, 2 * n)
    has = rng.random(2 * n) < 0.5
    sides["payload"] = np.where(has, np.arange(2 * n), -1)
    before = {name: int(sides[name].sum()) for name in ("pkts", "dups")}
    keys = len(np.unique(rows[["a0", "a1", "b0", "b1", "k4"]]))
    merged, renamed = merge(Records(rows, sides, payloads))
    assert keys <= len(merged) == n - len(renamed)
    for name, total in before.items():
        assert int(merged.sides[name].astype(np.uint64).sum()) % 2**32 == total % 2**32, name
    left = set(merged.flows["serial"].tolist())
    assert left.isdisjoint(renamed)
    assert left.issuperset(renamed.values())


def site(data: bytes) -> None:
    """Read a site file of any content: a site, or an error that says where."""
    with contextlib.suppress(InputError):
        load_site(_file(data, "site.toml"))


PACKERS: Final = (gzip.compress, bz2.compress, lzma.compress)


def captures(rng: random.Random) -> bytes:
    """Return a changed capture."""
    return mutant(rng.randrange(1 << 40), _pool())


def whole(rng: random.Random) -> bytes:
    """Return a capture whose records are where and what their headers say, whatever is in them."""
    data = bytearray(rng.choice(_seeds()))
    for _ in range(rng.randint(1, 3)):
        data = rng.choice((noise_packets, shuffle, repeat, other_link_type))(rng, data)
    return bytes(data)


def packed(rng: random.Random) -> bytes:
    """Return a changed capture that was packed, then changed again; or packed again."""
    data = bytearray(rng.choice(_packers())(captures(rng) if rng.random() < 0.5 else rng.choice(_pool())))
    for _ in range(rng.choice((0, 1, 1, 2, 8))):
        data[rng.randrange(min(len(data), rng.choice((20, 1 << 20))))] = rng.randrange(256)
    if rng.random() < 0.3:
        data = data[: rng.randrange(len(data))]
    return bytes(rng.choice(_packers())(bytes(data)) if rng.random() < 0.1 else data)


def sites(rng: random.Random) -> bytes:
    """Return a changed site file."""
    data = bytearray(rng.choice(_site_files()))
    for _ in range(rng.choice((1, 2, 4, 16))):
        at = rng.randrange(len(data))
        choice = rng.random()
        if choice < 0.4:
            data[at] = rng.randrange(256)
        elif choice < 0.7:
            del data[at : at + rng.randrange(40)]
        else:
            other = rng.choice(_site_files())
            start = rng.randrange(len(other))
            data[at:at] = other[start : start + rng.randrange(80)]
        data = data or bytearray(b"x")
    return bytes(data)


def noise(rng: random.Random) -> bytes:
    """Return random bytes."""
    return rng.randbytes(rng.randint(64, 4000))


@cache
def _pool() -> list[bytes]:
    return [*_seeds(), *seeds.corpus()]


@cache
def _seeds() -> list[bytes]:
    return seeds.captures()


@cache
def _site_files() -> list[bytes]:
    return [path.read_bytes() for path in SITES]


@cache
def _packers() -> list[Callable[[bytes], bytes]]:
    import lz4.frame
    from backports import zstd

    return [*PACKERS, lz4.frame.compress, zstd.compress]


Target = tuple[Callable[[bytes], None], Callable[[random.Random], bytes]]

TARGETS: Final[dict[str, Target]] = {
    "opening": (opening, packed),
    "flows": (flows, captures),
    "cut": (cut, whole),
    "plain": (plain, captures),
    "merge": (merging, noise),
    "site": (site, sites),
    "check": (check, captures),
}
"""Name → what is done with an input, and where inputs come from."""


def reproduce(name: str, data: bytes) -> Any:
    """Do once what a target does."""
    return TARGETS[name][0](data)
