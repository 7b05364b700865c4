"""On which line of a TOML text each key stands.

The standard library's parser gives values without places, and no maintained pure-Python parser gives both;
this walks the pieces of a text that the parser has already accepted, and therefore judges nothing.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

Path = tuple[str | int, ...]
"""The way to a value: table names, keys, and indices of arrays."""

_PIECE: Final = re.compile(
    r'"""(?:\\[\s\S]|(?!""")[\s\S])*"{3,5}'
    r"|'''(?:(?!''')[\s\S])*'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*|\n|[\[\]{},=.]|[^\s\[\]{},=.#\"']+"
)

_DEEPEST: Final = 12
"""Steps of a way that are told apart: no policy file has more than seven, and a hostile one shall not cost time."""


def key_lines(text: str) -> dict[Path, int]:
    """Return the line (from 1) of every table header and key of ``text``, which must be valid TOML."""
    walk = _Walk()
    line = 1
    for match in _PIECE.finditer(text):
        piece = match.group()
        walk.take(piece, line)
        line += piece.count("\n")
    return walk.lines


class _Walk:
    """A stack of open brackets, and the key being read at the innermost of them."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}  # last index of every array of tables
        self._prefix: Path = ()  # the table that the last header opened
        self._parts: list[str] = []
        self._in_value = False
        self._header = 0  # brackets of the header being read
        self._stack: list[tuple[str, Path, int, Path]] = []  # bracket, its path, index in it, path of the key before it
        self._here: Path = ()  # path of the value being read

    def take(self, piece: str, line: int) -> None:
        """Read the next piece."""
        if piece.startswith("#"):
            return
        if self._header:
            self._take_header(piece, line)
        elif self._stack and self._stack[-1][0] == "[":
            self._take_element(piece)
        elif self._in_value:
            self._take_value(piece)
        else:
            self._take_key(piece, line)

    def _take_key(self, piece: str, line: int) -> None:
        if piece == "[" and not self._stack and not self._parts:
            self._header = 1
        elif piece == "=":
            base = self._stack[-1][1] if self._stack else self._prefix
            self._here = (base + tuple(self._parts))[:_DEEPEST]
            for length in range(len(base) + 1, len(self._here) + 1):
                self.lines.setdefault(self._here[:length], line)
            self._parts, self._in_value = [], True
        elif piece == "}":
            self._close()
        elif piece not in {".", ",", "\n"}:
            self._parts.append(_plain(piece))

    def _take_value(self, piece: str) -> None:
        if piece in {"[", "{"}:
            self._open(piece, self._here)
        elif piece == "}":
            self._close()
        elif (piece == "\n" and not self._stack) or (piece == "," and self._stack):
            self._in_value = False

    def _take_element(self, piece: str) -> None:
        _, path, index, before = self._stack[-1]
        if piece in {"[", "{"}:
            self._open(piece, (*path, index))
        elif piece == "]":
            self._close()
        elif piece == ",":
            self._stack[-1] = ("[", path, index + 1, before)

    def _open(self, bracket: str, path: Path) -> None:
        self._stack.append((bracket, path, 0, self._here))
        self._in_value = False

    def _close(self) -> None:
        if self._stack:
            self._here = self._stack.pop()[3]
        self._in_value = True

    def _take_header(self, piece: str, line: int) -> None:
        if piece == "[":
            self._header = 2
        elif piece == "]":
            self._end_header(line)
        elif piece != ".":
            self._parts.append(_plain(piece))

    def _end_header(self, line: int) -> None:
        if not self._parts:  # the second bracket of "]]"
            self._header = 0
            return
        path: Path = ()
        for part in self._parts[: _DEEPEST - 1]:
            path = self._entered(path)
            path = (*path, part)
            self.lines.setdefault(path, line)
        if self._header == 2:
            self._arrays[path] = self._arrays.get(path, -1) + 1
        self._prefix = self._entered(path)
        self.lines.setdefault(self._prefix, line)
        self._header -= 1
        self._parts = []

    def _entered(self, path: Path) -> Path:
        return (*path, self._arrays[path]) if path in self._arrays else path


def _plain(piece: str) -> str:
    if piece[:1] not in {'"', "'"}:
        return piece
    return str(tomllib.loads(f"key = {piece}")["key"])
