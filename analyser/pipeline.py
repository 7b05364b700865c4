"""The way of the data, from captures to a report: the only module that knows all the stages."""

from __future__ import annotations

import datetime as dt
import io
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import polars as pl

from analyser import __version__
from analyser.capture import CaptureSource, OpenedCaptures, ending_on_interrupt, open_captures
from analyser.compliance.applying import apply_rules, players
from analyser.compliance.check import judge_site
from analyser.compliance.parties import Directory
from analyser.compliance.sifting import Sifter, icmp_said, whole_view
from analyser.compliance.summary import summarise
from analyser.flows.names import ENCAPSULATIONS, link_type_name
from analyser.flows.reader import FlowReading, read_captures
from analyser.flows.table import whole
from analyser.hints import hints
from analyser.model.capture import FileFacts, InputError, ReadingFacts
from analyser.model.finding import (
    CaptureNote,
    Coverage,
    Problem,
    ReportDocument,
    RulesNote,
    Severity,
    SiteNote,
    ToolNote,
    Undecoded,
)
from analyser.model.rule import RulePack
from analyser.model.site import Site
from analyser.model.times import iso_time
from analyser.policy.packs import load_pack, signature_folder
from analyser.policy.sites import DEFAULT_PACKS, load_site
from analyser.services.label import announced_anew, label
from analyser.services.lint import lint_signatures
from analyser.services.loading import load_signatures
from analyser.services.watch import watch_ports
from analyser.tables import (
    FLOWS,
    ICMP_ERRORS,
    LABELS,
    NEIGHBOURS,
    PATHS,
    PROMISES,
    REQUESTS,
    FlowTables,
    LabelTables,
    Observed,
    empty,
)  # fmt: skip

Progress = Callable[[str, int, int | None], None]
"""Called while a capture is read: its path, bytes read so far, bytes in all (None where unknown)."""

SCHEMA: Final = "analyser/report/1"
CUTTING: Final = {"read-error", "interrupted", "vanished", "cut-short", "damaged", "grows-absurdly"}
"""Problems after which a capture is not complete."""

ENOUGH: Final = 65535
"""A snap length from which on packets are whole."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Flows and what they were told to be: tables of the flows stage, and labels in the same rows."""

    tables: FlowTables
    labels: LabelTables

    @property
    def frame(self) -> pl.DataFrame:
        """Columns FLOWS and LABELS side by side."""
        return pl.concat([self.tables.flows, self.labels.labels], how="horizontal")


