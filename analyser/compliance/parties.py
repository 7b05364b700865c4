"""Who an address is: hosts, networks and virtual addresses of a site as parties, found once per address.

Knows the site's inventory and the shapes of addresses; knows no rules and no ports. An address belongs to its
host, else to the network that it stands for behind a router, else to the network of the longest prefix.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from analyser.compliance.addresses import canonical, is_loopback, is_multicast, number_of
from analyser.model.finding import Clients, End
from analyser.model.site import Group, Host, Network, Site

UNLISTED: Final = -1
"""The party of an address that the site does not name."""
CAST: Final = -2
"""The party of a multicast or broadcast address."""
LOOPBACK: Final = -3
"""The party of a loopback address of a machine that nobody named."""

_BROADCAST: Final = "255.255.255.255"


class Kind(StrEnum):
    """What a party is."""

    HOST = "host"
    NETWORK = "network"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One entry of the inventory. ``addresses``: of a host or a virtual party; of a network its prefix."""

    number: int
    kind: Kind
    name: str
    addresses: tuple[str, ...]
    roles: tuple[str, ...]
    vendor: str | None = None
    terminal: str | None = None
    group: str | None = None

    @property
    def is_network(self) -> bool:
        """Whether many clients stand behind this name."""
        return self.kind is Kind.NETWORK

    def end(self, address: str | None = None, clients: Clients | None = None) -> End:
        """Return this party as an end of a finding, at ``address`` or else at its first."""
        shown = self.addresses[0] if address is None and self.addresses else address
        return End(name=self.name, address=shown, roles=self.roles, clients=clients)

    def client(self, address: str) -> End:
        """Return one client of this network as an end: it has an address and the network's roles, but no name."""
        return End(name=None, address=address, roles=self.roles)


