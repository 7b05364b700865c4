"""How long all signatures take over the first bytes of a million flows: ``python -m bench.signatures [CAPTURE]``.

Flows are those of a capture. Without one they are made, the dearest there are: from the signatures' own examples, each with bytes of
its own behind, and from noise; where a signature is named only on its port, the flow goes there. Knows nothing of how signatures are
matched.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import numpy as np
import polars as pl

from analyser.pipeline.reading import flows as read
from analyser.policy.packs import signature_folder
from analyser.services.label import CHUNK, first_bytes
from analyser.services.loading import load_signatures
from analyser.services.matcher import Matcher

FLOWS: Final = 1_000_000
KEPT: Final = 128
_DIFFERENT: Final = 20_000
_NOISE: Final = 0.2
"""Share of the flows whose bytes mean nothing."""


def made(count: int, seed: int = 1) -> pl.DataFrame:
    """Return ``count`` flows with the columns that labels by payload are read from."""
    rng = random.Random(seed)
    examples = [one for item in load_signatures(signature_folder()) for one in item.examples if one.accepted]
    rows = []
    for number in range(min(count, _DIFFERENT)):
        if rng.random() < _NOISE:
            proto, port, orig, resp = (
                "tcp",
                rng.randrange(1, 65536),
                rng.randbytes(rng.randint(1, KEPT)),
                rng.randbytes(KEPT),
            )
        else:
            one = examples[number % len(examples)]
            proto, port, orig, resp = one.transport, one.port, longer(one.orig, rng), longer(one.resp, rng)
        rows.append((proto, port, orig, resp))
    some = pl.DataFrame(
        rows, orient="row",
        schema={"proto": pl.String, "id.resp_p": pl.UInt16, "orig_payload": pl.Binary, "resp_payload": pl.Binary},
    )  # fmt: skip
    order = np.random.default_rng(seed).integers(0, len(rows), count)
    return some[order].with_columns(guessed=pl.lit(value=False), **{"id.orig_p": pl.lit(49152, pl.UInt16)})


def longer(example: bytes, rng: random.Random) -> bytes:
    """Return an example as a real flow has it: what is shorter than the kept bytes may go on."""
    return example if not example or rng.random() < 0.5 else (example + rng.randbytes(KEPT))[:KEPT]


def measured(flows: pl.DataFrame) -> float:
    """Return the CPU seconds that all signatures take over the first bytes of ``flows``, once these are arrays."""
    matcher = Matcher(load_signatures(signature_folder()))
    chunks = [first_bytes(flows.slice(start, CHUNK)) for start in range(0, flows.height, CHUNK)]
    before = time.process_time()
    for chunk in chunks:
        matcher.match(chunk)
    return time.process_time() - before


def of_capture(path: str) -> Iterator[pl.DataFrame]:
    """Give the flows of a capture, portion by portion, with the columns that labels by payload are read from."""
    run = read([path], digests=False)
    with closing(run):
        for part in run.parts():
            yield part.tables.flows.select("proto", "id.orig_p", "id.resp_p", "orig_payload", "resp_payload", "guessed")


def main() -> None:
    """Print the CPU seconds, the least of three rounds."""
    portions = list(of_capture(sys.argv[1])) if len(sys.argv) > 1 else [made(FLOWS)]
    print(f"{min(sum(map(measured, portions)) for _ in range(3)):.3f}")


if __name__ == "__main__":
    main()
