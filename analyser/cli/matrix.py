"""``analyser matrix``: what the vendor's page asks for, and which of it concerns one site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analyser.cli.console import page_width, print_bytes, print_text

VENDOR_PACK = "ysoft-safeq-6"


def matrix(
    site: Annotated[
        Path | None, typer.Option("--site", metavar="SITE", help="Say which rules apply to this site.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The matrix as one JSON document.")] = False,
) -> None:
    """Show the vendor's port matrix, and which rows apply to a site.

    Every row with its ports, who opens to whom, and under which condition.
    """
    from analyser.policy.packs import load_pack
    from analyser.report.matrix import matrix_document, matrix_text

    pack = load_pack(VENDOR_PACK)
    applies: dict[str, bool] | None = None
    ports: dict[str, tuple[int, ...]] = {}
    name = None
    if site is not None:
        from analyser.pipeline.expecting import expected_rows
        from analyser.policy.sites import load_site

        here = load_site(site)
        name = here.name
        applies, ports = expected_rows(pack, here)
    if as_json:
        from analyser.report.json import encode

        print_bytes(encode(matrix_document(pack, applies)))
    else:
        print_text(matrix_text(pack, width=page_width(), site=name, applies=applies, ports=ports))
