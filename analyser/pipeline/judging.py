"""From captures and a site to a report: flows are read, judged, and told with what the captures could show."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from analyser import __version__
from analyser.compliance.check import judge_site
from analyser.compliance.summary import summarise
from analyser.flows.names import ENCAPSULATIONS
from analyser.hints import hints
from analyser.model.capture import CaptureNote, FileFacts, InputError
from analyser.model.finding import Coverage, ReportDocument, RulesNote, Severity, SiteNote, ToolNote, Undecoded
from analyser.model.rule import RulePack
from analyser.model.site import Site
from analyser.model.times import iso_time
from analyser.pipeline.expecting import expected_rows
from analyser.pipeline.portions import addresses_of, observe
from analyser.pipeline.reading import FlowsRead, Progress, flows
from analyser.policy.cases import load_cases
from analyser.policy.packs import load_pack
from analyser.policy.sites import load_site
from analyser.services.loading import digest
from analyser.services.watch import watch_ports

SCHEMA: Final = "analyser/report/1"

ENOUGH: Final = 65535
"""A snap length from which on packets are whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A site judged, and the flows that it was judged by."""

    document: ReportDocument
    flows: FlowsRead


def check(
    captures: Sequence[str],
    *,
    site: str | Path | Site,
    at: str | None = None,
    only: Collection[str] | None = None,
    fail_on: Severity = Severity.VIOLATION,
    signatures: Sequence[str] = (),
    workers: int | None = None,
    digests: bool = True,
    vantage: bool = False,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> CheckRun:
    """Judge every rule of a site by what captures show.

    Args:
        captures: files, directories, globs or ``-``.
        site: a site, or the path of its file.
        at: name of the host of the site on which was captured; its loopback rows can then be judged.
        only: ids of the rules that are judged; None for all. Traffic that none of them explains is told all the same.
        fail_on: the lightest severity that makes the exit code 1.
        signatures: as for :func:`flows`; those of the site come first.
        workers: as for :func:`flows`.
        digests: as for :func:`flows`.
        vantage: whether each of ``captures`` is a capture point of its own.
        progress: called while captures are read.
        notice: called with a sentence where the user has to wait for something unusual.

    Raises:
        InputError: nothing can be read, or site or rules have mistakes (all at once).
    """
    place = site if isinstance(site, Site) else load_site(site)
    if at is not None and at not in {host.name for host in place.hosts}:
        known = ", ".join(sorted(host.name for host in place.hosts)) or "none"
        raise InputError("--at", f"no host {at!r} in the site; its hosts are: {known}")
    loaded = tuple(load_pack(name) for name in place.rules)
    cases = tuple(case for pack, name in zip(loaded, place.rules, strict=True) for case in load_cases(pack, name))
    packs = tuple(_chosen(pack, only) for pack in loaded)
    moved: dict[str, tuple[int, ...]] = {}
    for pack in packs:
        moved |= expected_rows(pack, place)[1]
    ports = hints(packs, watch_ports(), moved)
    own = (*place.signatures, *signatures)
    run: FlowsRead
    sifted, together = None, None
    if vantage:
        from analyser.pipeline.vantage import read_points  # most runs have one point, and start without it

        run = points = read_points(
            captures, addresses_of(place), known=ports, signatures=own, workers=workers, digests=digests,
            progress=progress, notice=notice,
        )  # fmt: skip
        together = points.note
        observed = points.observe(at, ENCAPSULATIONS)
    else:
        run = whole = flows(
            captures, known=ports, signatures=own, workers=workers, digests=digests, progress=progress, notice=notice
        )
        observed, sifted = observe(whole, packs, place, at)
    judgement = judge_site(observed, packs, place, cases=cases, today=dt.datetime.now(dt.UTC).date(), sifted=sifted)
    facts = run.facts
    undecoded = sum(facts.undecoded.values())
    document = ReportDocument(
        schema=SCHEMA,
        tool=ToolNote(version=__version__),
        rules=(
            *(RulesNote(id=pack.id, version=pack.version, sha256=pack.sha256) for pack in packs),
            *(RulesNote(id=Path(name).name, version="signatures", sha256=digest(Path(name))) for name in own),
        ),
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
        vantage=together,
    )
    return CheckRun(document=document, flows=run)


def _chosen(pack: RulePack, only: Collection[str] | None) -> RulePack:
    return pack if only is None else replace(pack, rules=tuple(rule for rule in pack.rules if rule.id in only))


def _should_have_been_read(note: CaptureNote, named: Sequence[str]) -> bool:
    """Say whether no packet could be read where one was expected.

    A README found in a folder is reported, no more; nor is a file of a ring that was gone when its turn came.
    """
    stranger = any(problem.code in {"not-a-capture", "vanished"} for problem in note.problems)
    return note.packets == 0 and (note.path in named or not stranger)


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
