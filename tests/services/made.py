"""Flow tables made by hand: a flow is its few facts that a test is about, everything else is a quiet default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from analyser.services.label import label
from analyser.services.loading import load_signatures
from analyser.tables import FLOWS, ICMP_ERRORS, NEIGHBOURS, PATHS, WATCHED, FlowTables, LabelTables, empty

FOLDER = Path(__file__).resolve().parents[2] / "rules" / "signatures"
SIGNATURES = load_signatures(FOLDER)

SECOND = 1_000_000_000
START = 1_772_438_400 * SECOND
CLIENT, SERVER = "198.51.100.21", "192.0.2.10"
ORIG_ISN, RESP_ISN = 0xFFFF_FF00, 5000
"""The initiator's sequence numbers wrap early, so that every test of streams meets it."""


def flow(serial: int, **facts: Any) -> dict[str, Any]:
    """Return a row of FLOWS. A TCP flow has seen its handshake; ``orig`` and ``resp`` are the first bytes."""
    orig, resp = facts.pop("orig", b""), facts.pop("resp", b"")
    quiet: dict[str, Any] = {
        "serial": serial,
        "ts": START,
        "uid": f"C{serial}",
        "proto": "tcp",
        "id.orig_h": CLIENT,
        "id.orig_p": 50_000,
        "id.resp_h": SERVER,
        "id.resp_p": 80,
        "orig_payload": orig[:128],
        "resp_payload": resp[:128],
        "orig_bytes": len(orig),
        "resp_bytes": len(resp),
        "orig_data_t": START + 1 if orig else 0,
        "resp_data_t": START + 2 if resp else 0,
        "orig_data_frame": 4 if orig else 0,
        "resp_data_frame": 5 if resp else 0,
        "orig_nsyn": 1,
        "resp_nsynack": 1,
        "orig_isn": ORIG_ISN,
        "resp_isn": RESP_ISN,
    }
    return {name: _default(kind) for name, kind in FLOWS.items()} | quiet | facts


def _default(kind: pl.DataType) -> object:
    return {pl.String(): "", pl.Binary(): b"", pl.Boolean(): False, pl.Float64(): 0.0}.get(kind, 0)


class Talking:
    """Watched packets of one flow, told in order: each advances the clock and, for TCP, the sequence numbers."""

    def __init__(self, serial: int, *, gap: float = 0.1, first_frame: int = 4) -> None:
        self.serial, self.gap, self.frame = serial, gap, first_frame
        self.t = START
        self.sent = {True: ORIG_ISN + 1, False: RESP_ISN + 1}
        self.rows: list[dict[str, Any]] = []

    def orig(self, data: bytes, *, after: float | None = None) -> Talking:
        """The initiator sends."""
        return self._say(data, from_orig=True, after=after)

    def resp(self, data: bytes, *, after: float | None = None) -> Talking:
        """The responder sends."""
        return self._say(data, from_orig=False, after=after)

    def lost(self, count: int, *, from_orig: bool) -> Talking:
        """Bytes that the capture does not hold."""
        self.sent[from_orig] += count
        return self

    def _say(self, data: bytes, *, from_orig: bool, after: float | None) -> Talking:
        self.t += int((self.gap if after is None else after) * SECOND)
        self.rows.append(
            {
                "serial": self.serial,
                "t": self.t,
                "file": 0,
                "frame": self.frame,
                "from_orig": from_orig,
                "seq": self.sent[from_orig] % 2**32,
                "length": len(data),
                "data": data,
            }
        )
        self.sent[from_orig] += len(data)
        self.frame += 1
        return self


def tables(flows: Iterable[Mapping[str, Any]], watched: Iterable[Mapping[str, Any]] = ()) -> FlowTables:
    """Return tables with these flows and watched packets."""
    return FlowTables(
        flows=pl.DataFrame(list(flows), schema=FLOWS),
        paths=empty(PATHS),
        neighbours=empty(NEIGHBOURS),
        watched=pl.DataFrame(list(watched), schema=WATCHED).sort("t", maintain_order=True),
        icmp_errors=empty(ICMP_ERRORS),
    )


def labelled(
    flows: Iterable[Mapping[str, Any]],
    talks: Iterable[Talking] = (),
    ports: Mapping[tuple[str, int], str] | None = None,
) -> LabelTables:
    """Label made flows with the signatures of the house."""
    rows = [row for talk in talks for row in talk.rows]
    return label(tables(flows, rows), ports=ports or {}, signatures=SIGNATURES)


def first(result: LabelTables) -> dict[str, Any]:
    """Return the labels of the first flow."""
    return result.labels.row(0, named=True)
