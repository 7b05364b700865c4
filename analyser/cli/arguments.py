"""Arguments that several commands have in common."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class FailOn(StrEnum):
    """From which weight on a finding makes the exit code 1."""

    VIOLATION = "violation"
    WARNING = "warning"
    NOTICE = "notice"


Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, help="Cores to read with: 1, or 2 (the default where there are two)."
    ),
]

Signatures = Annotated[
    list[str] | None,
    typer.Option(
        "--signatures", metavar="PATH", help="Signatures of your own, a folder or a file; may be given several times."
    ),
]

Vantage = Annotated[
    bool,
    typer.Option("--vantage", help="Each CAPTURE is a capture point of its own: says between which packets are lost."),
]
