"""Flows that no rule can ask about, summed up portion by portion, so that the others fit into memory.

A scan of millions of ports is one entry of a report. Here its flows are judged and counted while they are at hand, and
let go; what is left is judged by ``check`` as any capture is. Knows located flows, rules' ports and the tally.

What two addresses said to each other must come in one portion. Set aside are TCP flows and datagrams of services that
nobody knows, as far as they count for no rule, between addresses that stand for one host each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from analyser.compliance.applying import apply_rules
from analyser.compliance.attempts.judge import Judge
from analyser.compliance.attempts.table import icmp_facts
from analyser.compliance.attempts.vantage import Vantage, said_by_icmp
from analyser.compliance.coverage import Covered
from analyser.compliance.identity import Ids
from analyser.compliance.locating import locate, shared_origins
from analyser.compliance.matching import match_ports
from analyser.compliance.negotiated import announcing_rule
from analyser.compliance.parties import CAST, LOOPBACK, Directory
from analyser.compliance.unexpected.bench import Bench
from analyser.compliance.unexpected.groups import group_unexpected
from analyser.compliance.unexpected.infrastructure import name_infrastructure
from analyser.compliance.unexpected.reasons import Reasons
from analyser.compliance.unexpected.tally import Tally
from analyser.compliance.unexpected.translation import find_translated
from analyser.compliance.waivers import Waivers
from analyser.model.rule import RulePack
from analyser.model.service import Service
from analyser.model.site import Site
from analyser.tables import Observed

_GROUP: Final = ("ini", "ini_place", "res", "res_place", "proto", "port")
_PAIR: Final = ("orig", "resp")
_NO_ONE: Final = pl.Series("serial", [], pl.UInt64)


def icmp_said(observed: Observed) -> pl.DataFrame:
    """Return who sent ICMP errors about the flows of a portion to whom, for ``Observed.icmp_said``."""
    return said_by_icmp(observed.flows, icmp_facts(observed))


class Sifter:
    """Sets aside what no rule asks about; ``tally`` and ``covered`` then tell of it."""

    def __init__(
        self,
        observed: Observed,
        packs: Sequence[RulePack],
        site: Site,
        directory: Directory,
        elsewhere: pl.DataFrame | None = None,
    ) -> None:
        """Take what is known of the whole capture.

        ``observed`` has its sights and no flows. ``elsewhere`` are PROMISES of ports at other addresses than the control
        flow's: flows to these are not set aside.
        """
        self.tally = Tally()
        self.covered = Covered()
        self._packs = packs
        self._site = site
        self._elsewhere = elsewhere
        self._directory = directory
        policy = apply_rules(packs, site, directory)
        self._vantage = Vantage(observed, directory.aliases, directory.segment, icmp_facts(observed))
        self._reasons = Reasons(policy, directory, site)
        controls = {announcing_rule(rule) for rule in policy.applied if rule.negotiated}
        # a registry names objects of which no rule knows the port
        announcing = [rule for rule in policy.applied if rule.rule.id in controls or Service.RMI in rule.rule.service]
        self._control_ports = sorted({port for rule in announcing for port in rule.ports})
        self._applied = policy.applied
        assert observed.sights is not None
        self._askers = _askers(observed.sights, directory)
        self._many_faced = [party.number for party in directory.parties if len(party.addresses) > 1]

    def sift(self, portion: Observed) -> pl.DataFrame:
        """Take a portion of all flows; return the flows of it that rules may ask about."""
        located = locate(portion.flows, self._directory)
        aside = self._aside(located)
        away = located.join(aside, on="serial", how="semi")
        if away.is_empty():
            return portion.flows
        directory = self._directory
        judge = Judge(
            portion,
            aliases=directory.aliases,
            network_of=directory.segment,
            probes=directory.probes,
            vantage=self._vantage,
        )
        rest = self.covered.add(away)
        quiet = name_infrastructure(
            rest, away, judge.states, self._packs, self._site, directory, self._reasons.matrix_ports
        )
        self.covered.add_quiet(quiet)
        bench = Bench(
            directory=directory,
            judge=judge,
            reasons=self._reasons,
            waivers=Waivers((), dt.date.min),
            ids=Ids(),
        )
        group_unexpected(rest.join(quiet, on="serial", how="anti"), judge.states, _NO_ONE, self.tally, bench)
        return portion.flows.join(aside, on="serial", how="anti", maintain_order="left")

    def _aside(self, located: pl.DataFrame) -> pl.DataFrame:
        """Return the serials of flows that are set aside: whole groups of them, or none of a group."""
        ends = pl.col("ini").is_in([CAST, LOOPBACK]) | pl.col("res").is_in([CAST, LOOPBACK])
        shared = pl.col("ini").is_in(self._many_faced) | pl.col("res").is_in(self._many_faced)
        asked = match_ports(located, self._applied, shared_origins(self._directory, located))
        perhaps = find_translated(located, self._applied, self._directory.probes, located)
        wanted = pl.concat([asked["serial"], perhaps["serial"]]).unique()
        strange = (
            (pl.col("proto") == "udp")
            & pl.col("service").is_null()
            & ~pl.any_horizontal(pl.col(name).is_in(self._askers) for name in _PAIR)
        )
        plain = located.filter(
            (pl.col("proto") == "tcp") | strange,
            ~pl.col("local"),
            ~ends,
            ~shared,
            ~pl.col("serial").is_in(wanted.implode()),
        )
        controlled = located.filter(
            pl.col("port").is_in(self._control_ports) | pl.col("source").cast(pl.Int32).is_in(self._control_ports),
            pl.col("payload") > 0,
        )
        pairs = pl.concat([controlled.select(_PAIR).unique(), controlled.select(orig="resp", resp="orig").unique()])
        plain = plain.join(pairs, on=_PAIR, how="anti")
        if self._elsewhere is not None:
            announced = self._elsewhere.select(orig="initiator", resp="announced", port=pl.col("port").cast(pl.Int32))
            plain = plain.join(announced.unique(), on=["orig", "resp", "port"], how="anti")
        held = located.join(plain, on="serial", how="anti")
        return plain.join(held.select(_GROUP).unique(), on=_GROUP, how="anti").select("serial")


def _askers(sights: pl.DataFrame, directory: Directory) -> list[str]:
    """Return who spoke to a group address: what comes back from anywhere may be an answer to that."""
    targets = sights["id.resp_h"].unique().to_list()
    groups = [address for address in targets if directory.owner(address) == CAST]
    return sights.filter(pl.col("id.resp_h").is_in(groups))["id.orig_h"].unique().to_list()


def whole_view(observed: Observed, sights: Sequence[pl.DataFrame], said: Sequence[pl.DataFrame]) -> Observed:
    """Return ``observed`` with what all portions together show of who spoke to whom."""
    return replace(observed, sights=pl.concat(sights).unique(), icmp_said=pl.concat(said).unique())
