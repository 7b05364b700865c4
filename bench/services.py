"""How long it takes to label a million flows: `python -m bench.services [FLOWS]`.

The flows carry the first bytes of the signatures' own examples in turn, a third carry bytes that nothing
explains, and a third none at all, as after a scan. Times are of one run on one machine: compare, do not quote.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from analyser.services.byterows import byte_rows
from analyser.services.label import CHUNK, by_payload, by_port, label
from analyser.services.loading import load_signatures
from analyser.services.matcher import FirstBytes, Matcher
from analyser.services.signature import Signature
from analyser.tables import FLOWS, ICMP_ERRORS, NEIGHBOURS, PATHS, WATCHED, FlowTables, empty

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent


def made_flows(count: int, signatures: tuple[Signature, ...]) -> pl.DataFrame:
    """Return ``count`` rows of FLOWS."""
    examples = [example for signature in signatures for example in signature.examples]
    noise = [(example.transport, 40_000, os.urandom(64), os.urandom(64)) for example in examples]
    silent = [("tcp", 9, b"", b"") for _ in examples]
    known = [(example.transport, example.port, example.orig, example.resp) for example in examples]
    stories = [*known, *noise, *silent]
    pick = np.arange(count) % len(stories)
    columns = [pl.Series(values).gather(pick) for values in zip(*stories, strict=True)]
    frame = pl.DataFrame(
        dict(zip(("proto", "id.resp_p", "orig_payload", "resp_payload"), columns, strict=True))
    ).with_row_index("serial")
    given = frame.select(pl.col(name).cast(FLOWS[name]) for name in frame.columns)
    rest = {name: kind for name, kind in FLOWS.items() if name not in given.columns}
    defaults = [
        pl.lit("192.0.2.1" if kind == pl.String() else b"" if kind == pl.Binary() else 0).cast(kind).alias(name)
        for name, kind in rest.items()
    ]
    return given.with_columns(defaults).select(list(FLOWS))


def timed(what: str, work: Callable[[], T]) -> T:
    """Run ``work``, print how long it took, return its result."""
    begun = time.perf_counter()
    result = work()
    print(f"{what:34s} {time.perf_counter() - begun:7.3f} s", flush=True)
    return result


def main() -> None:
    """Time the parts one by one, then the whole."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    signatures = timed("read signatures", lambda: load_signatures(ROOT / "rules" / "signatures"))
    matcher = timed("prepare matcher", lambda: Matcher(signatures))
    flows = made_flows(count, signatures)
    print(f"{count:,} flows")
    chunks = timed("bytes to matrices", lambda: [_first_bytes(flows.slice(at, CHUNK)) for at in range(0, count, CHUNK)])
    timed("signatures alone", lambda: [matcher.match(chunk) for chunk in chunks])
    chunks.clear()
    labels = timed("labels from bytes", lambda: by_payload(flows, matcher))
    timed("labels from ports", lambda: by_port(flows, labels, {("tcp", 80): "http", ("tcp", 443): "https"}))
    tables = FlowTables(
        flows=flows,
        paths=empty(PATHS),
        neighbours=empty(NEIGHBOURS),
        watched=empty(WATCHED),
        icmp_errors=empty(ICMP_ERRORS),
    )
    timed("the whole stage, nothing watched", lambda: label(tables, ports={("tcp", 80): "http"}, signatures=signatures))


def _first_bytes(part: pl.DataFrame) -> FirstBytes:
    transport = (part["proto"] == "udp").to_numpy().astype(np.uint8)
    return FirstBytes(
        transport, part["id.resp_p"].to_numpy(), byte_rows(part["orig_payload"]), byte_rows(part["resp_payload"])
    )


if __name__ == "__main__":
    main()
