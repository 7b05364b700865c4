"""``python -m tests.fuzz.corpus unpack|keep|coverage [FOLDER]``: the corpus as files, made small again, and what it reaches.

``keep`` takes the inputs of FOLDER, leaves out those that reach no branch of the kernel's source that smaller ones do not
reach, and writes the rest to corpus.zip. ``coverage`` prints lines and branches that seeds and corpus reach.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterable
from pathlib import Path

import coverage  # type: ignore[import-not-found,unused-ignore]

from tests.fuzz import seeds
from tests.fuzz.guided import one
from tests.fuzz.plain import SOURCES, Plain

BRANCHES = [str(SOURCES / "*.py")]
NOT_RUN = [str(SOURCES / name) for name in ("__init__.py", "entries.py")]
"""Modules without code."""

Reached = set[tuple[str, int, int]]


def reached(kernel: Plain, data: bytes) -> Reached:
    """Return the steps from line to line that reading ``data`` takes."""
    watch = coverage.Coverage(branch=True, include=BRANCHES, omit=NOT_RUN, data_file=None)
    with watch.collect():
        one(kernel, data)
    taken = watch.get_data()
    return {(name, *arc) for name in taken.measured_files() for arc in taken.arcs(name) or ()}


def smallest(inputs: Iterable[bytes]) -> list[bytes]:
    """Return inputs that reach together what all of them reach, the seeds' share left out."""
    kernel = Plain()
    known: Reached = set()
    for data in seeds.captures():
        known |= reached(kernel, data)
    kept = []
    for data in sorted(set(inputs), key=len):
        new = reached(kernel, data) - known
        if new:
            known |= new
            kept.append(data)
    return kept


def report() -> str:
    """Return coverage of the kernel's source by seeds and corpus, a line per module."""
    watch = coverage.Coverage(branch=True, include=BRANCHES, omit=NOT_RUN, data_file=None)
    with watch.collect():
        kernel = Plain()
        for data in [*seeds.captures(), *seeds.corpus()]:
            one(kernel, data)
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        watch.report(show_missing=True, skip_empty=True)
    return text.getvalue()


def main(command: str, folder: Path | None) -> None:
    """Do what the command line says."""
    if command == "coverage":
        print(report())
    elif command == "unpack" and folder:
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate([*seeds.captures(), *seeds.corpus()]):
            (folder / f"{number:04}").write_bytes(data)
    elif command == "keep" and folder:
        seeds.keep(smallest([*seeds.corpus(), *(path.read_bytes() for path in folder.iterdir() if path.is_file())]))
        print(f"{len(seeds.corpus())} inputs kept, {seeds.CORPUS.stat().st_size} bytes packed")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
