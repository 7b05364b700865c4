"""``analyser rules lint`` and ``analyser rules show``: rule packs, known cases and signatures, checked and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from analyser.cli.console import USAGE_ERROR, error, message, page_width, print_text

if TYPE_CHECKING:
    from rich.text import Text

    from analyser.model.rule import Rule


def rules_lint(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH...]",
            help="Packs by name, folders of packs or signatures, a site file with some; else all of ours.",
        ),
    ] = None,
) -> None:
    """Check rule packs, known cases and signatures: every mistake, with file and line."""
    from analyser.cli.linting import check_folders

    mistakes, count = check_folders(paths or [])
    print_text("".join(f"{mistake}\n" for mistake in mistakes))
    if mistakes:
        message(f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}")
        raise typer.Exit(USAGE_ERROR)
    message(f"no mistake in {count} rules, cases and signatures")


def rules_show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="RULE",
            help="A rule (pack/section/name or its last words), a pack or section, a known case, or a signature.",
        ),
    ],
) -> None:
    """Print rules, known cases or signatures.

    A rule says who opens what to whom, under which condition, and how its row was read; a known case what must be seen
    for it to be named; a signature is printed as it is written.
    """
    from analyser.policy.cases import load_cases
    from analyser.policy.issues import unknown
    from analyser.policy.packs import load_pack, pack_names, signature_folder
    from analyser.report.cases import case_page
    from analyser.report.matrix import rule_text

    rules: list[Rule] = [rule for pack in pack_names() for rule in load_pack(pack).rules]
    signatures = {entry.name.removesuffix(".toml"): entry for entry in signature_folder().iterdir()}
    pages: list[Text | str] = [rule_text(rule, width=page_width()) for rule in rules if f"/{name}/" in f"/{rule.id}/"]
    cases = [case for pack in pack_names() for case in load_cases(load_pack(pack), pack)]
    pages += [case_page(case, page_width()) for case in cases if name in (case.id, case.name)]
    if name in signatures:
        pages.append(signatures[name].read_text(encoding="utf-8"))
    if not pages:
        words = (word for rule in rules for word in (rule.id, rule.id.rpartition("/")[2]))
        error(unknown("rule", name, (*dict.fromkeys(words), *(case.name for case in cases), *signatures)))
        raise typer.Exit(USAGE_ERROR)
    for place, page in enumerate(pages):
        print_text("\n" if place else "")
        print_text(page)
