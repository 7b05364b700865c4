"""A workload cut or repeated: ``python -m bench.records CAPTURE TIMES`` writes it to standard output, again and again.

Only for what the benchmark wrote itself: classic pcap, little-endian, microseconds, whole.
"""

from __future__ import annotations

import mmap
import struct
import sys
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from bench.traffic import PCAP_HEADER

_RECORD: Final = 16


def first_packets(capture: Path, target: Path, packets: int) -> Path:
    """Write the first ``packets`` packets of a capture to ``target``, unless it holds as many bytes already."""
    with capture.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = _starts(data, packets)[-1]
        if _holds(target, end, capture):
            return target
        with target.open("wb") as out:
            for at in range(0, end, 1 << 24):
                out.write(data[at : min(at + (1 << 24), end)])
    return target


def repeat(capture: Path, times: int, out: BinaryIO) -> None:
    """Write a capture as one stream, its records ``times`` times, each time later by the time it spans."""
    data = np.fromfile(capture, np.uint8)
    starts = np.array(_starts(data.data)[:-1])
    seconds = data[starts[:, None] + np.arange(4)].view("<u4")[:, 0]
    span = int(seconds[-1]) - int(seconds[0]) + 1
    out.write(data[: len(PCAP_HEADER)].data)
    for turn in range(times):
        data[starts[:, None] + np.arange(4)] = (seconds + np.uint32(turn * span)).view(np.uint8).reshape(-1, 4)
        out.write(data[len(PCAP_HEADER) :].data)


def repeated(capture: Path, target: Path, times: int) -> Path:
    """Write what ``repeat`` gives to ``target``, unless it holds as many bytes already."""
    size = times * (capture.stat().st_size - len(PCAP_HEADER)) + len(PCAP_HEADER)
    if not _holds(target, size, capture):
        with target.open("wb") as out:
            repeat(capture, times, out)
    return target


def _holds(target: Path, size: int, capture: Path) -> bool:
    """Say whether so many bytes of ``capture`` were written to ``target`` before."""
    return target.exists() and target.stat().st_size == size and target.stat().st_mtime >= capture.stat().st_mtime


def _starts(data: mmap.mmap | memoryview, most: int | None = None) -> list[int]:
    """Return where each record begins, and where the last one ends."""
    length = struct.Struct("<8xI")
    at = len(PCAP_HEADER)
    starts = [at]
    size = len(data)
    while at < size and (most is None or len(starts) <= most):
        at += _RECORD + length.unpack_from(data, at)[0]
        starts.append(at)
    return starts


if __name__ == "__main__":
    repeat(Path(sys.argv[1]), int(sys.argv[2]), sys.stdout.buffer)
