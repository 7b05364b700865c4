"""The command line: reads arguments, calls the pipeline, prints, exits.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit: 0 compliant, 1 violations, 2 usage or input, 3 inconclusive."""
    from analyser.cli.app import app
    from analyser.cli.console import prepare_streams

    prepare_streams()
    app(prog_name="analyser")
