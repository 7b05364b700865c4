"""The Python interface: the same results as the commands, as polars frames.

Knows the pipeline and the report's shapes. Adds no judgement of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from analyser.model.finding import End, PortFinding, ReportDocument
from analyser.model.site import Site
from analyser.pipeline import judging, reading
from analyser.report.flows import flow_table

if TYPE_CHECKING:
    import pandas as pd

VERDICTS: dict[str, pl.DataType] = {
    "id": pl.String(), "rule": pl.String(), "section": pl.String(), "requirement": pl.String(), "verdict": pl.String(),
    "severity": pl.String(), "initiator": pl.String(), "responder": pl.String(), "waived": pl.Boolean(),
    "sentence": pl.String(), "remedy": pl.String(),
}  # fmt: skip
PORTS: dict[str, pl.DataType] = {
    "id": pl.String(), "rule": pl.String(), "initiator": pl.String(), "responder": pl.String(), "transport": pl.String(),
    "port": pl.Int64(), "state": pl.String(), "cause": pl.String(), "detail": pl.String(), "by": pl.String(),
    "confidence": pl.String(), "service": pl.String(), "basis": pl.String(), "attempts": pl.Int64(), "answered": pl.Int64(),
    "first": pl.String(), "last": pl.String(), "frames": pl.List(pl.Int64()), "filter": pl.String(),
}  # fmt: skip
UNEXPECTED: dict[str, pl.DataType] = {
    "id": pl.String(), "reason": pl.String(), "severity": pl.String(), "initiator": pl.String(), "responder": pl.String(),
    "transport": pl.String(), "port": pl.Int64(), "state": pl.String(), "cause": pl.String(), "service": pl.String(),
    "basis": pl.String(), "flows": pl.Int64(), "bytes": pl.Int64(), "waived": pl.Boolean(), "sentence": pl.String(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What ``analyser check`` found. ``document`` is all of it; the frames are its tables."""

    document: ReportDocument
    flows: pl.DataFrame

    @property
    def exit_code(self) -> int:
        """0 compliant, 1 findings, 3 inconclusive."""
        return self.document.summary.exit_code

    @property
    def verdicts(self) -> pl.DataFrame:
        """One row per rule and pair of ends, in report order."""
        return _frame(
            VERDICTS,
            (
                {
                    **_fields(entry, VERDICTS),
                    "initiator": _name(entry.initiator),
                    "responder": _name(entry.responder),
                    "waived": entry.waiver is not None,
                }
                for entry in self.document.verdicts
            ),
        )

    @property
    def ports(self) -> pl.DataFrame:
        """One row per port of a verdict, with its state, cause and evidence."""
        return _frame(
            PORTS,
            (
                {
                    **_fields(port, PORTS),
                    "id": entry.id,
                    "rule": entry.rule,
                    "initiator": _name(entry.initiator),
                    "responder": _name(entry.responder),
                    **_evidence(port),
                }
                for entry in self.document.verdicts
                for port in entry.ports
            ),
        )

    @property
    def unexpected(self) -> pl.DataFrame:
        """One row per group of flows that no rule explains."""
        return _frame(
            UNEXPECTED,
            (
                {
                    **_fields(entry, UNEXPECTED),
                    "initiator": _name(entry.initiator),
                    "responder": _name(entry.responder),
                    "waived": entry.waiver is not None,
                }
                for entry in self.document.unexpected
            ),
        )

    def to_pandas(self) -> dict[str, pd.DataFrame]:
        """Return all frames as pandas ones, by name (needs the extra ``notebook``)."""
        frames = {"verdicts": self.verdicts, "ports": self.ports, "unexpected": self.unexpected, "flows": self.flows}
        return {name: frame.to_pandas() for name, frame in frames.items()}


def read_flows(captures: Sequence[str | Path] | str | Path) -> pl.DataFrame:
    """As :func:`analyser.read_flows`."""
    run = reading.flows(_paths(captures))
    with closing(run):
        return flow_table(run.whole().told, run.captures)


def check(
    captures: Sequence[str | Path] | str | Path,
    *,
    site: str | Path | Site,
    at: str | None = None,
    vantage: bool = False,
) -> Report:
    """As :func:`analyser.check`."""
    run = judging.check(_paths(captures), site=site, at=at, vantage=vantage)
    with closing(run.flows) as flows:
        return Report(run.document, flow_table(flows.whole().told, flows.captures))


def _paths(captures: Sequence[str | Path] | str | Path) -> list[str]:
    return [str(captures)] if isinstance(captures, str | Path) else [str(path) for path in captures]


def _name(end: End | None) -> str | None:
    return None if end is None else end.name or end.address


def _fields(entry: object, schema: dict[str, pl.DataType]) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in schema if hasattr(entry, name)}


def _evidence(port: PortFinding) -> dict[str, Any]:
    if not port.evidence:
        return {"frames": [], "filter": None}
    return {"frames": list(port.evidence[0].frames), "filter": port.evidence[0].filter}


def _frame(schema: dict[str, pl.DataType], rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")
