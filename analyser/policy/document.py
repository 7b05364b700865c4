"""One TOML file read with places: values come out checked, mistakes are collected instead of raised.

Knows TOML and kinds of values (text, number, flag, table); what the keys mean belongs to the readers of
rule packs and sites.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from analyser.policy.issues import Issue, printable, shown, unknown
from analyser.policy.positions import Path, key_lines

LARGEST: Final = 4 << 20
"""Bytes of the largest policy file that is read; a site of ten thousand hosts needs about half of it."""

_MOST_PARTS: Final = 1000
"""Parts of a dotted key: the parser takes the square of their number in time."""

_QUOTED: Final = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")


class Document:
    """A TOML file: its root table, and everything found wrong with it so far."""

    def __init__(self, file: str, data: bytes) -> None:
        """Parse ``data``, the content of ``file``. Bytes that are no TOML leave an issue and an empty root."""
        self.file = file
        self.issues: list[Issue] = []
        self._text = ""
        values: dict[str, object] = {}
        try:
            if len(data) > LARGEST:
                raise ValueError(f"larger than {LARGEST >> 20} MB")
            text = data.decode("utf-8-sig").replace("\r\n", "\n")
            if any(_has_endless_key(line) for line in text.split("\n")):
                raise ValueError(f"a key of more than {_MOST_PARTS} parts")
            values = tomllib.loads(text)
            self._text = text
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.issues.append(Issue(file=file, line=line, key="", message="not UTF-8 text"))
        except RecursionError:
            self.issues.append(Issue(file=file, line=0, key="", message="not readable as TOML: nested too deeply"))
        except ValueError as error:
            self.issues.append(_syntax_issue(file, str(error), data.count(b"\n") + 1))
        self.root = Fields(self, (), values)

    @cached_property
    def _lines(self) -> dict[Path, int]:
        """The lines of all keys, which takes as long as reading the file: most files have no mistake to be placed."""
        return key_lines(self._text)

    @property
    def usable(self) -> bool:
        """Whether no error was found so far."""
        return not any(issue.severity == "error" for issue in self.issues)

    def line(self, path: Path) -> int:
        """Return the line of the value at ``path``, or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1

    def complain(self, path: Path, message: str) -> None:
        """Note a mistake at ``path``."""
        key = ".".join(str(part) for part in path if isinstance(part, str))
        self.issues.append(Issue(file=self.file, line=self.line(path), key=key, message=message))


def _has_endless_key(line: str) -> bool:
    return line.count(".") > _MOST_PARTS and _QUOTED.sub("", line).count(".") > _MOST_PARTS


def _syntax_issue(file: str, reason: str, lines: int) -> Issue:
    """Return what the parser said, its place taken out of the sentence."""
    said, _, place = printable(reason).partition(" (at ")
    message = f"not readable as TOML: {said}"
    match = re.match(r"line (\d+), column (\d+)\)", place)
    if match is not None:
        return Issue(file=file, line=int(match[1]), key="", message=f"{message} (column {match[2]})")
    return Issue(file=file, line=lines if place else 0, key="", message=message)


class Fields:
    """A table of a document. Each method takes one key out; ``finish`` complains about what nobody asked for."""

    def __init__(self, document: Document, path: Path, values: dict[str, object]) -> None:
        self.document = document
        self.path = path
        self._values = values
        self._asked: list[str] = []

    @property
    def line(self) -> int:
        """The line where this table begins."""
        return self.document.line(self.path)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the table has."""
        return tuple(self._values)

    def complain(self, key: str, message: str) -> None:
        """Note a mistake at a key of this table."""
        self.document.complain((*self.path, key) if key else self.path, message)

    def raw(self, key: str, *, required: bool = False) -> object | None:
        """Return the value as it stands, or None where the key is missing."""
        self._asked.append(key)
        if required and key not in self._values:
            self.complain(key, "missing")
        return self._values.get(key)

    def text(self, key: str, *, required: bool = False, known: Sequence[str] | None = None) -> str | None:
        """Return a text that is not empty, one of ``known`` where that is given."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self.complain(key, f"expected text, found {_kind(value)}")
            return None
        if known is not None and value not in known:
            self.complain(key, unknown(key, value, known))
            return None
        return value

    def texts(
        self, key: str, *, required: bool = False, known: Sequence[str] | None = None, kind: str = ""
    ) -> tuple[str, ...] | None:
        """Return a list of texts; a single text stands for a list of one. A word twice is a mistake."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
            self.complain(key, f"expected a text or a list of texts, found {_kind(value)}")
            return None
        for place, word in enumerate(words):
            if known is not None and word not in known:
                self.complain(key, unknown(kind or key, word, known))
            elif word in words[:place]:
                self.complain(key, f"{shown(word)} stands here twice")
        return tuple(dict.fromkeys(words))

    def integer(self, key: str, *, required: bool = False, low: int = 0, high: int = 65535) -> int | None:
        """Return a whole number between ``low`` and ``high``."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.complain(key, f"expected a number from {low} to {high}, found {_kind(value)}")
            return None
        return value

    def integers(self, key: str, *, low: int = 0, high: int = 65535) -> tuple[int, ...] | None:
        """Return a list of whole numbers between ``low`` and ``high``, none of them twice."""
        value = self.raw(key)
        if value is None:
            return None
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(n, int) and not isinstance(n, bool) and low <= n <= high for n in numbers):
            self.complain(key, f"expected a list of numbers from {low} to {high}, found {_kind(value)}")
            return None
        if len(set(numbers)) != len(numbers):
            self.complain(key, "a number stands here twice")
        return tuple(dict.fromkeys(numbers))

    def flag(self, key: str) -> bool:
        """Return true or false; false where the key is missing."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self.complain(key, f"expected true or false, found {_kind(value)}")
        return value is True

    def date(self, key: str) -> dt.date | None:
        """Return a day."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            self.complain(key, f"expected a date such as 2027-03-31 without quotes, found {_kind(value)}")
            return None
        return value

    def table(self, key: str, *, required: bool = False) -> Fields | None:
        """Return the table of that name."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.complain(key, f"expected a table, found {_kind(value)}")
            return None
        return Fields(self.document, (*self.path, key), value)

    def tables(self, key: str) -> list[Fields]:
        """Return the tables written as ``[[key]]``, in their order."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.complain(key, f"expected tables written as [[{key}]], found {_kind(value)}")
            return []
        return [Fields(self.document, (*self.path, key, place), item) for place, item in enumerate(value)]

    def finish(self) -> None:
        """Complain about every key that nobody has asked for."""
        known = tuple(dict.fromkeys(self._asked))
        for key in self._values:
            if key not in known:
                self.complain(key, unknown("key", key, known))


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str) and not value.strip():
        return "an empty text"
    return shown(value)