class Directory:
    """The parties of a site and the way from an address to its party.

    ``capture_host`` is the name or an address of the machine that captured, if known: loopback addresses are its own.
    """

    def __init__(self, site: Site, capture_host: str | None = None) -> None:
        self.parties: tuple[Party, ...] = tuple(_parties(site))
        self._hosts: dict[str, int] = {}
        self._prefixes: dict[tuple[int, int], dict[int, int]] = {}
        self._translated: dict[str, tuple[int, ...]] = {}
        self._broadcasts: set[str] = {_BROADCAST}
        for party in self.parties:
            if party.is_network:
                self._add_prefix(party)
            else:
                self._hosts.update({canonical(text): party.number for text in party.addresses})
        self._lengths = sorted(self._prefixes, reverse=True)
        self._broadcasts.update(self._guessed_broadcasts())
        members = {group.name: frozenset(group.members) for group in site.groups}
        self._members = {p.number: members[p.name] for p in self.parties if p.kind is Kind.VIRTUAL}
        names = {party.name: party.number for party in self.parties if party.is_network}
        for network in site.networks:
            for text in network.nat:
                key = canonical(text)
                self._translated[key] = (*self._translated.get(key, ()), names[network.name])
        self.probes = frozenset(canonical(text) for group in site.groups for text in (*group.probes, *group.virtual))
        self.checkers = frozenset(canonical(text) for group in site.groups for text in group.probes)
        self.capture_party, self.capture_address = self._find(capture_host)

    def _add_prefix(self, party: Party) -> None:
        prefix = ipaddress.ip_network(party.addresses[0], strict=False)
        shift = prefix.max_prefixlen - prefix.prefixlen
        table = self._prefixes.setdefault((prefix.prefixlen, prefix.version), {})
        table.setdefault(int(prefix.network_address) >> shift, party.number)
        if prefix.version == 4 and shift > 1:
            self._broadcasts.add(str(prefix.broadcast_address))

    def _guessed_broadcasts(self) -> set[str]:
        """Return the broadcast addresses of hosts in no network of the site: their prefix is taken to be a /24."""
        alone = [address for address in self._hosts if ":" not in address and self.segment(address) is None]
        return {f"{address.rpartition('.')[0]}.255" for address in alone} - set(self._hosts)

    def _find(self, wanted: str | None) -> tuple[int | None, str | None]:
        if wanted is None:
            return None, None
        for party in self.parties:
            if party.name == wanted and not party.is_network:
                return party.number, None
        number = self.owner(canonical(wanted))
        return (number, canonical(wanted)) if number >= 0 else (None, None)

    def owner(self, address: str) -> int:
        """Return the number of the party that ``address`` belongs to, or UNLISTED, CAST or LOOPBACK."""
        known = self._hosts.get(address)
        if known is not None:
            return known
        version, value = number_of(address)
        if version == 0:
            return UNLISTED
        if is_loopback(version, value):
            return LOOPBACK
        if is_multicast(version, value) or address in self._broadcasts:
            return CAST
        network = self._network(version, value)
        return UNLISTED if network is None else network

    def _network(self, version: int, value: int) -> int | None:
        bits = 32 if version == 4 else 128
        for length, family in self._lengths:
            if family == version:
                found = self._prefixes[length, family].get(value >> (bits - length))
                if found is not None:
                    return found
        return None

    def origins(self, address: str) -> tuple[int, ...]:
        """Return the networks that ``address`` stands for as an initiator (address translation), often none."""
        return () if address in self._hosts else self._translated.get(address, ())

    def concerns(self, address: str) -> bool:
        """Say whether ``address`` belongs to the site or stands for a part of it."""
        return self.owner(address) >= 0 or bool(self.origins(address))

    def place(self, party: int, address: str) -> str:
        """Return what tells one member of ``party`` from another: the address of a client, else nothing."""
        return address if party < 0 or self.parties[party].is_network else ""

    def behind(self, party: int) -> tuple[int, ...]:
        """Return the hosts that a virtual party stands for; none where it is not virtual."""
        if party < 0 or self.parties[party].kind is not Kind.VIRTUAL:
            return ()
        return tuple(one.number for one in self.parties if one.kind is Kind.HOST and one.name in self._members[party])

    def candidates(self, subject: int, others: frozenset[int]) -> frozenset[int]:
        """Return whom of ``others`` a subject may turn to: those of its group where the group has any, else all."""
        group = self.parties[subject].group
        same = frozenset(party for party in others if group is not None and self.parties[party].group == group)
        return same - {subject} or others - {subject}

    def segment(self, address: str) -> str | None:
        """Return the prefix of the site's network that ``address`` lies in, or None."""
        version, value = number_of(address)
        number = self._network(version, value) if version else None
        return None if number is None else self.parties[number].addresses[0]

    @cached_property
    def aliases(self) -> dict[str, frozenset[str]]:
        """Every address of a host with all addresses of that host."""
        found: dict[str, frozenset[str]] = {}
        for party in self.parties:
            if party.kind is Kind.HOST:
                together = frozenset(canonical(text) for text in party.addresses)
                found.update(dict.fromkeys(together, together))
        return found

    @cached_property
    def alike(self) -> dict[tuple[tuple[str, ...], str | None, str | None], tuple[int, ...]]:
        """Parties by roles, vendor and terminal: rules cannot tell more of them apart."""
        found: dict[tuple[tuple[str, ...], str | None, str | None], list[int]] = defaultdict(list)
        for party in self.parties:
            found[party.roles, party.vendor, party.terminal].append(party.number)
        return {kind: tuple(numbers) for kind, numbers in found.items()}

    def end(self, party: int, address: str) -> End:
        """Return the end of a finding for one address that counts for a party.

        A client of a network goes by its address alone, and so does an address that is not the party's own.
        """
        if party < 0:
            return End(name=None, address=address, roles=())
        member = self.parties[party]
        if member.is_network:
            return member.client(address)
        own = self._hosts.get(address) == party or is_loopback(*number_of(address))
        return member.end(address) if own else End(name=None, address=address, roles=())

    def names(self, party: int, address: str) -> frozenset[str]:
        """Return every name by which a waiver may call this end."""
        if party < 0:
            return frozenset({address})
        member = self.parties[party]
        return frozenset({member.name, address, *member.addresses})


def _parties(site: Site) -> Iterable[Party]:
    number = 0
    entries: tuple[Host | Network, ...] = (*site.hosts, *site.networks)
    for entry in entries:
        yield _listed(number, entry)
        number += 1
    hosts = {host.name: host for host in site.hosts}
    for group in site.groups:
        if group.virtual:
            yield _virtual(number, group, [hosts[name] for name in group.members if name in hosts])
            number += 1


def _listed(number: int, entry: Host | Network) -> Party:
    host = isinstance(entry, Host)
    return Party(
        number=number,
        kind=Kind.HOST if host else Kind.NETWORK,
        name=entry.name,
        addresses=entry.addresses if isinstance(entry, Host) else (entry.cidr,),
        roles=entry.roles,
        vendor=entry.vendor,
        terminal=entry.terminal,
        group=entry.group,
    )


def _virtual(number: int, group: Group, members: list[Host]) -> Party:
    """Return the party behind a group's virtual addresses: it plays the roles of all its members."""
    roles = dict.fromkeys(role for member in members for role in member.roles)
    return Party(
        number=number,
        kind=Kind.VIRTUAL,
        name=group.name,
        addresses=tuple(canonical(text) for text in group.virtual),
        roles=tuple(roles),
        group=group.name,
    )
