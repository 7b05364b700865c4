"""``analyser check``: every rule judged against what the captures show."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from analyser.cli.arguments import FailOn, Signatures, Vantage, Workers
from analyser.cli.console import USAGE_ERROR, error, message, page_width, print_bytes, print_text
from analyser.cli.progress import reading
from analyser.report.phrases import count

if TYPE_CHECKING:
    from analyser.pipeline.picking import Slices


def check(
    captures: Annotated[list[str], typer.Argument(metavar="CAPTURE", help="Files, directories, globs, or - .")],
    site: Annotated[
        Path | None, typer.Option("--site", metavar="SITE", help="The site file: which address plays which role.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="HOST", help="The host of the site on which was captured.")
    ] = None,
    vantage: Vantage = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON document.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Also write report, flows and evidence there."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only the answer; no progress, no messages.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Unfold what works or does not apply.")] = False,
    signatures: Signatures = None,
    workers: Workers = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", metavar="LEVEL", help="Exit 1 from: violation, warning or notice.")
    ] = FailOn.VIOLATION,
) -> None:
    """Judge every rule of the matrix by what captures show.

    Says what works, what is blocked, refused, failing or missing, and which traffic nobody ordered.
    """
    if site is None:
        _starter(captures, as_json=as_json, quiet=quiet, workers=workers)
    from analyser.model.finding import Severity
    from analyser.pipeline import judging
    from analyser.report.text import answer_text, report_text

    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    with reading(quiet=quiet) as progress:
        run = judging.check(
            captures,
            site=site,
            at=at,
            fail_on=Severity(fail_on.value),
            signatures=signatures or (),
            workers=workers,
            digests=as_json or output is not None,
            vantage=vantage,
            progress=progress,
            notice=None if quiet else message,
        )
    if output is not None:
        from analyser.pipeline.picking import write_slices
        from analyser.report.firewall import write_requests
        from analyser.report.flow_files import write_flows
        from analyser.report.flows import flow_table
        from analyser.report.json import report_json
        from analyser.report.request import requested_permits

        (output / "report.json").write_bytes(report_json(run.document))
        (output / "report.txt").write_text(report_text(run.document, everything=True).plain, encoding="utf-8")
        write_flows((flow_table(part.told, run.flows.captures) for part in run.flows.parts()), output / "flows.parquet")
        slices = write_slices(run.document, output / "evidence")
        requests = write_requests(
            requested_permits(run.document),
            output / "requests",
            about=f"what was stopped on the way, site {run.document.site.name}",
        )
        if not quiet:
            _tell_written(output, slices, requests)
    if as_json:
        from analyser.report.json import report_json

        print_bytes(report_json(run.document))
    elif quiet:
        print_text(answer_text(run.document, width=page_width()))
    else:
        print_text(report_text(run.document, everything=verbose, width=page_width()))
    raise typer.Exit(run.document.summary.exit_code)


def _tell_written(output: Path, slices: Slices, requests: Sequence[str]) -> None:
    """Say what stands in the folder, and what could not be written there."""
    evidence = f"; evidence of {count(slices.written, 'finding')}, without payload" if slices.written else ""
    asked = f"; requests to the firewall: {', '.join(requests)}" if requests else ""
    message(f"written to {output}: report.json, report.txt, flows.parquet{evidence}{asked}")
    for path, reason in slices.unreadable.items():
        message(f"no evidence from {path}: {reason}")
    if slices.left_out:
        message(f"no evidence of {count(slices.left_out, 'more finding')}: too many")


def _starter(captures: list[str], *, as_json: bool, quiet: bool, workers: int | None) -> NoReturn:
    """Say what is missing and print a site file to begin with, made from what the captures show; exit 2."""
    from analyser.pipeline.reading import flows
    from analyser.policy.starter import starter_site

    with reading(quiet=quiet) as progress:
        run = flows(captures, workers=workers, digests=False, progress=progress, notice=None if quiet else message)
    with closing(run):
        text = starter_site(part.frame for part in run.parts())
    error(
        "check needs --site SITE: a file that says which address plays which role.\n"
        "Below is one to begin with, from the traffic seen. Save it, correct it, and run again with --site."
    )
    if as_json:
        message(text)
    else:
        print_text(text)
    raise typer.Exit(USAGE_ERROR)
