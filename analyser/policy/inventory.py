"""The machines of a site file: its ``[[host]]``, ``[[network]]`` and ``[[group]]`` tables to model.

Knows addresses and names, and that each belongs to one place only.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analyser.model.site import Group, Host, Network
from analyser.model.vocabulary import ROLES, SHORT_NAMES, TERMINALS, VENDORS, expand_roles
from analyser.policy.document import Fields
from analyser.policy.issues import shown, unknown

_ROLE_WORDS = (*ROLES, *SHORT_NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Hosts (their groups filled in), networks and groups of one site."""

    hosts: tuple[Host, ...]
    networks: tuple[Network, ...]
    groups: tuple[Group, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What a waiver may call an end."""
        return (*(host.name for host in self.hosts), *(network.name for network in self.networks))


def read_inventory(root: Fields) -> Inventory:
    """Return the inventory written in the root table of a site file; mistakes are noted in its document."""
    register = _Register()
    hosts = [_host(fields, register) for fields in root.tables("host")]
    networks = [_network(fields, register) for fields in root.tables("network")]
    groups_of = {host.name: host.group for host in hosts}
    groups = [_group(fields, register, groups_of) for fields in root.tables("group")]
    register.check_groups([group.name for group in groups])
    membership = {member: group.name for group in groups for member in group.members}
    declared = {group.name: group for group in groups}
    settled = []
    for host in hosts:
        name = membership.get(host.name, host.group)
        settled.append(replace(host, group=name))
        group = declared.get(name or "")
        if group is not None and host.name not in group.members:
            declared[group.name] = replace(group, members=(*group.members, host.name))
    return Inventory(hosts=tuple(settled), networks=tuple(networks), groups=tuple(declared.values()))


class _Register:
    """Who has which name, address and prefix, and where that was written first."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], tuple[str, Fields]] = {}
        self.groups: dict[str, list[Fields]] = {}

    def claim(self, kind: str, what: str, owner: str, fields: Fields, key: str) -> None:
        """Note that ``owner`` has ``what``, or complain that somebody else has it already."""
        other, place = self._owners.setdefault((kind, what), (owner, fields))
        if place.path != fields.path:
            use = "is already used" if other == what else f"already belongs to {shown(other)}"
            fields.complain(key, f"{kind} {shown(what)} {use} in line {place.line}")

    def join(self, fields: Fields) -> str | None:
        """Return the group that a host or network says it is in."""
        group = fields.text("group")
        if group is not None:
            self.groups.setdefault(group, []).append(fields)
        return group

    def check_groups(self, declared: Sequence[str]) -> None:
        """Complain about a group that only one member knows and whose name resembles another's: a slip of the pen."""
        for name, members in self.groups.items():
            others = [other for other in dict.fromkeys((*declared, *self.groups)) if other != name]
            if name not in declared and len(members) == 1 and difflib.get_close_matches(name, others, cutoff=0.8):
                members[0].complain("group", unknown("group", name, others))


def _host(fields: Fields, register: _Register) -> Host:
    name = _name(fields, register)
    addresses = _addresses(fields, "addresses", required=True)
    for address in addresses:
        register.claim("address", address, name, fields, "addresses")
    roles, vendor, terminal = _device(fields)
    group = register.join(fields)
    fields.finish()
    return Host(name=name, addresses=addresses, roles=roles, vendor=vendor, terminal=terminal, group=group)


def _network(fields: Fields, register: _Register) -> Network:
    name = _name(fields, register)
    cidr = _prefix(fields)
    if cidr:
        register.claim("prefix", cidr, name, fields, "cidr")
    nat = _addresses(fields, "nat")
    roles, vendor, terminal = _device(fields)
    group = register.join(fields)
    fields.finish()
    return Network(name=name, cidr=cidr, roles=roles, vendor=vendor, terminal=terminal, group=group, nat=nat)


def _group(fields: Fields, register: _Register, groups_of: Mapping[str, str | None]) -> Group:
    name = fields.text("name", required=True) or ""
    if name:
        register.claim("name", name, name, fields, "name")
    members = fields.texts("members", required=True, known=tuple(groups_of), kind="host") or ()
    for member in members:
        register.claim("member", member, name, fields, "members")
        own = groups_of.get(member)
        if own is not None and own != name:
            fields.complain("members", f"{shown(member)} says itself that its group is {shown(own)}")
    virtual = _addresses(fields, "virtual")
    for address in virtual:
        register.claim("address", address, name, fields, "virtual")
    probes = _addresses(fields, "probes")
    fields.finish()
    return Group(name=name, members=members, virtual=virtual, probes=probes)


def _name(fields: Fields, register: _Register) -> str:
    name = fields.text("name", required=True) or ""
    if name:
        register.claim("name", name, name, fields, "name")
    return name


def _device(fields: Fields) -> tuple[tuple[str, ...], str | None, str | None]:
    words = fields.texts("roles", required=True, known=_ROLE_WORDS, kind="role")
    if words == ():
        fields.complain("roles", "expected at least one role")
    roles = expand_roles(words or ())
    vendor = fields.text("vendor", known=VENDORS)
    terminal = fields.text("terminal", known=TERMINALS)
    if words and "mfd" not in roles:
        for key, value in (("vendor", vendor), ("terminal", terminal)):
            if value is not None:
                fields.complain(key, f"belongs to a device with the role mfd; here are {', '.join(roles)}")
    return roles, vendor, terminal


def _addresses(fields: Fields, key: str, *, required: bool = False) -> tuple[str, ...]:
    words = fields.texts(key, required=required)
    if words == ():
        fields.complain(key, "expected at least one address")
    found: dict[str, None] = {}
    for word in words or ():
        address = read_address(word)
        if address is None:
            hint = "; a range of addresses is a [[network]]" if "/" in word else ""
            fields.complain(key, f"expected an IPv4 or IPv6 address, found {shown(word)}{hint}")
        elif address in found:
            fields.complain(key, f"address {address} stands here twice")
        else:
            found[address] = None
    return tuple(found)


def read_address(word: str) -> str | None:
    """Return an address as the flow table writes it (IPv4 mapped into IPv6 as IPv4), or None if it is none."""
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        return str(address.ipv4_mapped or address)
    return str(address)


def _prefix(fields: Fields) -> str:
    word = fields.text("cidr", required=True)
    if word is None:
        return ""
    try:
        wide = ipaddress.ip_network(word, strict=False)
    except ValueError:
        fields.complain("cidr", f"expected a prefix such as 203.0.113.0/24, found {shown(word)}")
        return ""
    try:
        ipaddress.ip_network(word)
    except ValueError:
        fields.complain("cidr", f"{shown(word)} has bits beyond its prefix; did you mean {str(wide)!r}?")
    return str(wide)
