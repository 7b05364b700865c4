"""Which features a site has when its file does not say: those that its roles give away, and no other.

Knows the vocabulary and the inventory; conditions of rules that these features meet are judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyser.model.site import Host, Network
from analyser.model.vocabulary import FEATURES, is_server

_OF_ROLE: Final[dict[str, str]] = {
    "workstation": "workstation-client",
    "mfd": "online-accounting",
    "payment": "payment",
    "mig": "mobile-integration-gateway",
    "mobile-print": "mobile-print",
    "ldap": "ldap-sync",
    "mail": "email",
    "entra-id": "entra-id",
    "terminal-pro-4": "infrastructure-service",
    "hardware-appliance": "infrastructure-service",
}
"""Features that one role is enough for."""


def derived_features(hosts: Sequence[Host], networks: Sequence[Network]) -> tuple[str, ...]:
    """Return the features that a site with this inventory has, in the order of the vocabulary.

    ``server-spooling``: devices, and a server that is a FlexiSpooler. ``etcd`` and ``management-etcd``: etcd beside
    a Terminal Server, beside a Management Service. ``management-cluster``: two Management Services.
    ``remote-wps``: a Workflow Processing System on a machine that has no Terminal Server.
    """
    everyone = [frozenset(host.roles) for host in hosts] + [frozenset(network.roles) for network in networks]
    present = {role for roles in everyone for role in roles}
    found = {feature for role, feature in _OF_ROLE.items() if role in present}
    if "mfd" in present and any(is_server(roles) and "flexispooler" in roles for roles in everyone):
        found.add("server-spooling")
    if any({"etcd", "terminal-server"} <= roles for roles in everyone):
        found.add("etcd")
    if any({"etcd", "management"} <= roles for roles in everyone):
        found.add("management-etcd")
    if sum("management" in host.roles for host in hosts) > 1:
        found.add("management-cluster")
    if any("wps" in roles and "terminal-server" not in roles for roles in everyone):
        found.add("remote-wps")
    return tuple(feature for feature in FEATURES if feature in found)
