"""``analyser explain``: the packets behind one finding, decoded in full, without what people said in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analyser.cli.arguments import Signatures, Vantage, Workers
from analyser.cli.console import USAGE_ERROR, error, message, page_width, print_text
from analyser.cli.progress import reading


def explain(
    captures: Annotated[
        list[str],
        typer.Argument(
            metavar="CAPTURE... FINDING", help="Captures as for check; last the id of a finding, or how it begins."
        ),
    ],
    site: Annotated[
        Path | None, typer.Option("--site", metavar="SITE", help="The site file: captures are judged anew.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="A report of check --json: nothing is judged again."),
    ] = None,
    vantage: Vantage = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no messages.")] = False,
    signatures: Signatures = None,
    workers: Workers = None,
) -> None:
    """Decode the packets behind one finding.

    Shows what proves a finding packet by packet, as Wireshark decodes it, with the display filter to paste. Payload,
    names and secrets are left out. With --report the captures may be left out where they still lie where they lay.
    """
    *named, wanted = captures
    if (site is None) == (report is None) or (site is not None and not named):
        error("explain needs CAPTURE... FINDING --site SITE, or [CAPTURE...] FINDING --report FILE")
        raise typer.Exit(USAGE_ERROR)
    from analyser.pipeline.explaining import explain as look
    from analyser.report.explanation import explanation

    if report is not None:
        from analyser.report.json import read_report

        document = read_report(report)
    else:
        from analyser.pipeline import judging

        assert site is not None
        with reading(quiet=quiet) as progress:
            document = judging.check(
                named,
                site=site,
                signatures=signatures or (),
                workers=workers,
                digests=False,
                vantage=vantage,
                progress=progress,
                notice=None if quiet else message,
            ).document
    explained = look(document, wanted, named)
    print_text(explanation(explained.finding, explained.frames, explained.decodes, page_width()))
    for problem in explained.problems:
        message(problem)
    if any(frame is not None for _, frame in explained.frames) and not explained.decodes:
        raise typer.Exit(USAGE_ERROR)
