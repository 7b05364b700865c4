"""The command line: reads arguments, calls the pipeline, prints, exits.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import gc
import os

_ENVIRONMENT = {
    # The table library's allocator keeps what was freed for ten seconds, in four heaps a core; a large capture then takes half
    # as much again. Given back at once, memory is cleared again and again.
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:500,muzzy_decay_ms:500",
    # Importing numpy starts a thread per core for linear algebra, of which there is none here.
    "OPENBLAS_NUM_THREADS": "1",
    # A check is a thousand small queries; dealt to several threads each costs more than it saves, by the clock too.
    "POLARS_MAX_THREADS": "1",
}
"""What libraries read when they are loaded; what the user has set stands."""


def main() -> None:
    """Run the command line and exit: 0 compliant, 1 violations, 2 usage or input, 3 inconclusive."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Modules and reports are many small objects that all stay, and tables are freed when nobody names them any more: looking
    # for circles among them took a tenth of the time of a check and found nothing worth having. A large report is half a million.
    gc.set_threshold(1_000_000, 50, 1000)
    from analyser.cli.app import app
    from analyser.cli.console import leave, prepare_streams

    prepare_streams()
    try:
        app(prog_name="analyser")
    except SystemExit as ended:
        leave(ended.code)
