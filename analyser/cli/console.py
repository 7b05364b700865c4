"""The two streams of the command line: results on standard output, everything else on standard error.

Knows terminals, colours and pipes that close early; knows nothing of reports. Whoever prints does it through here.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

from analyser.report.escape import on_screen

if TYPE_CHECKING:
    from rich.text import Text


USAGE_ERROR: Final = 2
"""Exit code: usage or input is wrong."""


def prepare_streams() -> None:
    """Make both streams take any character: UTF-8 on Windows, an escape where an encoding lacks one."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if os.name == "nt" else None, errors="backslashreplace")


def leave(code: str | int | None) -> NoReturn:
    """End the process with ``code`` once all that was written is out.

    Tables are not taken apart piece by piece, which takes Python a fifth of a second: the system takes their memory back at once.
    """
    if not isinstance(code, int | None):
        sys.exit(code)
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):  # somebody else may have closed them
        sys.exit(code)
    os._exit(code or 0)


def print_text(text: Text | str) -> None:
    """Print a page on standard output: in colour on a terminal that wants it, else plain."""
    if isinstance(text, str) or not _wants_colour(sys.stdout):
        _write(sys.stdout, text if isinstance(text, str) else text.plain)
        return
    from rich.console import Console

    Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False, emoji=False).print(text, end="")


def print_bytes(data: bytes) -> None:
    """Write a document (UTF-8) on standard output, byte for byte."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        _write(sys.stdout, data.decode())
        return
    try:
        sys.stdout.flush()
        binary.write(data)
        binary.flush()
    except BrokenPipeError:
        _let_go(sys.stdout)


def message(words: str) -> None:
    """Say something about the run on standard error, one line per line of ``words``, foreign text made safe."""
    lines = "\n".join(on_screen(line) for line in words.splitlines())
    _write(sys.stderr, f"{lines}\n")


def error(words: str) -> None:
    """Say on standard error what went wrong."""
    message(f"analyser: {words}")


def page_width() -> int:
    """Return how wide a page may be: the terminal's width between 60 and 100, 80 where there is none."""
    if not sys.stdout.isatty():
        return 80
    try:
        return max(60, min(100, os.get_terminal_size(sys.stdout.fileno()).columns))
    except (OSError, ValueError):
        return 80


def is_terminal(stream: TextIO) -> bool:
    """Tell whether somebody is looking at ``stream`` as it is written."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _wants_colour(stream: TextIO) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def _write(stream: TextIO, words: str) -> None:
    try:
        stream.write(words)
        stream.flush()
    except BrokenPipeError:
        _let_go(stream)


def _let_go(stream: TextIO) -> None:
    """The reader has gone (``| head``): what is still to be written goes nowhere, and the exit code stays what it is."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
