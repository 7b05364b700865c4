"""Read and judge a large made capture, and say how many packets and bytes per second that was.

``python -m bench.speed [MILLIONS_OF_PACKETS]``, half a million by default. The capture is made in a temporary folder: short TCP conversations of
office clients with a server, 750 bytes a packet on average. The first run is not counted: it may compile the kernel.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analyser import pipeline

SAMPLES = Path(__file__).parents[1] / "samples"
SITE = SAMPLES / "sites" / "ricoh-install.toml"
WARM_UP = SAMPLES / "pcaps" / "ricoh-install.pcap"

PAYLOAD = 696
HEADERS = 54
START = 1_772_438_400

RECORD = np.dtype(
    [
        ("seconds", "<u4"), ("micros", "<u4"), ("captured", "<u4"), ("length", "<u4"),
        ("macs", "u1", 12), ("ethertype", ">u2"),
        ("version", "u1"), ("tos", "u1"), ("total", ">u2"), ("ipid", ">u2"), ("fragment", ">u2"),
        ("ttl", "u1"), ("protocol", "u1"), ("checksum", ">u2"), ("source", ">u4"), ("target", ">u4"),
        ("sport", ">u2"), ("dport", ">u2"), ("seq", ">u4"), ("ack", ">u4"),
        ("offset", "u1"), ("flags", "u1"), ("window", ">u2"), ("tcpsum", ">u2"), ("urgent", ">u2"),
        ("payload", "u1", PAYLOAD),
    ]
)  # fmt: skip

PCAP_HEADER = np.array([0xA1B2C3D4, 0x00040002, 0, 0, 262144, 1], dtype="<u4").tobytes()
PACKETS_PER_FLOW = 50


def make_capture(path: Path, packets: int) -> None:
    """Write ``packets`` packets of many conversations, interleaved, to a pcap file."""
    with path.open("wb") as file:
        file.write(PCAP_HEADER)
        for begin in range(0, packets, 100_000):
            file.write(_records(np.arange(begin, min(begin + 100_000, packets))).tobytes())


def _records(number: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return packets by number: every conversation sends one packet a round, the first of which is its SYN."""
    at_once = 2000
    flow = number // (at_once * PACKETS_PER_FLOW) * at_once + number % at_once
    step = number // at_once % PACKETS_PER_FLOW
    record = np.zeros(len(number), dtype=RECORD)
    record["seconds"], record["micros"] = START + number // 100_000, number % 100_000 * 10
    record["captured"] = record["length"] = HEADERS + PAYLOAD
    record["ethertype"], record["version"], record["total"] = 0x0800, 0x45, HEADERS - 14 + PAYLOAD
    record["ttl"], record["protocol"], record["ipid"] = 64, 6, number & 0xFFFF
    record["source"], record["target"] = 0xCB007100 + flow % 200, 0xC000020A
    record["sport"], record["dport"] = 1024 + flow // 200 % 60000, 5555
    record["seq"], record["offset"], record["window"] = 1000 + step * PAYLOAD, 0x50, 8192
    record["flags"] = np.where(step == 0, 0x02, 0x18)
    return record


def timed(what: str, work: Callable[[], object], packets: int, octets: int) -> None:
    """Run ``work`` once and print its speed."""
    begin = time.perf_counter()
    work()
    spent = time.perf_counter() - begin
    print(f"{what:<8} {spent:6.2f} s  {packets / spent / 1e6:5.2f} Mpkt/s  {octets / spent / 1e6:7.0f} MB/s")


def main() -> None:
    """Make the capture and measure both commands."""
    packets = int(float(sys.argv[1] if len(sys.argv) > 1 else "0.5") * 1_000_000)
    pipeline.check([str(WARM_UP)], site=SITE)
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "bench.pcap"
        make_capture(capture, packets)
        octets = capture.stat().st_size
        timed("flows", lambda: pipeline.flows([str(capture)]), packets, octets)
        timed("check", lambda: pipeline.check([str(capture)], site=SITE), packets, octets)


if __name__ == "__main__":
    main()
