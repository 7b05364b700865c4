"""From what was observed to what it means for a site: the one door of this stage."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from analyser.compliance.alternatives import weigh_alternatives
from analyser.compliance.applying import Policy, apply_rules
from analyser.compliance.attempted import draft_attempted
from analyser.compliance.attempts.judge import Judge
from analyser.compliance.drafts import NOBODY, Draft, Scene
from analyser.compliance.entries import make_entries
from analyser.compliance.identity import Ids
from analyser.compliance.judgement import Judgement
from analyser.compliance.locating import locate, shared_origins
from analyser.compliance.matching import match_ports
from analyser.compliance.negotiated import match_promises
from analyser.compliance.parties import Directory
from analyser.compliance.talks import hold_talks
from analyser.compliance.unexpected.bench import Bench
from analyser.compliance.unexpected.groups import report_unexpected
from analyser.compliance.unexpected.infrastructure import answers_to_groups, name_infrastructure
from analyser.compliance.unexpected.reasons import Reasons
from analyser.compliance.unexpected.translation import find_translated
from analyser.compliance.untried import draft_untried
from analyser.compliance.waivers import Waivers
from analyser.model.finding import InfrastructureNote, OutOfScope, Verdict
from analyser.model.rule import Rule, RulePack
from analyser.model.site import Site
from analyser.tables import Observed


def judge_site(observed: Observed, packs: Sequence[RulePack], site: Site, *, today: dt.date | None = None) -> Judgement:
    """Return verdicts and unexpected flows of ``site`` under ``packs``.

    ``today`` decides which waivers have run out; without it, the day on which the captures end.
    """
    directory = Directory(site, observed.capture_host)
    policy = apply_rules(packs, site, directory)
    judge = Judge(observed, aliases=directory.aliases, network_of=directory.segment, probes=directory.probes)
    located = locate(observed.flows, directory)
    states = judge.states

    fits = match_ports(located, policy.applied, shared_origins(directory, located))
    to_groups = answers_to_groups(located, fits)
    fits = fits.join(to_groups, on="serial", how="anti")
    announced = match_promises(observed.promises, located, observed.flows, fits, states, policy.applied, directory)
    translated = find_translated(located, policy.applied, directory.probes)
    scene = Scene(
        directory=directory,
        judge=judge,
        talks=hold_talks(pl.concat([fits, announced.fits]), located, policy.applied, judge),
        senders=_senders(located),
        translated=frozenset(translated.select("number", "res").unique().iter_rows()),
        unkept=announced.unkept,
        at_home=_at_home(located, directory),
    )
    waivers = Waivers(site.waivers, today or dt.datetime.fromtimestamp(observed.ended / 1e9, tz=dt.UTC).date())
    ids = Ids()
    verdicts, uncounted = make_entries(_draft(policy, scene), waivers, ids)

    in_scope = (pl.col("ini") >= 0) | (pl.col("res") >= 0) | pl.col("local")
    explained = pl.concat([fits["serial"], announced.explained, to_groups["serial"]]).unique()
    rest = located.filter(in_scope, ~pl.col("serial").is_in(explained.implode()))
    reasons = Reasons(policy, directory, site)
    quiet = name_infrastructure(rest, located, states, packs, site, directory, reasons.matrix_ports)
    unexpected = report_unexpected(
        rest.join(quiet, on="serial", how="anti"),
        states,
        translated["serial"],
        Bench(directory=directory, judge=judge, reasons=reasons, waivers=waivers, ids=ids),
    )
    outside = located.filter(~in_scope)
    seen, two_sided = _coverage(located)
    return Judgement(
        verdicts=verdicts,
        unexpected=unexpected,
        infrastructure=_count(quiet),
        out_of_scope=OutOfScope(flows=outside.height, packets=int(outside["packets"].sum())),
        hosts_seen=seen,
        two_sided_hosts=two_sided,
        uncounted=uncounted,
        notices=waivers.notices(),
    )


def _draft(policy: Policy, scene: Scene) -> list[Draft]:
    """Return the drafts of all rules in the order of the packs."""
    drafts: dict[str, list[Draft]] = {rule.id: [] for rule, _ in policy.matrix}
    for rule in policy.applied:
        made = draft_attempted(rule, scene) + draft_untried(rule, scene)
        drafts[rule.rule.id] += made or [_not_applicable(rule.rule, "no two hosts of one group play these roles")]
    for idle in policy.idle:
        drafts[idle.rule.id].append(_not_applicable(idle.rule, idle.why))
    several = [draft for made in drafts.values() for draft in made]
    weigh_alternatives(several)
    return several


def _not_applicable(rule: Rule, why: str) -> Draft:
    return Draft(rule=rule, verdict=Verdict.NOT_APPLICABLE, initiator=NOBODY, responder=NOBODY, why=why)


def _ends(located: pl.DataFrame) -> pl.DataFrame:
    """Return each end of each flow: party, place, address, and whether it sent and was sent packets."""
    first = located.select(
        party="ini", place="ini_place", address="orig", sent=pl.lit(value=True), heard=pl.col("answered")
    )
    second = located.select(
        party="res", place="res_place", address="resp", sent=pl.col("answered"), heard=pl.lit(value=True)
    )
    return pl.concat([first, second]).filter(pl.col("party") >= 0)


def _senders(located: pl.DataFrame) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for party, address in _ends(located).filter("sent").select("party", "address").unique().iter_rows():
        found[party].add(address)
    return {party: frozenset(addresses) for party, addresses in found.items()}


def _coverage(located: pl.DataFrame) -> tuple[int, int]:
    """Return how many hosts of the site sent a packet, and how many of them were also sent one."""
    hosts = _ends(located).group_by("party", "place").agg(pl.col("sent").any(), pl.col("heard").any())
    return hosts.filter("sent").height, hosts.filter("sent", "heard").height


def _at_home(located: pl.DataFrame, directory: Directory) -> int | None:
    """Return the party whose loopback packets are in the capture, if it is named."""
    party = directory.capture_party
    if party is None or located.filter("local", pl.col("ini") == party).is_empty():
        return None
    return party


def _count(quiet: pl.DataFrame) -> tuple[InfrastructureNote, ...]:
    counted = quiet.group_by("service").len().sort("len", "service", descending=[True, False])
    return tuple(InfrastructureNote(service=service, flows=flows) for service, flows in counted.iter_rows())
