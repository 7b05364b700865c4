"""How far the reading has come, on standard error while somebody is looking at it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath

from analyser.cli.console import is_terminal
from analyser.report.escape import on_screen

Progress = Callable[[str, int, int | None], None]
"""Called while a capture is read: its path, bytes read so far, bytes in all (None where unknown)."""


@contextmanager
def reading(*, quiet: bool) -> Iterator[Progress | None]:
    """Give a function to call while captures are read, or None where nobody would see the bar."""
    if quiet or not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeElapsedColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(path: str, done: int, total: int | None) -> None:
            if path not in tasks:
                for task in tasks.values():  # one line on the screen, however many files there are
                    bar.update(task, visible=False)
                tasks[path] = bar.add_task(on_screen(PurePath(path).name or path), total=total)
            bar.update(tasks[path], completed=done, total=total)

        yield progress
