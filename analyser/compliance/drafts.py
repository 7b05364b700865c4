"""Verdicts before they are weighed and worded, and the scene that they are drawn from.

Knows rules, parties, talks and the judge of ports; sentences, severities, waivers and ids come later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from analyser.compliance.applying import Applied
from analyser.compliance.attempts.judge import Judge
from analyser.compliance.parties import Directory
from analyser.compliance.talks import Talk, demand_of
from analyser.model.finding import Clients, End, PortFinding, Verdict
from analyser.model.rule import Rule

Subject = tuple[int, str]
"""A party, and the address of one client where the party is a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One end of a draft: as shown, as it goes into the id, and every name that a waiver may use for it."""

    end: End | None
    key: str
    names: frozenset[str]


NOBODY = Side(end=None, key="", names=frozenset())


@dataclass(slots=True, kw_only=True)
class Draft:
    """One verdict in the making.

    ``subjects`` need the rule, ``helped`` are those for whom it is satisfied. ``tried``: an attempt was seen.
    ``lesser``: an alternative fails beside one that works. ``carried``: the entries of single clients carry the
    severity. ``uncounted``: about loopback that no wire shows. ``why`` says what no port finding can say.
    """

    rule: Rule
    verdict: Verdict
    initiator: Side
    responder: Side
    family: str = ""
    ports: tuple[PortFinding, ...] = ()
    more_ports: int = 0
    subjects: frozenset[Subject] = frozenset()
    helped: frozenset[Subject] = frozenset()
    tried: bool = False
    lesser: bool = False
    carried: bool = False
    uncounted: bool = False
    why: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What all expectations of one site look at.

    ``talks`` by rule number. ``senders``: addresses of each party that sent a packet. ``translated``: rule numbers
    and responders that an unlisted address, perhaps a translated one, talked to. ``unkept``: announced ports that
    nobody tried, by rule number, initiator and responder. ``at_home``: the party whose loopback was captured.
    """

    directory: Directory
    judge: Judge
    talks: Mapping[int, Sequence[Talk]]
    senders: Mapping[int, frozenset[str]]
    translated: frozenset[tuple[int, int]]
    unkept: Mapping[tuple[int, int, int], tuple[int, ...]]
    at_home: int | None

    def member(self, party: int, address: str, roles: tuple[str, ...] = ()) -> Side:
        """Return one address that plays a part for ``party`` as a side; ``roles`` where no party has it."""
        end = self.directory.end(party, address)
        if end.name is None and not end.roles:
            end = End(name=None, address=address, roles=roles)
        return Side(end=end, key=end.name or address, names=self.directory.names(party, address))

    def whole(self, party: int, clients: Clients | None = None) -> Side:
        """Return a party as a side: a host at its first address, a network with its prefix and its clients.

        ``clients`` None: none of those that were seen tried anything.
        """
        member = self.directory.parties[party]
        if member.is_network and clients is None:
            clients = Clients(seen=len(self.senders.get(party, ())), open=0, failed=0)
        return Side(end=member.end(clients=clients), key=member.name, names=frozenset({member.name, *member.addresses}))

    def addresses(self, party: int) -> list[str]:
        """Return the addresses of a host, or those of a network's clients that were seen."""
        member = self.directory.parties[party]
        return sorted(self.senders.get(party, frozenset())) if member.is_network else list(member.addresses)

    def absent(
        self, rule: Applied, initiators: Sequence[str], responders: Sequence[str], port: int | None
    ) -> PortFinding:
        """Return what it means that these initiators never tried ``port`` of these responders."""
        key = (rule.number, tuple(initiators), tuple(responders), port)
        if key not in self._absences:
            self._absences[key] = self.judge.absent(initiators, responders, demand_of(rule, port))
        return self._absences[key]

    @cached_property
    def _absences(self) -> dict[object, PortFinding]:
        return {}


def written(roles: tuple[str, ...]) -> Side:
    """Return the side of a role that nobody was seen to play: only the rule's words."""
    return Side(end=End(name=None, address=None, roles=roles), key="", names=frozenset())
