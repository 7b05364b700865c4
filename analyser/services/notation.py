"""The notation of bytes in signature files: hexadecimal with gaps, sets and quoted text; plain text.

Knows strings; must not know files or what a test is for.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from analyser.services.byterows import Bools

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<byte>[0-9a-fA-F]{2})|(?P<gap>\?\?)|'(?P<text>[^']+)'|\[(?P<set>[0-9a-fA-F,\-\s]+)\])"
)


class NotationError(ValueError):
    """A string that is not in the notation; the message says where and what was expected."""


def read_hex(written: str) -> Bools:
    """Turn e.g. ``"16 03 [00-04] ?? 'SSH'"`` into allowed bytes, (length, 256) booleans.

    Raises:
        NotationError: at the first token that is none of the four kinds, or if there is none.
    """
    rows: list[Bools] = []
    position = 0
    text = written.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise NotationError(
                f"cannot read {text[position : position + 12]!r}: expected 1f, ??, [00-04,16] or 'text'"
            )
        position = token.end()
        if token["byte"]:
            rows.append(_one(int(token["byte"], 16)))
        elif token["gap"]:
            rows.append(np.ones(256, dtype=np.bool_))
        elif token["text"]:
            rows.extend(_one(value) for value in _ascii(token["text"]))
        else:
            rows.append(_set(token["set"]))
    if not rows:
        raise NotationError("no bytes")
    return np.array(rows)


def read_text(written: str, *, fold: bool) -> Bools:
    """Turn text into allowed bytes; with ``fold`` upper and lower case are alike.

    Raises:
        NotationError: if the text is empty or not ASCII.
    """
    values = _ascii(written)
    rows = np.array([_one(value) for value in values])
    if fold:
        for row, value in zip(rows, values, strict=True):
            row[ord(chr(value).swapcase())] = True
    return rows


def read_bytes(written: str) -> bytes:
    """Turn hexadecimal with quoted text, without gaps and sets, into bytes (examples).

    Raises:
        NotationError: if a place leaves a choice.
    """
    rows = read_hex(written)
    if (rows.sum(axis=1) != 1).any():
        raise NotationError("an example must not leave a choice")
    return bytes(rows.argmax(axis=1).tolist())


def _ascii(written: str) -> bytes:
    if not written:
        raise NotationError("no bytes")
    try:
        return written.encode("ascii")
    except UnicodeEncodeError:
        raise NotationError("only ASCII can be written as text") from None


def _one(value: int) -> Bools:
    row = np.zeros(256, dtype=np.bool_)
    row[value] = True
    return row


def _set(written: str) -> Bools:
    row = np.zeros(256, dtype=np.bool_)
    for part in written.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        try:
            low, high = int(first, 16), int(last or first, 16)
        except ValueError:
            raise NotationError(f"[{written}] is no set of bytes: expected e.g. [00-04,16]") from None
        if not 0 <= low <= high <= 255:
            raise NotationError(f"[{written}]: {part} is no range of bytes")
        row[low : high + 1] = True
    return row
