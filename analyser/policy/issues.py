"""What is wrong with a rule pack or a site file: one record per mistake, all of them at once.

Knows how a mistake is told; finding mistakes belongs to the readers and the linter.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyser.model.capture import InputError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Issue:
    """One mistake: in which file and line (0 where the file has none), at which key, and what was expected.

    ``severity`` is ``"error"`` (the file cannot be used) or ``"warning"``.
    """

    file: str
    line: int
    key: str
    message: str
    severity: str = "error"

    def __str__(self) -> str:
        """Tell it as compilers do: ``file:line: key: message``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(printable(part) for part in (place, self.key, self.message) if part)


class PolicyErrors(InputError):  # noqa: N818 - it carries several
    """A rule pack or a site file that cannot be used. ``issues`` holds every reason, by file and line."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(sorted(set(issues)))
        first = self.issues[0]
        super().__init__(first.file, first.message, str(first.line))

    def __str__(self) -> str:
        """Tell every mistake, one in a line."""
        return "\n".join(str(issue) for issue in self.issues)


def unknown(kind: str, word: str, known: Sequence[str]) -> str:
    """Say that ``word`` is no ``kind``, with the nearest known word or, where few are known, all of them."""
    text = f"unknown {kind} {shown(word)}"
    near = difflib.get_close_matches(word[:80], known, n=1, cutoff=0.6)
    if near:
        return f"{text}; did you mean {shown(str(near[0]))}?"
    if len(known) <= 12:
        return f"{text}; expected one of {', '.join(known)}" if known else text
    return text


def printable(text: str) -> str:
    """Return words of a file or a library with everything that could steer a terminal escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shown(value: object) -> str:
    """Return a value of a file as it may be printed: quoted, control characters escaped, cut if long."""
    text = repr(value) if isinstance(value, str) else str(value).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 80 else text[:77] + "..."
