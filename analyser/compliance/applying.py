"""Which rules ask something of a site: conditions, roles and settings, without looking at any traffic.

Knows rules, the site's features and the directory of its parties. A rule that does not apply says why in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyser.compliance.addresses import canonical
from analyser.compliance.parties import Directory, Kind
from analyser.model.rule import Requirement, Rule, RulePack, Scope, When
from analyser.model.site import Site
from analyser.model.vocabulary import device_matches, host_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A rule as one site has it.

    ``ports`` after settings, in the order of the page; none for a negotiated range. ``every``: each of them is
    needed, not one of them. ``destination``: the group address that a setting gives. ``initiators`` and
    ``responders`` are party numbers. ``local``: only inside one host. ``peers``: one role on both ends, so that
    either may open. ``cast``: packets to a group address count.
    """

    number: int
    rule: Rule
    ports: tuple[int, ...]
    every: bool
    destination: str | None
    initiators: frozenset[int]
    responders: frozenset[int]
    local: bool
    peers: bool
    cast: bool

    @property
    def negotiated(self) -> bool:
        """Whether the port is announced in another flow."""
        return self.rule.ports.negotiated_by is not None

    @property
    def subjects(self) -> frozenset[int]:
        """The parties each of which needs one of :attr:`others`."""
        return self.initiators if self.subject_is_initiator else self.responders

    @property
    def others(self) -> frozenset[int]:
        """The parties at the other end."""
        return self.responders if self.subject_is_initiator else self.initiators

    @property
    def subject_is_initiator(self) -> bool:
        """Whether the end that needs the other one is the one that opens."""
        return self.rule.subject == "initiator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A rule that asks nothing of this site. ``why`` completes "does not apply: …"."""

    rule: Rule
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of all packs as one site has them, in the order of the packs; ``forbidden`` give no verdict.

    ``matrix`` are all rules with the ports that this site's settings give them, whether they apply or not.
    """

    applied: tuple[Applied, ...]
    idle: tuple[Idle, ...]
    forbidden: tuple[Rule, ...]
    matrix: tuple[tuple[Rule, tuple[int, ...]], ...]


def apply_rules(packs: Sequence[RulePack], site: Site, directory: Directory) -> Policy:
    """Return what the rules of ``packs`` ask of ``site``."""
    applied: list[Applied] = []
    idle: list[Idle] = []
    forbidden: list[Rule] = []
    matrix: list[tuple[Rule, tuple[int, ...]]] = []
    for rule in (rule for pack in packs for rule in pack.rules):
        ports, destination = _ports(rule, site)
        if rule.requirement is Requirement.FORBIDDEN:
            forbidden.append(rule)
            continue
        matrix.append((rule, ports))
        made = _apply(rule, site, directory, ports, destination, len(applied))
        if isinstance(made, Applied):
            applied.append(made)
        else:
            idle.append(made)
    return Policy(applied=tuple(applied), idle=tuple(idle), forbidden=tuple(forbidden), matrix=tuple(matrix))


def players(rule: Rule, end: str, directory: Directory, site: Site) -> frozenset[int]:
    """Return the parties that can stand at ``end`` ("initiator", "responder") of ``rule``, by role and kind of device."""
    written = rule.initiator if end == "initiator" else rule.responder
    return frozenset(
        party
        for (roles, vendor, terminal), alike in directory.alike.items()
        if host_matches(written, roles, site.features)
        and device_matches(rule.when, end, written, roles, vendor, terminal)
        for party in alike
    )


def _apply(
    rule: Rule, site: Site, directory: Directory, ports: tuple[int, ...], destination: str | None, number: int
) -> Applied | Idle:
    why = _unmet(rule.when, site)
    if why is None and rule.setting and not ports and rule.ports.negotiated_by is None:
        why = f"the site does not set {rule.setting}"
    if why is not None:
        return Idle(rule=rule, why=why)
    initiators = players(rule, "initiator", directory, site)
    responders = players(rule, "responder", directory, site)
    local = rule.scope is Scope.LOCALHOST and (rule.opened_by is None or rule.opened_by not in site.features)
    if local:
        initiators = responders = initiators & responders
    cast = rule.one_way or rule.scope in (Scope.MULTICAST, Scope.SUBNET)
    peers = _same_role(rule) and not cast and not local
    why = _unpeopled(rule, initiators, responders, directory, local=local, peers=peers)
    if why is not None:
        return Idle(rule=rule, why=why)
    return Applied(
        number=number,
        rule=rule,
        ports=ports,
        every=rule.ports.all is not None,
        destination=destination,
        initiators=initiators,
        responders=responders,
        local=local,
        peers=peers,
        cast=cast,
    )


def _same_role(rule: Rule) -> bool:
    """Tell whether servers of one role talk among themselves; workstations are clients even of one another."""
    return set(rule.initiator) == set(rule.responder) and not any("workstation" in word for word in rule.initiator)


def _unpeopled(
    rule: Rule,
    initiators: frozenset[int],
    responders: frozenset[int],
    directory: Directory,
    *,
    local: bool,
    peers: bool,
) -> str | None:
    """Return which role nobody plays, or None. A virtual address alone plays nothing: its members do."""
    real = frozenset(party.number for party in directory.parties if party.kind is not Kind.VIRTUAL)
    if local and not initiators & real:
        return f"no host of the site is both {_either(rule.initiator)} and {_either(rule.responder)}"
    for written, players, end in (
        (rule.initiator, initiators, "initiator"),
        (rule.responder, responders, "responder"),
    ):
        if not players & real:
            return f"no host or network of the site is {_either(written)}{_of_kind(rule.when, end)}"
    if peers and len(initiators & real) == 1 and not directory.parties[min(initiators & real)].is_network:
        return f"only one host of the site is {_either(rule.initiator)}"
    return None


def _either(words: tuple[str, ...]) -> str:
    return " or ".join(words) if len(words) <= 3 else f"{', '.join(words[:2])} or the like"


def _of_kind(when: When, end: str) -> str:
    vendors = when.initiator_vendor if end == "initiator" else when.responder_vendor
    terminals = when.initiator_terminal if end == "initiator" else when.responder_terminal
    without = when.initiator_not_vendor if end == "initiator" else when.responder_not_vendor
    parts = []
    if vendors:
        parts.append(f"vendor {' or '.join(vendors)}")
    if terminals:
        parts.append(f"terminal {' or '.join(terminals)}")
    if without:
        parts.append(f"vendor other than {' or '.join(without)}")
    return f" with {', '.join(parts)}" if parts else ""


def _unmet(when: When, site: Site) -> str | None:
    if when.feature and not set(when.feature) & set(site.features):
        return f"the site does not list the feature {' or '.join(when.feature)}"
    if when.build_from is not None and (site.build is None or _version(site.build) < _version(when.build_from)):
        return f"the site's build is not known to be {when.build_from} or later"
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in text.split("."))


def _ports(rule: Rule, site: Site) -> tuple[tuple[int, ...], str | None]:
    """Return the ports of a rule under the site's settings, and the group address where a setting names one."""
    value = site.settings.get(rule.setting) if rule.setting else None
    if value is None:
        return rule.ports.listed, None
    address, separator, port = str(value).rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        return rule.ports.listed, None
    return (int(port),), canonical(address.strip("[]")) if separator else None
