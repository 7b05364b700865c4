"""From what was observed to what it means for a site: the one door of this stage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from analyser.compliance.alternatives import weigh_alternatives
from analyser.compliance.applying import Policy, apply_rules
from analyser.compliance.attempted import draft_attempted
from analyser.compliance.attempts.judge import Judge
from analyser.compliance.cases.around import Around
from analyser.compliance.cases.names import Names
from analyser.compliance.cases.recognise import addresses_of, name_cases
from analyser.compliance.coverage import Covered
from analyser.compliance.drafts import NOBODY, Draft, Scene
from analyser.compliance.entries import make_entries
from analyser.compliance.identity import Ids
from analyser.compliance.judgement import Judgement
from analyser.compliance.locating import locate, shared_origins
from analyser.compliance.matching import match_ports
from analyser.compliance.negotiated import match_promises
from analyser.compliance.parties import Directory
from analyser.compliance.security import note_security
from analyser.compliance.sifting import Sifter
from analyser.compliance.talks import hold_talks
from analyser.compliance.unexpected.bench import Bench
from analyser.compliance.unexpected.groups import group_unexpected, report_unexpected
from analyser.compliance.unexpected.infrastructure import answers_to_groups, name_infrastructure
from analyser.compliance.unexpected.reasons import Reasons
from analyser.compliance.unexpected.tally import Tally
from analyser.compliance.unexpected.translation import find_translated
from analyser.compliance.untried import draft_untried
from analyser.compliance.waivers import Waivers
from analyser.model.case import Case
from analyser.model.finding import Verdict
from analyser.model.rule import Rule, RulePack
from analyser.model.site import Site
from analyser.tables import Observed


def judge_site(
    observed: Observed,
    packs: Sequence[RulePack],
    site: Site,
    *,
    cases: Sequence[Case] = (),
    today: dt.date | None = None,
    sifted: Sifter | None = None,
) -> Judgement:
    """Return verdicts and unexpected flows of ``site`` under ``packs``.

    ``cases`` are the known cases that findings may look like. ``today`` decides which waivers have run out; without it, the day on which the captures end. ``sifted`` has set aside
    the flows that ``observed`` lacks.
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
    noted = note_security(fits, observed.flows, policy.applied)
    covered = Covered()
    in_scope = covered.add(located)
    if sifted is not None:
        covered.add_all(sifted.covered)
    translated = find_translated(located, policy.applied, directory.probes, covered.stranger_targets)
    scene = Scene(
        directory=directory,
        judge=judge,
        talks=hold_talks(pl.concat([noted, announced.fits]), located, policy.applied, judge, announced.lines),
        senders=covered.senders,
        translated=frozenset(translated.select("number", "res").unique().iter_rows()),
        unkept=announced.unkept,
        at_home=_at_home(located, directory),
    )
    waivers = Waivers(site.waivers, today or dt.datetime.fromtimestamp(observed.ended / 1e9, tz=dt.UTC).date())
    ids = Ids()
    verdicts, uncounted = make_entries(_draft(policy, scene), waivers, ids)

    explained = pl.concat([fits["serial"], announced.explained, to_groups["serial"]]).unique()
    rest = in_scope.filter(~pl.col("serial").is_in(explained.implode()))
    reasons = Reasons(policy, directory, site)
    quiet = name_infrastructure(rest, located, states, packs, site, directory, reasons.matrix_ports)
    bench = Bench(directory=directory, judge=judge, reasons=reasons, waivers=waivers, ids=ids)
    covered.add_quiet(quiet)
    tally = Tally() if sifted is None else sifted.tally
    group_unexpected(rest.join(quiet, on="serial", how="anti"), states, translated["serial"], tally, bench)
    unexpected = report_unexpected(tally, bench)
    counted = pl.concat([fits["serial"], announced.explained]).unique()
    names = Names(observed, judge, directory, policy.applied, given=bool(site.path))
    around = Around(observed, judge, directory, names, counted, addresses_of((*verdicts, *unexpected), directory))
    seen, two_sided = covered.hosts
    return Judgement(
        verdicts=name_cases(verdicts, cases, directory, around),
        unexpected=name_cases(unexpected, cases, directory, around),
        infrastructure=covered.infrastructure,
        out_of_scope=covered.out_of_scope,
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


def _at_home(located: pl.DataFrame, directory: Directory) -> int | None:
    """Return the party whose loopback packets are in the capture, if it is named."""
    party = directory.capture_party
    if party is None or located.filter("local", pl.col("ini") == party).is_empty():
        return None
    return party
