"""The command line: reads arguments, calls the pipeline, prints, exits.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line and exit: 0 compliant, 1 violations, 2 usage or input, 3 inconclusive."""
    # The table library's allocator keeps what was freed for ten seconds; a large capture then takes half as much again.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:50,muzzy_decay_ms:50")
    from analyser.cli.app import app
    from analyser.cli.console import leave, prepare_streams

    prepare_streams()
    try:
        app(prog_name="analyser")
    except SystemExit as ended:
        leave(ended.code)
