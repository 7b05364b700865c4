"""The notation of bytes in signature files: hexadecimal with gaps, sets and quoted text; plain text.

Knows strings; must not know files or what a test is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
    return _allowing(list(_places(written)))


def read_text(written: str, *, fold: bool) -> Bools:
    """Turn text into allowed bytes; with ``fold`` upper and lower case are alike.

    Raises:
        NotationError: if the text is empty or not ASCII.
    """
    values = _ascii(written)
    return _allowing([(value, ord(chr(value).swapcase())) if fold else (value,) for value in values])


def read_bytes(written: str) -> bytes:
    """Turn hexadecimal with quoted text, without gaps and sets, into bytes (examples).

    Raises:
        NotationError: if a place leaves a choice.
    """
    places = list(_places(written))
    if any(len(values) != 1 for values in places):
        raise NotationError("an example must not leave a choice")
    return bytes(values[0] for values in places)


def _places(written: str) -> Iterator[Sequence[int]]:
    """Give the values that are allowed at each place."""
    text = written.rstrip()
    if not text:
        raise NotationError("no bytes")
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise NotationError(
                f"cannot read {text[position : position + 12]!r}: expected 1f, ??, [00-04,16] or 'text'"
            )
        position = token.end()
        if token["byte"]:
            yield (int(token["byte"], 16),)
        elif token["gap"]:
            yield range(256)
        elif token["text"]:
            yield from ((value,) for value in _ascii(token["text"]))
        else:
            yield _set(token["set"])


def _allowing(places: Sequence[Sequence[int]]) -> Bools:
    rows = np.zeros((len(places), 256), dtype=np.bool_)
    rows[[place for place, values in enumerate(places) if len(values) == 256]] = True
    some = [256 * place + value for place, values in enumerate(places) if len(values) < 256 for value in values]
    rows.reshape(-1)[some] = True
    return rows


def _ascii(written: str) -> bytes:
    if not written:
        raise NotationError("no bytes")
    try:
        return written.encode("ascii")
    except UnicodeEncodeError:
        raise NotationError("only ASCII can be written as text") from None


def _set(written: str) -> Sequence[int]:
    values: set[int] = set()
    for part in written.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        try:
            low, high = int(first, 16), int(last or first, 16)
        except ValueError:
            raise NotationError(f"[{written}] is no set of bytes: expected e.g. [00-04,16]") from None
        if not 0 <= low <= high <= 255:
            raise NotationError(f"[{written}]: {part} is no range of bytes")
        values.update(range(low, high + 1))
    return sorted(values)
