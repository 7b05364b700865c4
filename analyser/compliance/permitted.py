"""What a network has to let through for a site: every rule that applies, as permits between addresses.

Knows rules, sites and who may turn to whom; no traffic and no firewall. Rows inside one machine need no network. Packets to a
group or to everybody stay in their subnet, or need what no filter says (multicast routing): they are left out, and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from analyser.compliance.applying import Applied, apply_rules
from analyser.compliance.parties import Directory, Party
from analyser.model.permit import Permit
from analyser.model.rule import Rule, RulePack
from analyser.model.site import Site


def permits(packs: Sequence[RulePack], site: Site) -> tuple[list[Permit], list[Rule]]:
    """Return what has to be let through, in the order of the packs, and the rules of which no filter can tell.

    Each subject of a rule is let to everyone whom it may turn to: the hosts of its group with their virtual addresses, else all
    that play the role. The addresses that a network is translated to count as its own.
    """
    directory = Directory(site)
    translated = {network.name: network.nat for network in site.networks}
    found: list[Permit] = []
    left_out: list[Rule] = []
    for rule in apply_rules(packs, site, directory).applied:
        if rule.local:
            continue
        if rule.cast:
            left_out.append(rule.rule)
            continue
        pairs = _merged(_pairs(rule, directory))
        for number, (initiators, responders) in enumerate(pairs, 1):
            found.append(
                Permit(
                    name=_name(rule.rule) if len(pairs) == 1 else f"{_name(rule.rule)}-{number}",
                    title=rule.rule.title,
                    transport=rule.rule.transport.value,
                    ports=_ports(rule),
                    initiators=_addresses(initiators, translated),
                    responders=_addresses(responders, {}),
                    announced=rule.negotiated,
                )
            )
    return found, left_out


def _name(rule: Rule) -> str:
    """Return a rule's name without its pack: sections may use one name twice."""
    return rule.id.split("/", 1)[1].replace("/", "-")


def _ports(rule: Applied) -> tuple[tuple[int, int], ...]:
    if rule.ports:
        return tuple((port, port) for port in sorted(set(rule.ports)))
    return (rule.rule.ports.range,) if rule.rule.ports.range is not None else ()


Parties = tuple[Party, ...]


def _pairs(rule: Applied, directory: Directory) -> Iterator[tuple[Parties, Parties]]:
    """Give whom each subject has to reach or be reached by."""
    for subject in sorted(rule.subjects):
        others = directory.candidates(subject, rule.others)
        party = directory.parties[subject]
        far = tuple(
            directory.parties[other]
            for other in sorted(others)
            if not _same(party, directory.parties[other], directory)
        )
        if far:
            yield ((party,), far) if rule.subject_is_initiator else (far, (party,))


def _same(one: Party, other: Party, directory: Directory) -> bool:
    """Say whether two parties are one machine: a virtual address and the only host behind it."""
    return directory.behind(one.number) == (other.number,) or directory.behind(other.number) == (one.number,)


def _merged(pairs: Iterable[tuple[Parties, Parties]]) -> list[tuple[Parties, Parties]]:
    """Return pairs with the same other end as one."""
    by_responders: dict[Parties, dict[Party, None]] = {}
    for initiators, responders in pairs:
        by_responders.setdefault(responders, {}).update(dict.fromkeys(initiators))
    by_initiators: dict[Parties, dict[Party, None]] = {}
    for far, near in by_responders.items():
        by_initiators.setdefault(tuple(near), {}).update(dict.fromkeys(far))
    return [(initiators, tuple(responders)) for initiators, responders in by_initiators.items()]


def _addresses(parties: Parties, translated: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(text for party in parties for text in (*party.addresses, *translated.get(party.name, ())))
    )
