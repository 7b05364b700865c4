"""A page of text under construction: lines, wrapped prose, styles.

Knows the width of the page and nothing of reports. Whatever is written on it passes :mod:`analyser.report.escape`
here, so that no caller can forget that names in a report are chosen by strangers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from rich.text import Text

from analyser.report.escape import on_screen


class Page:
    """Lines that are added one after another and given out as one styled text."""

    def __init__(self, width: int, captures: Mapping[str, str] | None = None) -> None:
        """Take the width in columns, and how captures are called here, by path (where frames are told)."""
        self._width = width
        self.captures = captures or {}
        self._lines: list[Text] = []

    def line(self, *parts: str | tuple[str, str]) -> None:
        """Add one line as it is, however long; a part is words, or words and their style."""
        spans = [(part, "") if isinstance(part, str) else part for part in parts]
        self._lines.append(Text.assemble(*((on_screen(words), style) for words, style in spans)))

    def blank(self) -> None:
        """Add an empty line."""
        self.line()

    def prose(self, words: str, *, first: str = "", rest: str | None = None, style: str = "") -> None:
        """Add wrapped words: the first line begins with ``first``, the others with ``rest`` (else blanks as wide)."""
        lines = textwrap.wrap(
            on_screen(words),
            self._width,
            initial_indent=first,
            subsequent_indent=" " * len(first) if rest is None else rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines or [first.rstrip()]:
            self.line((line, style))

    def text(self) -> Text:
        """Return the page, with a line feed at its end."""
        return Text("\n").join([*self._lines, Text()])
