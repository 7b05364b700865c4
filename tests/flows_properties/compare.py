"""The kernel's tables beside the reference reader's rows, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyser.capture.first_packet import first_packet_time
from analyser.capture.headers import read_header
from analyser.flows.memory import Limits
from analyser.flows.reader import read_flows
from analyser.model.capture import CaptureHeader, ReadingFacts
from analyser.tables import FlowTables
from tests.reference.reader import Reading, Row

ONE_HOLE = {"rtx", "rtx_last_t", "rtx_last_frame", "rtx_last_file", "stuck", "missed_bytes", "history"}
"""Exact in the kernel as long as a stream has at most one hole at a time and segments keep their edges: it remembers
only the latest hole."""

ONLY_THE_KERNEL = {"uid", "serial"}
"""Columns that have no counterpart in the reference."""


class MemorySource:
    """A capture in memory, given in pieces of at most ``piece`` bytes; ``live``: as if it were being written."""

    def __init__(self, data: bytes, path: str = "memory", piece: int = 1 << 30, *, live: bool = False) -> None:
        header = read_header(data)
        assert isinstance(header, CaptureHeader)
        self.path = path
        self.header = header
        self.first_t = first_packet_time(lambda at, count: data[at : at + count], header)
        self.live = live
        self._rest = data
        self._piece = piece

    def readinto(self, view: memoryview) -> int:
        """Give the next piece."""
        count = min(len(view), len(self._rest), self._piece)
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Nothing to release."""


def kernel_reads(
    files: Sequence[bytes],
    ports: Mapping[str, frozenset[int]] | None = None,
    *,
    limits: Limits | None = None,
    piece: int = 1 << 30,
    live: bool = False,
    workers: int = 1,
) -> tuple[FlowTables, ReadingFacts]:
    """Read captures in memory with the kernel."""
    sources = [MemorySource(data, f"file-{n}", piece, live=live) for n, data in enumerate(files)]
    return read_flows(sources, ports=ports, limits=limits, workers=workers)


def kernel_rows(tables: FlowTables) -> list[Row]:
    """Return the kernel's flows as dictionaries, with places instead of numbers of paths."""
    places: dict[int, Any] = {
        row["path"]: (row["vlan"], row["src_mac"], row["dst_mac"]) if row["path"] else None
        for row in tables.paths.to_dicts()
    }
    rows = []
    for row in tables.flows.to_dicts():
        for name in ("orig_path", "resp_path", "orig_rst_path", "resp_rst_path", "orig_copy_path", "resp_copy_path"):
            row[name] = places[row[name]]
        rows.append({name: value for name, value in row.items() if name not in ONLY_THE_KERNEL})
    return rows


def differences(tables: FlowTables, reading: Reading) -> list[str]:
    """Return in words where the kernel's flows and the reference's differ; the kernel's word comes first."""
    found = _of_flows(kernel_rows(tables), reading.flows)
    neighbours = [sorted(rows, key=_by_pair) for rows in (tables.neighbours.to_dicts(), reading.neighbours)]
    found += _of_lists("neighbours", *neighbours)
    errors = [{k: v for k, v in row.items() if k != "serial"} for row in tables.icmp_errors.to_dicts()]
    return found + _of_lists("icmp errors", sorted(errors, key=_by_time), sorted(reading.icmp_errors, key=_by_time))


def _by_pair(row: Row) -> tuple[str, str]:
    return row["asker"], row["target"]


def _by_time(row: Row) -> tuple[int, int, int]:
    return row["t"], row["file"], row["frame"]


def _identity(row: Row) -> tuple[Any, ...]:
    ends = sorted([(row["id.orig_h"], row["id.orig_p"]), (row["id.resp_h"], row["id.resp_p"])])
    # One echo conversation and the next have the same ends: which comes first tells them apart.
    return row["proto"], ends, row["ts"], row["orig_first_t"] + row["resp_first_t"], row["orig_pkts"], row["resp_pkts"]


def _of_flows(kernel: list[Row], reference: list[Row]) -> list[str]:
    kernel, reference = sorted(kernel, key=_identity), sorted(reference, key=_identity)
    if [_identity(row) for row in kernel] != [_identity(row) for row in reference]:
        only = [str(_identity(row)) for row in kernel if _identity(row) not in map(_identity, reference)]
        missing = [str(_identity(row)) for row in reference if _identity(row) not in map(_identity, kernel)]
        return [f"flows only in the kernel: {only}", f"flows only in the reference: {missing}"]
    out = []
    for mine, theirs in zip(kernel, reference, strict=True):
        out += [
            f"{_identity(mine)[:3]} {name}: {value!r}, reference {theirs[name]!r}"
            for name, value in mine.items()
            if not _is_estimate(name, value, theirs) and not _same(value, theirs[name])
        ]
    return out


def _is_estimate(name: str, value: object, reference: Row) -> bool:
    """Say whether the kernel, which remembers less than the reference, does not promise the exact value here."""
    column = name.removeprefix("orig_").removeprefix("resp_")
    if column in ONE_HOLE and (reference["holes_at_once"] > 1 or reference["partly_old"]):
        return True
    if name == "conn_state" and reference["late_syn"]:
        return True  # Zeek's endpoints stumble over a SYN-ACK captured behind later packets; the record does not
    if column == "stuck" and reference["repeats_mixed"]:
        return True  # the kernel counts the run of the segment that was repeated last
    # It does not know which of several SYNs was answered, nor what a SYN-ACK acknowledged that came behind something else.
    return name == "rtt" and value is None and bool(reference["unsure_answer"])


def _same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a))
    return a == b


def _of_lists(what: str, kernel: list[Row], reference: list[Row]) -> list[str]:
    if kernel == reference:
        return []
    only = [row for row in kernel if row not in reference]
    missing = [row for row in reference if row not in kernel]
    return [f"{what}: only in the kernel {only}, only in the reference {missing}"]
