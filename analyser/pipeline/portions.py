"""What there is to judge: all flows at once, or portion by portion where they do not fit into memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import polars as pl

from analyser.compliance.parties import Directory
from analyser.compliance.sifting import Sifter, icmp_said, whole_view
from analyser.flows.names import ENCAPSULATIONS
from analyser.flows.parts import Survey
from analyser.model.capture import FileFacts
from analyser.model.rule import RulePack
from analyser.model.site import Site
from analyser.pipeline.reading import FlowRun, Labelled
from analyser.services.label import announced_anew
from analyser.services.lookups import lookups
from analyser.tables import (
    FLOWS,
    ICMP_ERRORS,
    LABELS,
    LOOKUPS,
    NEIGHBOURS,
    PATHS,
    PROMISES,
    REQUESTS,
    Observed,
    empty,
)  # fmt: skip


def observe(run: FlowRun, packs: Sequence[RulePack], site: Site, at: str | None) -> tuple[Observed, Sifter | None]:
    """Return what there is to judge: all flows, or where they do not fit into memory those that rules ask about."""
    periods = periods_of(run.facts.files)
    nothing = Observed(
        flows=empty(FLOWS | LABELS),
        paths=empty(PATHS),
        neighbours=empty(NEIGHBOURS),
        icmp_errors=empty(ICMP_ERRORS),
        promises=empty(PROMISES),
        requests=empty(REQUESTS),
        lookups=empty(LOOKUPS),
        capture_paths=run.captures,
        started=min((first for first, _ in periods), default=0),
        ended=max((last for _, last in periods), default=0),
        periods=periods,
        capture_host=at,
        encapsulations=tuple(sorted(ENCAPSULATIONS & run.facts.undecoded.keys())),
    )
    if not run.in_parts:
        return _filled(nothing, site, run.whole()), None
    directory = Directory(site, at)
    survey = run.survey(directory.concerns)
    around = _surroundings(run, survey, nothing)
    elsewhere = None
    while True:
        sifter = Sifter(around, packs, site, directory, elsewhere)
        sifter.covered.add_outside(*survey.left)
        # A portion is all there is: to set some of it aside would take longer than to judge it.
        take = partial(_filled, around, site) if survey.in_one else partial(_sifted, around, sifter, site)
        # No name for a part: the one before is gone when the next is made.
        together = _joined(around, list(map(take, run.wanted(survey))))
        away = together.promises.filter(pl.col("announced") != pl.col("responder"))
        if away.is_empty():
            return together, sifter
        if survey.in_one or elsewhere is not None:
            flows, kept_promises = announced_anew(together.flows, together.promises)
            return replace(together, flows=flows, promises=kept_promises), sifter
        elsewhere = away  # their flows are in other parts, some of which were sifted before the promise was known


def _surroundings(run: FlowRun, survey: Survey, observed: Observed) -> Observed:
    """Return ``observed`` with what all parts together show of who was seen where; without flows."""
    paths, neighbours = run.surroundings()
    sights, said = [], [icmp_said(observed)]  # of no flows, nothing
    for seen, quoted in survey.steps():
        sights.append(seen)
        if quoted is not None:
            said.append(icmp_said(replace(observed, flows=quoted.flows, icmp_errors=quoted.icmp_errors)))
    return whole_view(replace(observed, paths=paths, neighbours=neighbours), sights, said)


def _filled(observed: Observed, site: Site, part: Labelled) -> Observed:
    """Return ``observed`` with the flows of a part; where neighbours are known of all parts, with those."""
    return replace(
        observed,
        flows=part.frame,
        paths=part.tables.paths,
        neighbours=part.tables.neighbours if observed.sights is None else observed.neighbours,
        icmp_errors=part.tables.icmp_errors,
        promises=part.labels.promises,
        requests=part.labels.requests,
        lookups=lookups(
            part.tables.flows,
            part.labels.labels,
            part.tables.watched,
            addresses_of(site),
        ),
    )


def addresses_of(site: Site) -> list[str]:
    """Return the addresses of the site's hosts: of questions for names, only those that mean one of them are kept."""
    return [address for host in site.hosts for address in host.addresses]


def _sifted(around: Observed, sifter: Sifter, site: Site, part: Labelled) -> Observed:
    portion = _filled(around, site, part)
    kept = _packed(sifter.sift(portion))
    serials = kept.select("serial")
    errors, asked = (
        rows.join(serials, on="serial", how="semi", maintain_order="left")
        for rows in (portion.icmp_errors, portion.requests)
    )
    return replace(portion, flows=kept, icmp_errors=errors, requests=asked)


def _packed(flows: pl.DataFrame) -> pl.DataFrame:
    """Return the same flows in memory of their own: rows chosen from a table share the bytes of the whole table."""
    packed = io.BytesIO()
    flows.write_parquet(packed, compression="lz4")
    packed.seek(0)
    return pl.read_parquet(packed)


def _joined(observed: Observed, portions: Sequence[Observed]) -> Observed:
    """Return ``observed`` with the flows of all portions, in the order of time."""

    def together(name: str, *order: str) -> pl.DataFrame:
        frames: list[pl.DataFrame] = [getattr(portion, name) for portion in portions]
        return pl.concat(frames).sort(order, maintain_order=True)

    return replace(
        observed,
        flows=together("flows", "ts", "serial"),
        icmp_errors=together("icmp_errors", "t", "file", "frame"),
        promises=together("promises", "t", "file", "frame"),
        requests=together("requests", "t", "file", "frame"),
        lookups=together("lookups", "t", "file", "frame"),
    )


def periods_of(files: Iterable[FileFacts]) -> tuple[tuple[int, int], ...]:
    """Return first and last packet time of each file that has packets (ns)."""
    return tuple((item.first, item.last) for item in files if item.first is not None and item.last is not None)
