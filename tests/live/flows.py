"""What the analyser says of a captured wire, by the responder's port."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyser.pipeline.reading import flows


@dataclass(frozen=True)
class Seen:
    """Labels of the flows to one port: (service, basis, sub-label) of each that had payload; ``rows``: all their facts."""

    labels: frozenset[tuple[str | None, str | None, str | None]]
    rows: tuple[dict[str, Any], ...]

    @property
    def services(self) -> frozenset[tuple[str | None, str | None]]:
        """Services and what they rest on."""
        return frozenset((service, basis) for service, basis, _ in self.labels)


def seen(capture: Path) -> dict[tuple[str, int], Seen]:
    """Return what was seen by transport and the responder's port."""
    run = flows([str(capture)], digests=False)
    rows = [row for row in run.whole().frame.to_dicts() if row["orig_bytes"] or row["resp_bytes"]]
    run.close()
    places = {(row["proto"], row["id.resp_p"]) for row in rows}
    return {
        place: Seen(
            frozenset((row["service"], row["basis"], row["sublabel"]) for row in those),
            tuple(those),
        )
        for place in places
        if (those := [row for row in rows if (row["proto"], row["id.resp_p"]) == place])
    }
