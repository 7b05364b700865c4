"""Arguments that several commands have in common."""

from __future__ import annotations

from typing import Annotated

import typer

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
