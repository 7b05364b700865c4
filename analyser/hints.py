"""What rule packs tell the reading stages before the first packet: ports, and what they suggest.

Knows rules and their ports. It must not know flows or sites; a port is a hint, never a proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analyser.model.flow import Transport
from analyser.model.rule import Rule, RulePack
from analyser.model.service import INSIDE_TLS, UNPUBLISHED, Service

Place = tuple[str, int]
"""Transport and responder port."""

REGISTERED: Final[Mapping[Place, str]] = {
    ("tcp", 80): "http",
    ("tcp", 443): "tls",
    ("tcp", 631): "ipp",
    ("tcp", 8080): "http",
    ("tcp", 8443): "tls",
    ("tcp", 9443): "tls",
}
"""Of several services that rules name for a port, the one it is registered for (IANA) or ends like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """Hints for the reading stages.

    ``responders``: ports at which responders are expected, per transport; ``guesses``: the service a port suggests;
    ``watch``: the class of packets to keep per port.
    """

    responders: dict[str, frozenset[int]]
    guesses: dict[Place, str]
    watch: dict[Place, str]


def hints(packs: Sequence[RulePack], watch: Mapping[Place, str], moved: Mapping[str, tuple[int, ...]]) -> Hints:
    """Return the hints of rule packs.

    ``watch`` names the ports of protocols where they usually are; ``moved`` gives, by rule id, the ports that a site's
    settings put in place of a rule's own: what holds for the usual port then holds for the moved one too.
    """
    responders: dict[str, set[int]] = {"tcp": set(), "udp": set()}
    words: dict[Place, set[str]] = {}
    watched = dict(watch)
    for pack in packs:
        for rule in pack.rules:
            if rule.transport is Transport.ANY:
                continue
            transport = rule.transport.value
            ports = moved.get(rule.id, rule.ports.listed)
            responders[transport].update(ports)
            for port in ports:
                words.setdefault((transport, port), set()).update(_suggested(rule))
            if ports != rule.ports.listed:
                kinds = {watch[transport, port] for port in rule.ports.listed if (transport, port) in watch}
                watched.update({(transport, port): kind for kind in kinds for port in ports})
        for traffic in pack.infrastructure:
            if traffic.transport in responders:
                responders[traffic.transport].update(traffic.ports)
            for port in traffic.ports:
                words.setdefault((traffic.transport, port), {traffic.service})
    return Hints(
        responders={transport: frozenset(ports) for transport, ports in responders.items()},
        guesses={place: word for place, found in words.items() if (word := _agreed(place, found)) is not None},
        watch=watched,
    )


def _suggested(rule: Rule) -> set[str]:
    """Return the services that a port of this rule may speak; unpublished ones need roles and are labelled later."""
    words = {Service.TLS.value if word in INSIDE_TLS else word for word in rule.service}
    return {word for word in words if word not in UNPUBLISHED and word != Service.OPAQUE}


def _agreed(place: Place, words: set[str]) -> str | None:
    """Return the one service that the rules of a port agree on, else the one it is registered for if a rule names it."""
    if len(words) == 1:
        return next(iter(words))
    registered = REGISTERED.get(place)
    return registered if registered in words else None
