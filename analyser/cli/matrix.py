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
    """Show the vendor's port matrix: every row, its ports, who opens to whom, and under which condition."""
    from analyser.policy import load_pack, load_site
    from analyser.report.json import encode
    from analyser.report.matrix import matrix_document, matrix_text

    pack = load_pack(VENDOR_PACK)
    applies: dict[str, bool] | None = None
    ports: dict[str, tuple[int, ...]] = {}
    name = None
    if site is not None:
        from analyser.compliance.applying import apply_rules, plays
        from analyser.compliance.parties import Directory

        here = load_site(site)
        directory = Directory(here)
        policy = apply_rules([pack], here, directory)
        expected = {item.rule.id for item in policy.applied}
        expected |= {  # a prohibition protects whoever is there, even from machines that the site does not list
            rule.id
            for rule in policy.forbidden
            if any(plays(rule, "responder", party, here) for party in directory.parties)
        }
        applies = {rule.id: rule.id in expected for rule in pack.rules}
        ports = {rule.id: numbers for rule, numbers in policy.matrix}
        name = here.name
    if as_json:
        print_bytes(encode(matrix_document(pack, applies)))
    else:
        print_text(matrix_text(pack, width=page_width(), site=name, applies=applies, ports=ports))
