"""Find captures of equal content among several files: they are one capture, read once.

Compares bytes of files of one size; knows nothing about what the bytes mean.
"""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from pathlib import Path

from analyser.capture.source import CaptureSource
from analyser.model.capture import Problem


def without_copies(sources: Sequence[CaptureSource]) -> list[CaptureSource]:
    """Return ``sources`` without those whose content another one before them has; that one is told (``same-file``).

    Streams that can be read only once are never compared.
    """
    kept: list[CaptureSource] = []
    by_size: dict[tuple[int, int | None], list[tuple[CaptureSource, list[str]]]] = {}
    for source in sources:
        if source.live:
            kept.append(source)
            continue
        # Equal files begin with the same packet: few are left to compare byte by byte.
        alike = by_size.setdefault((_size(source.path), source.first_t), [])
        for original, copies in alike:
            if _same(original.path, source.path):
                copies.append(source.path)
                break
        else:
            alike.append((source, []))
            kept.append(source)
    for group in by_size.values():
        for original, copies in group:
            if copies:
                original.problems.append(
                    Problem(code="same-file", count=len(copies), detail="read once; same content: " + ", ".join(copies))
                )
    return kept


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other) or filecmp.cmp(one, other, shallow=False)
    except OSError:  # gone since it was recognised; reading it will say so
        return False
