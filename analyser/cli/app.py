"""The commands under one roof: their groups in ``--help``, and what happens when one of them fails.

A failure of the user's input is one clear message and exit code 2; no traceback, and never code 1, which means
that violations were found.
"""

from __future__ import annotations

import os
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from analyser import __version__
from analyser.cli.check import check
from analyser.cli.console import USAGE_ERROR, error, message, print_text
from analyser.cli.explain import explain
from analyser.cli.flows import flows
from analyser.cli.install import install
from analyser.cli.learn import learn
from analyser.cli.matrix import matrix
from analyser.cli.rules import rules_lint, rules_show
from analyser.cli.values import Command, taken_as_typed

INTERRUPTED = 130

TECHNICIAN = "For the technician, with a capture"
AUDITOR = "For the auditor"
OPERATOR = "For the operator, who keeps rules and sites"


class Commands(TyperGroup):
    """Commands listed by the people they are for (their ``rich_help_panel``), failures told in one line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section per group of people, in the order in which commands were added."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            panel = getattr(command, "rich_help_panel", None)
            rows = panels.setdefault(panel if isinstance(panel, str) else "Commands", [])
            rows.append((name, command.get_short_help_str(formatter.width - 6 - len(name))))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return what may stand before a command."""
        return taken_as_typed(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn what it could not do into a message and an exit code."""
        from analyser.model.capture import InputError
        from analyser.policy.issues import PolicyErrors

        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except KeyboardInterrupt:
            error("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except InputError as problem:
            error(str(problem))
        except PolicyErrors as problems:
            message(str(problems))
        except OSError as problem:
            error(f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem))
        except MemoryError:
            error("not enough memory; give fewer or smaller captures at a time")
        except Exception as problem:  # noqa: BLE001 - a fault of ours must not look like "violations found"
            if os.environ.get("ANALYSER_DEBUG"):
                traceback.print_exc()
            error(f"a fault of the analyser itself: {problem!r}; ANALYSER_DEBUG=1 shows where")
        raise typer.Exit(USAGE_ERROR)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Says from packet captures which rows of the YSoft SafeQ 6 port matrix work on a network, which are blocked, "
    "refused, failing or missing, and which traffic nobody ordered.",
    epilog="Exit codes: 0 compliant, 1 violations, 2 usage or input, 3 inconclusive.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print_text(f"analyser {__version__}\n")
        raise typer.Exit


@app.callback()
def _analyser(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hold the options that stand before a command."""


app.command(cls=Command, rich_help_panel=TECHNICIAN)(check)
app.command(cls=Command, rich_help_panel=TECHNICIAN)(install)
app.command(cls=Command, rich_help_panel=TECHNICIAN)(explain)
app.command(cls=Command, rich_help_panel=TECHNICIAN)(flows)
app.command(cls=Command, rich_help_panel=AUDITOR)(matrix)

app.command(cls=Command, rich_help_panel=OPERATOR)(learn)

rules = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None)
rules.command("lint", cls=Command)(rules_lint)
rules.command("show", cls=Command)(rules_show)
app.add_typer(rules, name="rules", help="Check and print rule packs.", rich_help_panel=OPERATOR)
