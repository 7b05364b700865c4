"""analyser: does this network let YSoft SafeQ 6 work, row by row of the vendor's port matrix?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from analyser.api import Report
    from analyser.model.site import Site

__version__ = "0.1.0"
__all__ = ["__version__", "check", "read_flows"]


def read_flows(captures: Sequence[str | Path] | str | Path) -> pl.DataFrame:
    """Return the flow table of captures (a path or several; files, directories, globs), one row per flow, oldest first.

    The columns are those of ``analyser flows``: Zeek's names where Zeek has one; times are UTC with nanoseconds.
    Raises :class:`analyser.model.capture.InputError` where nothing can be read.
    """
    from analyser import api

    return api.read_flows(captures)


def check(
    captures: Sequence[str | Path] | str | Path,
    *,
    site: str | Path | Site,
    at: str | None = None,
    vantage: bool = False,
) -> Report:
    """Judge every rule of ``site`` (a site file, or a Site) by what captures show.

    ``at`` names the host of the site on which was captured; ``vantage`` takes each capture for a capture point of its own. The :class:`analyser.api.Report` holds the document and
    its frames. Raises :class:`analyser.model.capture.InputError` for captures, sites or rules that cannot be used.
    """
    from analyser import api

    return api.check(captures, site=site, at=at, vantage=vantage)
