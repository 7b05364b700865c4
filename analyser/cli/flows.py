"""``analyser flows``: the flow table on the screen, as JSON Lines, or in a file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from analyser.cli.arguments import Signatures, Workers
from analyser.cli.console import message, print_bytes, print_text
from analyser.cli.progress import reading

SHOWN = 50
"""Flows that fit a screen."""


def flows(
    captures: Annotated[list[str], typer.Argument(metavar="CAPTURE", help="Files, directories, globs, or - .")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines on standard output, one flow a line.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write there: .parquet, .csv, .jsonl or .log (Zeek)."),
    ] = None,
    signatures: Signatures = None,
    workers: Workers = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no messages.")] = False,
) -> None:
    """Show the flow table.

    One line per conversation: who opened it, to whom, what it spoke, how it ended. The screen shows the first
    ones; --json and -o give all, with every column.
    """
    from analyser.pipeline.reading import flows as read
    from analyser.report.flow_files import check_ending, flow_page, json_lines, write_flows
    from analyser.report.flows import flow_table

    if output is not None:
        check_ending(output)
    with reading(quiet=quiet) as progress:
        run = read(
            captures,
            signatures=signatures or (),
            workers=workers,
            digests=False,
            progress=progress,
            notice=None if quiet else message,
        )
    with closing(run):
        if output is not None:
            count = write_flows((flow_table(part.told, run.captures) for part in run.parts()), output)
            if not quiet:
                message(f"{count:,} flows written to {output}")
        if as_json:
            for lines in json_lines(flow_table(part.told, run.captures) for part in run.parts()):
                print_bytes(lines)
        elif output is None:
            first, count = run.earliest(SHOWN)
            print_text(flow_page(flow_table(first, run.captures), count))
