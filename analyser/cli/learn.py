"""``analyser learn``: what flows without a label have in common, and drafts of signatures for them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from analyser.cli.arguments import Signatures, Workers
from analyser.cli.console import message, page_width, print_bytes, print_text
from analyser.cli.progress import reading

INCONCLUSIVE = 3


def learn(
    captures: Annotated[list[str], typer.Argument(metavar="CAPTURE", help="Files, directories, globs, or - .")],
    as_json: Annotated[bool, typer.Option("--json", help="Groups and drafts as one JSON document.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write the drafts there, a file each.")
    ] = None,
    signatures: Signatures = None,
    workers: Workers = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no messages.")] = False,
) -> None:
    """Group flows that have no label, and draft signatures for them.

    Shows which first bytes are the same, each way; what differs, or could be somebody's words, is left out. A draft labels
    the flows it was made from: read it, give the service its name, and use it with --signatures.
    """
    from analyser.pipeline.learning import learnt
    from analyser.report.learned import draft, draft_names, learned_document, learned_text

    with reading(quiet=quiet) as progress:
        run, found = learnt(
            captures, signatures=signatures or (), workers=workers, progress=progress, notice=None if quiet else message
        )
    with closing(run):
        groups = found.groups()
    if output is not None:
        names = draft_names(groups)
        drafts = {f"{name}.toml": draft(group, name) for group, name in zip(groups, names, strict=True) if name}
        _write(drafts, output)
        if not quiet:
            message(f"{len(drafts)} drafts written to {output}")
    if as_json:
        from analyser.report.json import encode

        print_bytes(encode(learned_document(groups, looked_at=found.looked_at, unlabelled=found.unlabelled)))
    else:
        print_text(learned_text(groups, looked_at=found.looked_at, unlabelled=found.unlabelled, width=page_width()))
    if not found.looked_at:
        raise typer.Exit(INCONCLUSIVE)


def _write(drafts: dict[str, str], folder: Path) -> None:
    """Write drafts; one that lies there already and was edited stays, and nothing is written."""
    from analyser.model.capture import InputError

    for name, text in drafts.items():
        there = folder / name
        if there.exists() and there.read_text(encoding="utf-8", errors="replace") != text:
            raise InputError(str(there), "lies there already and differs; move it away, or write to another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in drafts.items():
        (folder / name).write_text(text, encoding="utf-8")
