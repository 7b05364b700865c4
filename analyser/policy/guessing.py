"""Which roles the addresses of a capture probably play, told by the ports of the matrix that they use.

A port that only one role opens, or listens on, is proof enough for a proposal; a port of several roles is decided
by who the other end is, and else by the commoner role. Nothing here judges traffic.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from analyser.model.rule import Requirement, Rule, RulePack, Scope
from analyser.model.vocabulary import ROLES, SHORT_NAMES, host_matches

CLIENT: Final = ("workstation-client",)
"""Features under which a workstation may be any part of the client."""

_SOME_SERVER: Final = "server"
_COMMON: Final = ("mfd", "workstation", "spooler-controller", "management", "flexispooler", "terminal-server")
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What one address asked another: ``initiator`` opened ``transport``/``port`` of ``responder``."""

    initiator: str
    responder: str
    transport: str
    port: int
    answered: bool


@dataclass(slots=True, kw_only=True)
class Guess:
    """What one address seems to be. ``sure``: a port that no other role has said so. ``because``: those ports."""

    address: str
    roles: list[str] = field(default_factory=list)
    sure: bool = False
    vendor: str | None = None
    terminal: str | None = None
    because: list[str] = field(default_factory=list)


def guess_roles(talks: Sequence[Talk], packs: Iterable[RulePack]) -> dict[str, Guess]:
    """Return a guess for every address of ``talks``; its ``roles`` are empty where nothing speaks for one."""
    offers = _offers(packs)
    guesses: dict[str, Guess] = {}
    for talk in talks:
        for address in (talk.initiator, talk.responder):
            guesses.setdefault(address, Guess(address=address))
    for _ in range(_ROUNDS):
        for talk in talks:
            rules = _fitting(offers.get((talk.transport, talk.port), ()), talk, guesses)
            _learn(guesses[talk.responder], _candidates(rules, "responder"), f"answers {_name(talk)}", talk.answered)
            _learn(guesses[talk.initiator], _candidates(rules, "initiator"), f"opens {_name(talk)}", talk.answered)
    _settle(talks, offers, guesses)
    _know_devices(talks, offers, guesses)
    for guess in guesses.values():
        guess.roles.sort(key=ROLES.index)
    return guesses


def is_unicast(address: str) -> bool:
    """Tell whether ``address`` can be one machine's on a network."""
    try:
        value = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (value.is_multicast or value.is_loopback or value.is_unspecified or value.is_link_local) and (
        address != "255.255.255.255"
    )


def _offers(packs: Iterable[RulePack]) -> dict[tuple[str, int], tuple[Rule, ...]]:
    """Return which rules speak of a port, those between two machines only."""
    offers: dict[tuple[str, int], list[Rule]] = defaultdict(list)
    for rule in (rule for pack in packs for rule in pack.rules):
        if rule.scope is Scope.NETWORK and rule.requirement is not Requirement.FORBIDDEN:
            for port in rule.ports.listed:
                offers[rule.transport, port].append(rule)
    return {key: tuple(rules) for key, rules in offers.items()}


def _fitting(rules: Sequence[Rule], talk: Talk, guesses: Mapping[str, Guess]) -> list[Rule]:
    """Return those of ``rules`` that agree with what is already known of both ends."""
    initiator, responder = guesses[talk.initiator], guesses[talk.responder]
    return [
        rule
        for rule in rules
        if (not initiator.roles or _may_be(rule.initiator, initiator.roles))
        and (not responder.roles or _may_be(rule.responder, responder.roles))
    ] or [rule for rule in rules if not initiator.roles or _may_be(rule.initiator, initiator.roles)]


def _may_be(written: tuple[str, ...], roles: list[str]) -> bool:
    return host_matches(written, tuple(roles), CLIENT)


def _candidates(rules: Iterable[Rule], end: str) -> set[str]:
    found: set[str] = set()
    for rule in rules:
        for word in rule.initiator if end == "initiator" else rule.responder:
            role, _, capacity = word.partition("@")
            if capacity == "workstation":
                found.add("workstation")
            elif role == "server" or role in SHORT_NAMES:
                found.add(_SOME_SERVER)
            else:
                found.add(role)
    return found


def _learn(guess: Guess, candidates: set[str], reason: str, answered: bool) -> None:
    """Take a role that is the only candidate; an unanswered question proves nothing about a stranger."""
    if len(candidates) != 1 or _SOME_SERVER in candidates:
        return
    role = next(iter(candidates))
    if role not in guess.roles and (answered or not guess.roles):
        guess.roles.append(role)
        guess.sure = guess.sure or answered
        guess.because.append(reason)


def _settle(
    talks: Sequence[Talk], offers: Mapping[tuple[str, int], tuple[Rule, ...]], guesses: Mapping[str, Guess]
) -> None:
    """Give those that are still nothing the commonest role that their traffic allows."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, list[str]] = defaultdict(list)
    for talk in talks:
        if not talk.answered:
            continue
        rules = _fitting(offers.get((talk.transport, talk.port), ()), talk, guesses)
        for address, end, verb in ((talk.responder, "responder", "answers"), (talk.initiator, "initiator", "opens")):
            if not guesses[address].roles and rules:
                votes[address].update(_candidates(rules, end) - {_SOME_SERVER})
                reasons[address].append(f"{verb} {_name(talk)}")
    for address, counted in votes.items():
        if counted:
            most = max(counted.values())
            tied = [role for role in (*_COMMON, *ROLES) if counted[role] == most]
            guesses[address].roles.append(tied[0])
            guesses[address].because += dict.fromkeys(reasons[address])


def _know_devices(
    talks: Sequence[Talk], offers: Mapping[tuple[str, int], tuple[Rule, ...]], guesses: Mapping[str, Guess]
) -> None:
    """Find the vendor and the terminal of devices: what every rule of some port asks for."""
    vendors: dict[str, set[str]] = defaultdict(set)
    for talk in talks:
        rules = _fitting(offers.get((talk.transport, talk.port), ()), talk, guesses)
        for address, responding in ((talk.responder, True), (talk.initiator, False)):
            if not rules or guesses[address].roles != ["mfd"]:
                continue
            asked = {
                value for r in rules for value in (r.when.responder_vendor if responding else r.when.initiator_vendor)
            }
            terminals = [r.when.responder_terminal if responding else r.when.initiator_terminal for r in rules]
            if all(terminals):
                guesses[address].terminal = "embedded"
            if len(asked) == 1 and all(terminals):
                vendors[address] |= asked
    for address, names in vendors.items():
        if len(names) == 1:
            guesses[address].vendor = next(iter(names))


def _name(talk: Talk) -> str:
    return f"{talk.transport.upper()} {talk.port}"
