"""``analyser matrix``: what the vendor's page asks for, and which of it concerns one site."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from analyser.cli.console import USAGE_ERROR, error, page_width, print_bytes, print_text

VENDOR_PACK = "ysoft-safeq-6"


class Format(StrEnum):
    """What the matrix can be written as."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    NFTABLES = "nftables"
    CISCO = "cisco"
    WINDOWS = "windows"
    AERLEON = "aerleon"


def matrix(
    site: Annotated[
        Path | None, typer.Option("--site", metavar="SITE", help="Say which rules apply to this site.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The matrix as one JSON document.")] = False,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, json or csv; with --site also rules: nftables, cisco, windows, aerleon.",
        ),
    ] = Format.TABLE,
) -> None:
    """Show the vendor's port matrix, and which rows apply to a site.

    Every row with its ports, who opens to whom, and under which condition. As rules of a firewall: what the network has to let
    through for the site, address by address.
    """
    from analyser.policy.packs import load_pack
    from analyser.report.matrix import matrix_csv, matrix_document, matrix_text

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
    if form not in (Format.TABLE, Format.JSON, Format.CSV):
        if site is None:
            error(f"--format {form.value} needs --site SITE: rules of a firewall name addresses")
            raise typer.Exit(USAGE_ERROR)
        from analyser.pipeline.expecting import required_policy

        print_text(required_policy(pack, here, form.value))
    elif form is Format.CSV:
        print_text(matrix_csv(pack, applies, ports))
    elif as_json or form is Format.JSON:
        from analyser.report.json import encode

        print_bytes(encode(matrix_document(pack, applies)))
    else:
        print_text(matrix_text(pack, width=page_width(), site=name, applies=applies, ports=ports))
