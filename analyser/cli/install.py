"""``analyser install``: one terminal's installation, step by step, without a site file."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from analyser.cli.arguments import FailOn, Workers
from analyser.cli.console import message, page_width, print_bytes, print_text
from analyser.cli.progress import reading


class Terminal(StrEnum):
    """What is installed on a vendor's device."""

    EMBEDDED = "embedded"
    NATIVE = "native"


def install(
    device: Annotated[
        str,
        typer.Argument(
            metavar="VENDOR",
            help="ricoh, konica-minolta, xerox, fuji-xerox, sharp, toshiba, samsung, lexmark, hp, epson, or a terminal:"
            " terminal-professional, terminal-ultralight, terminal-pro-4, hardware-appliance, mobile-terminal.",
        ),
    ],
    captures: Annotated[list[str], typer.Argument(metavar="CAPTURE", help="Files, directories, globs, or - .")],
    server: Annotated[
        list[str] | None,
        typer.Option(
            "--server", metavar="ADDR", help="The server, each of its addresses; found in the traffic if not given."
        ),
    ] = None,
    printer: Annotated[
        list[str] | None, typer.Option("--printer", metavar="ADDR", help="The printer or terminal; found likewise.")
    ] = None,
    terminal: Annotated[
        Terminal, typer.Option("--terminal", metavar="KIND", help="embedded, or native where the vendor has one.")
    ] = Terminal.EMBEDDED,
    as_json: Annotated[
        bool, typer.Option("--json", help="The report as one JSON document, as check prints it.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no messages.")] = False,
    workers: Workers = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", metavar="LEVEL", help="Exit 1 from: violation, warning or notice.")
    ] = FailOn.VIOLATION,
) -> None:
    """Say whether the network lets one terminal be installed.

    Every step in its order, green or red, with what to do first on top. No site file is needed: two addresses will do, and
    they are found in the traffic if they are not given.
    """
    from analyser.model.finding import Severity
    from analyser.pipeline.installing import install as judge

    with reading(quiet=quiet) as progress:
        made = judge(
            device, captures, servers=server or (), printers=printer or (), terminal=terminal.value,
            fail_on=Severity(fail_on.value), workers=workers, digests=as_json, progress=progress,
            notice=None if quiet else message,
        )  # fmt: skip
    if as_json:
        from analyser.report.json import report_json

        print_bytes(report_json(made.document))
    else:
        from analyser.report.installation import installation_text

        print_text(
            installation_text(
                made.document,
                device=made.device,
                terminal=made.terminal,
                server=made.server,
                printer=made.printer,
                found=made.found,
                steps=made.steps,
                width=page_width(),
            )
        )
    raise typer.Exit(made.document.summary.exit_code)
