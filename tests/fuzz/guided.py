"""``python -m tests.fuzz.guided FOLDER [libFuzzer's options]``: the kernel's source under coverage guidance (atheris).

Every branch of framing, resynchronisation, decoding, counting and eviction is seen; inputs that reach a new one are kept
in FOLDER. A load beyond the captured bytes, a row beyond its table and a packet told twice are errors. Needs the packages of
tests/fuzz/requirements.txt, which ``make fuzz`` installs.
"""

from __future__ import annotations

import contextlib
import sys

from analyser.capture.headers import read_header
from analyser.flows.feed import Feed
from analyser.flows.layout import S_SEED
from analyser.flows.memory import Limits, Memory
from analyser.flows.reader import _advance
from analyser.model.capture import CaptureHeader
from tests.flows_properties.compare import MemorySource
from tests.fuzz.native import WATCH, named
from tests.fuzz.plain import Plain, reading_with

LARGEST = 4096


def one(kernel: Plain, data: bytes) -> None:
    """Read one capture and count its packets."""
    if len(data) > LARGEST or not isinstance(read_header(data), CaptureHeader):
        return
    memory = Memory(Limits(batch=2, live_flows=4, block=LARGEST), WATCH)
    memory.st[S_SEED] = 12345
    with reading_with(kernel), contextlib.closing(memory):
        feed = Feed(MemorySource(data), 0, 0, memory)
        while feed.refill():
            _advance([feed], None, memory)
        packets = sum(int(part.records.sides["pkts"].sum()) for part in memory.parts())
    assert packets + named(memory) == feed.facts().packets


def main() -> None:
    """Start libFuzzer."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # not in the suite's environment

    kernel = Plain(lambda code: atheris.instrument_bytecode.patch_code(code, True))
    atheris.Setup(sys.argv, lambda data: one(kernel, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