class FlowRun:
    """Captures read to flows. ``captures``: as the file numbers of flows mean; ``notes`` and ``facts``: what reading showed.

    Flows that found no room in memory are on disk until ``close``; ``parts`` gives a part at a time, whose flows are in
    the order of time.
    """

    def __init__(self, opened: OpenedCaptures, reading: FlowReading, guesses: Mapping[tuple[str, int], str]) -> None:
        self.captures = tuple(source.path for source in opened.sources)
        self.facts = reading.facts
        self.notes = _capture_notes(opened, reading.facts)
        self._reading = reading
        self._guesses = guesses
        self._signatures = load_signatures(signature_folder())
        self._key = secrets.token_bytes(32)

    def parts(self) -> Iterator[Labelled]:
        """Give all flows, part by part: what two addresses said to each other is in one part."""
        return map(self._label, self._reading.parts())

    def parts_within(self, addresses: Collection[str], leave: Callable[[int, int], None]) -> Iterator[Labelled]:
        """Give flows that have an end in ``addresses``; ``leave`` is told how many flows and packets others are."""
        return map(self._label, self._reading.parts_within(addresses, leave))

    def whole(self) -> Labelled:
        """Return all flows at once, in the order of time."""
        parts = list(self.parts())
        if len(parts) == 1:
            return parts[0]
        return self._label(whole(part.tables for part in parts))

    def earliest(self, most: int) -> tuple[pl.DataFrame, int]:
        """Return the frame of the ``most`` flows that began first, and how many flows there are in all."""
        tables, count = self._reading.earliest(most)
        return self._label(tables).frame.head(most), count

    @property
    def in_parts(self) -> bool:
        """Whether there are several parts."""
        return self._reading.in_parts

    def surroundings(self, observed: Observed) -> Observed:
        """Return ``observed`` with what all parts together show of who was seen where; without flows."""
        paths, neighbours = self._reading.surroundings()
        sights, said = [], []
        for seen, quoted in self._reading.sights():
            sights.append(seen)
            said.append(icmp_said(replace(observed, flows=quoted.flows, icmp_errors=quoted.icmp_errors)))
        return whole_view(replace(observed, paths=paths, neighbours=neighbours), sights, said)

    def close(self) -> None:
        """Give back what was taken on disk."""
        self._reading.close()

    def _label(self, tables: FlowTables) -> Labelled:
        return Labelled(tables, label(tables, ports=self._guesses, signatures=self._signatures, key=self._key))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A site judged, and the flows that it was judged by."""

    document: ReportDocument
    flows: FlowRun


def flows(
    captures: Sequence[str],
    *,
    site: Site | None = None,
    workers: int | None = None,
    digests: bool = True,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> FlowRun:
    """Read captures as one timeline.

    The rule packs of ``site`` (without one, those that come with the package) give the responder ports that orient
    and, weakly, label flows. ``workers``: 1 to read on one core only, None for as many as help. ``digests``: whether the
    SHA-256 of each capture is wanted, which takes as long as all else. Raises :class:`InputError` where nothing can be read.
    """
    known = tuple(load_pack(name) for name in (DEFAULT_PACKS if site is None else site.rules))
    moved: dict[str, tuple[int, ...]] = {}
    if site is not None:
        for pack in known:
            moved |= expected_rows(pack, site)[1]
    known_ports = hints(known, watch_ports(), moved)
    opened = open_captures(captures, digests=digests)
    with closing(opened), ending_on_interrupt(opened.sources):
        reading = read_captures(
            opened.sources,
            ports=known_ports.responders,
            watch=known_ports.watch,
            workers=workers,
            progress=_with_totals(opened.sources, progress),
            notice=notice,
        )
    return FlowRun(opened, reading, known_ports.guesses)


def check(
    captures: Sequence[str],
    *,
    site: str | Path | Site,
    at: str | None = None,
    fail_on: Severity = Severity.VIOLATION,
    workers: int | None = None,
    digests: bool = True,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> CheckRun:
    """Judge every rule of a site by what captures show.

    Args:
        captures: files, directories, globs or ``-``.
        site: a site, or the path of its file.
        at: name of the host of the site on which was captured; its loopback rows can then be judged.
        fail_on: the lightest severity that makes the exit code 1.
        workers: as for :func:`flows`.
        digests: as for :func:`flows`.
        progress: called while captures are read.
        notice: called with a sentence where the user has to wait for something unusual.

    Raises:
        InputError: nothing can be read, or site or rules have mistakes (all at once).
    """
    place = site if isinstance(site, Site) else load_site(site)
    if at is not None and at not in {host.name for host in place.hosts}:
        known = ", ".join(sorted(host.name for host in place.hosts)) or "none"
        raise InputError("--at", f"no host {at!r} in the site; its hosts are: {known}")
    packs = tuple(load_pack(name) for name in place.rules)
    run = flows(captures, site=place, workers=workers, digests=digests, progress=progress, notice=notice)
    observed, sifted = _observe(run, packs, place, at)
    judgement = judge_site(observed, packs, place, today=dt.datetime.now(dt.UTC).date(), sifted=sifted)
    facts = run.facts
    undecoded = sum(facts.undecoded.values())
    document = ReportDocument(
        schema=SCHEMA,
        tool=ToolNote(version=__version__),
        rules=tuple(RulesNote(id=pack.id, version=pack.version, sha256=pack.sha256) for pack in packs),
        site=SiteNote(name=place.name, sha256=place.sha256),
        generated_at=iso_time(time.time_ns()),
        captures=run.notes,
        coverage=Coverage(
            hosts_seen=judgement.hosts_seen,
            two_sided_hosts=judgement.two_sided_hosts,
            duplicates_removed=facts.duplicates,
            dropped_by_capture=_sum_known(item.dropped for item in facts.files),
            snaplen=_smallest_cut(facts.files),
            decapsulated=facts.decapsulated,
            undecoded=_by_count(facts.undecoded),
            link_layer=_by_count(facts.link_layer),
            out_of_scope=judgement.out_of_scope,
            watched_overflow=facts.watched_overflow,
        ),
        verdicts=judgement.verdicts,
        unexpected=judgement.unexpected,
        infrastructure=judgement.infrastructure,
        summary=summarise(
            judgement,
            fail_on=fail_on,
            packets=facts.packets - sum(facts.link_layer.values()),
            undecoded=undecoded,
            unread_files=sum(_should_have_been_read(note, captures) for note in run.notes),
        ),
    )
    return CheckRun(document=document, flows=run)


def _observe(run: FlowRun, packs: Sequence[RulePack], site: Site, at: str | None) -> tuple[Observed, Sifter | None]:
    """Return what there is to judge: all flows, or where they do not fit into memory those that rules ask about."""
    periods = _periods(run.facts.files)
    nothing = Observed(
        flows=empty(FLOWS | LABELS),
        paths=empty(PATHS),
        neighbours=empty(NEIGHBOURS),
        icmp_errors=empty(ICMP_ERRORS),
        promises=empty(PROMISES),
        requests=empty(REQUESTS),
        capture_paths=run.captures,
        started=min((first for first, _ in periods), default=0),
        ended=max((last for _, last in periods), default=0),
        periods=periods,
        capture_host=at,
        encapsulations=tuple(sorted(ENCAPSULATIONS & run.facts.undecoded.keys())),
    )
    if not run.in_parts:
        return _filled(nothing, run.whole()), None
    around = run.surroundings(nothing)
    elsewhere = None
    while True:
        sifter = Sifter(around, packs, site, elsewhere)
        sift = partial(_sifted, around, sifter)
        kept = list(
            map(sift, run.parts_within(sifter.members, sifter.covered.add_outside))
        )  # no name for a part: the one before is gone when the next is made
        together = _joined(around, kept)
        away = together.promises.filter(pl.col("announced") != pl.col("responder"))
        if away.is_empty():
            return together, sifter
        if elsewhere is not None:
            flows, kept_promises = announced_anew(together.flows, together.promises)
            return replace(together, flows=flows, promises=kept_promises), sifter
        elsewhere = away  # their flows are in other parts, some of which were sifted before the promise was known


def _filled(observed: Observed, part: Labelled) -> Observed:
    """Return ``observed`` with the flows of a part; where neighbours are known of all parts, with those."""
    return replace(
        observed,
        flows=part.frame,
        paths=part.tables.paths,
        neighbours=part.tables.neighbours if observed.sights is None else observed.neighbours,
        icmp_errors=part.tables.icmp_errors,
        promises=part.labels.promises,
        requests=part.labels.requests,
    )


def _sifted(around: Observed, sifter: Sifter, part: Labelled) -> Observed:
    portion = _filled(around, part)
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
    )


def expected_rows(pack: RulePack, site: Site) -> tuple[dict[str, bool], dict[str, tuple[int, ...]]]:
    """Return, by rule id, whether a rule of ``pack`` applies to ``site``, and its ports under the site's settings.

    A prohibition applies wherever somebody is whom it protects, whoever else the site lists.
    """
    directory = Directory(site)
    policy = apply_rules([pack], site, directory)
    expected = {item.rule.id for item in policy.applied}
    for rule in policy.forbidden:
        if players(rule, "responder", directory, site):
            expected.add(rule.id)
    return {rule.id: rule.id in expected for rule in pack.rules}, {rule.id: ports for rule, ports in policy.matrix}


def signature_mistakes(folder: Traversable) -> list[str]:
    """Return every mistake of the signature files in ``folder`` as a line ``file:line: key: message``."""
    return [f"{issue.file}:{issue.line}: {issue.key}: {issue.message}" for issue in lint_signatures(folder)]


def _with_totals(sources: Sequence[CaptureSource], progress: Progress | None) -> Callable[[str, int], None] | None:
    if progress is None:
        return None
    totals = {source.path: (source, _size(source)) for source in sources}

    def told(path: str, _unpacked: int) -> None:
        source, total = totals[path]
        progress(path, source.octets, total)

    return told


def _size(source: CaptureSource) -> int | None:
    if source.live:
        return None
    try:
        return Path(source.path).stat().st_size
    except OSError:
        return None


def _capture_notes(opened: OpenedCaptures, facts: ReadingFacts) -> tuple[CaptureNote, ...]:
    notes = [_capture_note(source, found) for source, found in zip(opened.sources, facts.files, strict=True)]
    for path, problem in opened.rejected:
        notes.append(
            CaptureNote(
                path=path, sha256=None, format="unknown", link_types=(), packets=0, bytes=0, first=None, last=None,
                complete=False, problems=(problem,),
            )
        )  # fmt: skip
    return tuple(notes)


def _capture_note(source: CaptureSource, found: FileFacts) -> CaptureNote:
    problems: tuple[Problem, ...] = (*source.problems, *found.problems)
    return CaptureNote(
        path=source.path,
        sha256=source.sha256,
        format=source.header.format,
        link_types=tuple(dict.fromkeys(link_type_name(number) for number in found.link_types)),
        packets=found.packets,
        bytes=source.octets,
        first=iso_time(found.first),
        last=iso_time(found.last),
        complete=found.complete and not any(problem.code in CUTTING for problem in problems),
        problems=problems,
    )


def _should_have_been_read(note: CaptureNote, named: Sequence[str]) -> bool:
    """Say whether no packet could be read where one was expected.

    A README found in a folder is reported, no more; nor is a file of a ring that was gone when its turn came.
    """
    stranger = any(problem.code in {"not-a-capture", "vanished"} for problem in note.problems)
    return note.packets == 0 and (note.path in named or not stranger)


def _periods(files: Iterable[FileFacts]) -> tuple[tuple[int, int], ...]:
    """Return first and last packet time of each file that has packets (ns)."""
    return tuple((item.first, item.last) for item in files if item.first is not None and item.last is not None)


def _by_count(counts: Mapping[str, int]) -> tuple[Undecoded, ...]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Undecoded(what=what, packets=packets) for what, packets in ordered)


def _sum_known(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _smallest_cut(files: Iterable[FileFacts]) -> int | None:
    """Return the snap length that cut packets most; None where all were kept whole."""
    cuts = [item.snaplen for item in files if item.snaplen and item.snaplen < ENOUGH]
    return min(cuts) if cuts else None
