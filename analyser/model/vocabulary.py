"""The words of sites and rules: roles, short names, vendors, terminals, features, and how written roles are read.

Knows which host answers to a role as a rule writes it, and which device a condition of a rule means. Knows
no file, no rule pack and no traffic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyser.model.rule import When

ROLES: Final[tuple[str, ...]] = (
    "management",
    "spooler-controller",
    "terminal-server",
    "flexispooler",
    "desktop-interface",
    "windows-spooler",
    "mig",
    "mobile-print",
    "payment",
    "payment-machine",
    "wps",
    "ims",
    "ims-proxy",
    "etcd",
    "management-installer",
    "workstation",
    "administrator",
    "mobile-client",
    "mfd",
    "terminal-professional",
    "terminal-ultralight",
    "terminal-pro-4",
    "mobile-terminal",
    "hardware-appliance",
    "ldap",
    "mail",
    "mssql",
    "entra-id",
)
"""Every role that a host or a network can have."""

SHORT_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "site-server": ("spooler-controller", "terminal-server", "flexispooler", "wps", "ims-proxy"),
    "management-server": ("management", "spooler-controller", "flexispooler", "wps", "ims"),
}
"""Names that stand for a set of roles: all of them in a host, any of them in a rule."""

SERVER_ROLES: Final[frozenset[str]] = frozenset({"management", "spooler-controller", "terminal-server", "flexispooler"})
"""A host with any of these is a ``server``, unless it is a workstation."""

CLIENT_ROLES: Final[frozenset[str]] = frozenset({"flexispooler", "desktop-interface", "windows-spooler"})
"""The parts of the workstation client: with the feature ``workstation-client`` every workstation has them."""

CAPACITIES: Final[frozenset[str]] = frozenset({"server", "workstation", "terminal-server", "management"})
"""What may follow the ``@`` of a written role: the kind of host on which the role is played."""

VENDORS: Final[tuple[str, ...]] = (
    "ricoh",
    "konica-minolta",
    "xerox",
    "fuji-xerox",
    "sharp",
    "toshiba",
    "samsung",
    "lexmark",
    "hp",
    "epson",
)

TERMINALS: Final[tuple[str, ...]] = ("embedded", "native", "none")

FEATURES: Final[tuple[str, ...]] = (
    "workstation-client",
    "server-spooling",
    "client-spooling",
    "flexispooler-shared-folder",
    "print-raw",
    "print-ipp",
    "print-lpr",
    "print-encryption",
    "terminal-discovery",
    "online-accounting",
    "ftp-scanning",
    "smtp-scanning",
    "webdav-scanning",
    "smb-scanning",
    "time-service",
    "payment",
    "infrastructure-service",
    "management-cluster",
    "load-balancing",
    "near-roaming-tcp",
    "near-roaming-multicast",
    "job-roaming",
    "mobile-integration-gateway",
    "mobile-print",
    "etcd",
    "management-etcd",
    "remote-wps",
    "ldap-sync",
    "email",
    "mssql-named-instance",
    "entra-id",
    "remote-jmx",
)


def expand_roles(written: Iterable[str]) -> tuple[str, ...]:
    """Return a host's roles with short names replaced by the roles they stand for, each once, in order."""
    expanded: dict[str, None] = {}
    for word in written:
        for role in SHORT_NAMES.get(word, (word,)):
            expanded[role] = None
    return tuple(expanded)


def is_server(roles: Iterable[str]) -> bool:
    """Tell whether a host with these (expanded) roles is a ``server``: never when it is a workstation."""
    mine = frozenset(roles)
    return "workstation" not in mine and bool(mine & SERVER_ROLES)


def host_matches(written: tuple[str, ...], roles: tuple[str, ...], features: tuple[str, ...]) -> bool:
    """Tell whether a host or network can stand at an end of a rule.

    ``written`` are the end's roles as the rule has them, any of which is enough; ``roles`` the expanded
    roles of the host; ``features`` those of the site. A word may be a role, a short name (any of its roles,
    never on a workstation), ``server``, or ``role@capacity``: ``@workstation`` and ``@server`` say on which
    kind of machine, ``@terminal-server`` and ``@management`` beside which other role.
    """
    mine = frozenset(roles)
    on_workstation = "workstation" in mine
    if on_workstation and "workstation-client" in features:
        mine |= CLIENT_ROLES
    return any(_word_matches(word, mine, on_workstation=on_workstation) for word in written)


def _word_matches(word: str, roles: frozenset[str], *, on_workstation: bool) -> bool:
    role, _, capacity = word.partition("@")
    if capacity == "workstation":
        return on_workstation and role in roles
    if capacity and capacity != "server" and capacity not in roles:
        return False
    if role == "server":
        return not on_workstation and not roles.isdisjoint(SERVER_ROLES)
    if role in SHORT_NAMES:
        return not on_workstation and not roles.isdisjoint(SHORT_NAMES[role])
    if capacity == "server" and on_workstation:
        return False
    return role in roles


def device_matches(
    when: When, end: str, written: tuple[str, ...], roles: tuple[str, ...], vendor: str | None, terminal: str | None
) -> bool:
    """Tell whether a host that plays its role at ``end`` also is the kind of device that the rule's condition means.

    ``end`` is ``"initiator"`` or ``"responder"``. Vendor and terminal are properties of an ``mfd``: a host that
    stands at the end in another of the ``written`` roles (a hardware terminal, say) is not asked for them.
    """
    if "mfd" not in roles or any(word != "mfd" and word in roles for word in written):
        return True
    if end == "initiator":
        vendors, terminals = when.initiator_vendor, when.initiator_terminal
        without, not_native = when.initiator_not_vendor, when.initiator_not_native_vendor
    else:
        vendors, terminals = when.responder_vendor, when.responder_terminal
        without, not_native = when.responder_not_vendor, when.responder_not_native_vendor
    return (
        (not vendors or vendor in vendors)
        and (not terminals or terminal in terminals)
        and vendor not in without
        and not (terminal == "native" and vendor in not_native)
    )
