"""From what a user typed to the captures that were meant: files, directories, globs, ``-``.

Knows names, not contents: whether a file is a capture is asked of its bytes elsewhere.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from analyser.model.capture import InputError

STANDARD_INPUT: Final = "-"


def expand(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the captures that ``arguments`` name, in their order; the members of directories and globs sorted.

    A directory stands for the files in it (not those of its subdirectories, nor hidden ones), a glob for the
    files it matches (``**`` reaches subdirectories); a name that exists is taken as it is, whatever
    characters it has. Standard input appears once. Raises :class:`InputError` where an argument names
    nothing: that is a slip of the keyboard, better told before hours of reading than after.
    """
    if not arguments:
        raise InputError("captures", "none named; expected a file, a directory, a glob, or - for standard input")
    names = [name for argument in arguments for name in _expand_one(argument)]
    return tuple(name for at, name in enumerate(names) if name != STANDARD_INPUT or at == names.index(STANDARD_INPUT))


def _expand_one(argument: str) -> Iterable[str]:
    if argument == STANDARD_INPUT:
        return [argument]
    path = Path(argument)
    try:
        if path.is_dir():
            return _members(path)
        if path.exists():
            return [argument]
        if any(char in argument for char in "*?["):
            return _matches(argument)
    except (OSError, ValueError) as error:  # a name that the system cannot even look up
        raise InputError(argument, f"cannot be looked up: {error}") from error
    raise InputError(argument, "no such file; expected a file, a directory, a glob, or - for standard input")


def _members(directory: Path) -> list[str]:
    entries = sorted(directory.iterdir())
    files = [str(entry) for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    if files:
        return files
    if any(entry.is_dir() for entry in entries):
        raise InputError(
            str(directory), f"no files here, only directories; name them, or write {directory / '**' / '*.pcap*'}"
        )
    raise InputError(str(directory), "an empty directory; expected captures in it")


def _matches(pattern: str) -> list[str]:
    files = [name for name in sorted(glob.glob(pattern, recursive=True)) if Path(name).is_file()]  # noqa: PTH207
    if not files:
        raise InputError(pattern, "no file matches this pattern")
    return files
