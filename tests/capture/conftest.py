"""Fixtures of the capture stage's tests."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def feed() -> Iterator[Callable[[Path, bytes], None]]:
    """Give a function that makes a named pipe and writes into it from another thread."""
    threads: list[threading.Thread] = []

    def start(path: Path, data: bytes) -> None:
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no named pipes")
        os.mkfifo(path)
        thread = threading.Thread(target=path.write_bytes, args=(data,), daemon=True)
        thread.start()
        threads.append(thread)

    yield start
    for thread in threads:
        thread.join(timeout=5)
        assert not thread.is_alive()
