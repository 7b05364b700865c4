"""``python -m tests.fuzz.replay TARGET FILE...``: do once more what a fuzzer did with an input.

An input of the target ``kernel`` is a capture; it is read with every load tested, beside the compiled kernel.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fuzz.targets import reproduce

if __name__ == "__main__":
    target, *names = sys.argv[1:]
    for name in names:
        reproduce("plain" if target == "kernel" else target, Path(name).read_bytes())
        print(f"{name}: nothing wrong")
