"""Verdicts of pairs that were seen to talk: of hosts pair by pair, of networks as a whole and client by client.

Knows talks and the scene; what nobody tried is the business of ``untried``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from analyser.compliance.applying import Applied
from analyser.compliance.drafts import Draft, Scene, Side, Subject, written
from analyser.compliance.parties import CAST
from analyser.compliance.ports import (
    Decision,
    Outline,
    best_client,
    decide,
    merge_clients,
    was_tried,
    worst_first,
    worst_verdict,
)
from analyser.compliance.talks import Talk
from analyser.model.finding import FAILING_VERDICTS, Clients, End, PortFinding, Verdict

Decided = tuple[tuple[Outline, ...], int, Decision]
"""The ports to list, how many more there are, and what they mean."""


def draft_attempted(rule: Applied, scene: Scene) -> list[Draft]:
    """Return one draft per pair of hosts and address family, one per network, and one per failing client."""
    pairs: dict[tuple[int, str, int, str], list[Talk]] = defaultdict(list)
    networks: dict[tuple[int, int | None, str], list[Talk]] = defaultdict(list)
    networks_of: dict[tuple[int, int], int | None] = {}
    for talk in scene.talks.get(rule.number, ()):
        ends = (talk.ini, talk.res)
        if ends not in networks_of:
            networks_of[ends] = network_of(rule, talk, scene)
        network = networks_of[ends]
        if network is None:
            pairs[talk.ini, talk.ini_place, talk.res, talk.res_place].append(talk)
        else:
            networks[network, *_kept_apart(rule, talk, network)].append(talk)
    drafts = [draft for talks in pairs.values() for draft in _draft_pair(rule, talks, scene)]
    for (network, _, _), talks in networks.items():
        drafts += _draft_network(rule, network, talks, scene)
    return drafts


def subject_end(rule: Applied, talk: Talk) -> Subject:
    """Return the end of a talk that needs the other one."""
    return (talk.ini, talk.ini_place) if rule.subject_is_initiator else (talk.res, talk.res_place)


def other_end(rule: Applied, talk: Talk) -> Subject:
    """Return the end of a talk that the subject needs."""
    return (talk.res, talk.res_place) if rule.subject_is_initiator else (talk.ini, talk.ini_place)


def network_of(rule: Applied, talk: Talk, scene: Scene) -> int | None:
    """Return the network that a talk is counted for: the subject's, else the other end's, else None."""
    for party, _ in (subject_end(rule, talk), other_end(rule, talk)):
        if party >= 0 and scene.directory.parties[party].is_network:
            return party
    return None


def _kept_apart(rule: Applied, talk: Talk, network: int) -> tuple[int | None, str]:
    """Return the other end where it tells entries of ``network`` apart: one that is the subject, or a peer."""
    if subject_end(rule, talk)[0] != network:
        return subject_end(rule, talk)
    return other_end(rule, talk) if rule.peers else (None, "")


def _draft_pair(rule: Applied, talks: Sequence[Talk], scene: Scene) -> Iterable[Draft]:
    """Return a draft per address family. A port that only the other family used is not missed in this one."""
    families = sorted({talk.family for talk in talks})
    used = {family: _ports([talk for talk in talks if talk.family == family]) for family in families}
    anywhere = {port for ports in used.values() for port in ports}
    for family in families:
        mine = [talk for talk in talks if talk.family == family]
        first = min(mine, key=lambda talk: talk.started)
        known = rule.every and family == families[0] and not anywhere.isdisjoint(rule.ports)
        missed = [port for port in rule.ports if port not in anywhere] if known else []
        ports = dict(used[family])
        ports.update({port: Outline.of(scene.absent(rule, [first.orig], [first.resp], port)) for port in missed})
        listed, more, decision = _decide(rule, ports, mine, scene)
        subjects = _subjects(rule, first, scene)
        yield Draft(
            rule=rule.rule,
            verdict=decision.verdict,
            initiator=_side(rule, first, scene, initiator=True),
            responder=_side(rule, first, scene, initiator=False),
            family=family,
            ports=_told(listed),
            more_ports=more,
            subjects=subjects,
            helped=subjects if decision.verdict is Verdict.SATISFIED else frozenset(),
            tried=True,
            lesser=decision.lesser,
        )


def _subjects(rule: Applied, talk: Talk, scene: Scene) -> frozenset[Subject]:
    """Return who needed this talk: its subject, or both peers; every subject that a group address stands for."""
    if rule.peers:
        return frozenset({(talk.ini, talk.ini_place), (talk.res, talk.res_place)})
    if CAST in (talk.res, talk.ini) and not rule.subject_is_initiator:
        return frozenset((party, "") for party in rule.subjects)
    subject = subject_end(rule, talk)
    return frozenset({subject}) | {(member, "") for member in scene.directory.behind(subject[0])}


def _side(rule: Applied, talk: Talk, scene: Scene, *, initiator: bool) -> Side:
    party, address = (talk.ini, talk.orig) if initiator else (talk.res, talk.resp)
    if party == CAST:
        return Side(end=End(name=rule.rule.id, address=address, roles=()), key=address, names=frozenset({address}))
    return scene.member(party, address, rule.rule.initiator if initiator else rule.rule.responder)


def _told(ports: Iterable[Outline]) -> tuple[PortFinding, ...]:
    return tuple(port.tell() for port in ports)


def _ports(talks: Iterable[Talk]) -> dict[int, Outline]:
    """Return the ports of talks between the same ends; what is proved goes before what is only attributed."""
    ports: dict[int, Outline] = {}
    for talk in sorted(talks, key=lambda talk: talk.uncertain):
        for port, finding in talk.ports.items():
            ports.setdefault(port, finding)
    return ports


def _decide(rule: Applied, ports: Mapping[int, Outline], talks: Iterable[Talk], scene: Scene) -> Decided:
    """Return what ports mean for a rule; ``ports`` stay as they are."""
    if not rule.negotiated:
        return _with_objects(rule, ports)
    several, ports = list(talks), dict(ports)
    proved = [ports[port] for port in ports if any(port in talk.ports for talk in several if not talk.uncertain)]
    for ini, res in {(talk.ini, talk.res) for talk in several}:
        for port in scene.unkept.get((rule.number, ini, res), ()):
            ports.setdefault(port, Outline.of(scene.absent(rule, [several[0].orig], [several[0].resp], port)))
    shown, more = worst_first(ports.values())
    if not proved:
        return shown, more, Decision(verdict=Verdict.INCONCLUSIVE)
    return shown, more, decide(proved, rule.rule.requirement, every=True)


def _with_objects(rule: Applied, ports: Mapping[int, Outline]) -> Decided:
    """Return what the rule's own ports mean, and those of objects out of reach: it needs each that its registry named."""
    own = [ports[port] for port in rule.ports if port in ports]
    decision = decide(own, rule.rule.requirement, every=rule.every) if own else None
    objects = [ports[port] for port in ports if port not in rule.ports]
    if decision is not None and not objects:
        return tuple(own), 0, decision
    shown, more = worst_first(objects)
    named = decide(objects, rule.rule.requirement, every=True)
    if decision is None:
        return shown, more, named
    worst = worst_verdict([decision.verdict, named.verdict]) or decision.verdict
    return (*own, *shown), more, Decision(verdict=worst, lesser=decision.lesser)


def _draft_network(rule: Applied, network: int, talks: Sequence[Talk], scene: Scene) -> list[Draft]:
    """Return the draft of a network, then one for each client and other end between which something fails."""
    by_client: dict[str, list[Talk]] = defaultdict(list)
    for talk in talks:
        by_client[_client(talk, network)].append(talk)
    shapes = {id(talk): _shape(talk) for talk in talks}
    fared_alone = _all_fared(rule, [[talk] for talk in talks], shapes, scene)
    failing = [
        draft
        for talk, verdict in zip(talks, fared_alone, strict=True)
        if verdict in FAILING_VERDICTS and (draft := _draft_client(rule, talk, scene)) is not None
    ]
    fared = dict(zip(by_client, _all_fared(rule, by_client.values(), shapes, scene), strict=True))
    opened = frozenset((network, client) for client, verdict in fared.items() if verdict is Verdict.SATISFIED)
    clients = Clients(
        seen=len(scene.senders.get(network, frozenset()) | set(by_client)),
        open=len(opened),
        failed=sum(verdict in FAILING_VERDICTS for verdict in fared.values()),
    )
    ports = {port: merge_clients(findings) for port, findings in _by_port(talks).items()}
    first = talks[0]
    if rule.every:
        missed = [port for port in rule.ports if port not in ports]
        ports.update({port: Outline.of(scene.absent(rule, [first.orig], [first.resp], port)) for port in missed})
    listed, more, decision = _decide(rule, ports, talks, scene)
    decision = _of_clients(decision, fared.values())
    initiates = first.ini == network and (rule.subject_is_initiator or first.res != network)
    mine, other = scene.whole(network, clients), _other_side(rule, talks, scene, initiator=not initiates)
    satisfied = decision.verdict is Verdict.SATISFIED
    subjects = frozenset(subject_end(rule, talk) for talk in talks)
    helped = subjects if satisfied else frozenset()
    if subject_end(rule, first)[0] == network:
        subjects |= {(network, "")}
        helped = opened | {(network, "")} if satisfied else opened
    whole = Draft(
        rule=rule.rule,
        verdict=decision.verdict,
        initiator=mine if initiates else other,
        responder=other if initiates else mine,
        ports=_told(listed),
        more_ports=more,
        subjects=subjects,
        helped=helped,
        tried=True,
        lesser=decision.lesser,
        carried=bool(failing) and decision.verdict in FAILING_VERDICTS,
    )
    return [whole, *failing]


def _of_clients(decision: Decision, fared: Collection[Verdict]) -> Decision:
    """Return the decision over merged ports as far as single clients bear it.

    One client for whom the rule is satisfied is enough. Ports that different clients show open are enough as well,
    unless a client fails and none is satisfied: then the worst client decides.
    """
    if Verdict.SATISFIED in fared:
        return decision if decision.verdict is Verdict.SATISFIED else Decision(verdict=Verdict.SATISFIED)
    failing = worst_verdict(FAILING_VERDICTS.intersection(fared))
    return decision if failing is None or decision.verdict is not Verdict.SATISFIED else Decision(verdict=failing)


def _client(talk: Talk, network: int) -> str:
    """Return the address of the client of ``network``; between two of its clients, the one that opened."""
    return talk.ini_place if talk.ini == network else talk.res_place


def _by_port(talks: Sequence[Talk]) -> dict[int, list[Outline]]:
    found: dict[int, list[Outline]] = defaultdict(list)
    for talk in talks:
        for port, finding in talk.ports.items():
            found[port].append(finding)
    return found


def _shape(talk: Talk) -> tuple[object, ...]:
    """Return all of a talk that decides how its client fared."""
    return talk.uncertain, *[(port, outline.state) for port, outline in talk.ports.items()]


def _all_fared(
    rule: Applied, clients: Iterable[Sequence[Talk]], shapes: Mapping[int, tuple[object, ...]], scene: Scene
) -> list[Verdict]:
    """Return what the talks of each client mean. Most fare alike: talks of the same ``shapes`` (by ``id``) are decided once."""
    known: dict[tuple[object, ...], Verdict] = {}
    fared = []
    for talks in clients:
        alike = tuple([shapes[id(talk)] for talk in talks])
        if alike not in known:
            known[alike] = _fared(rule, talks, scene)
        fared.append(known[alike])
    return fared


def _fared(rule: Applied, talks: Sequence[Talk], scene: Scene) -> Verdict:
    """Return what the talks of one client mean, each port as it worked best."""
    ports = {port: best_client(findings) for port, findings in _by_port(talks).items()}
    return _decide(rule, ports, talks, scene)[2].verdict


def _other_side(rule: Applied, talks: Sequence[Talk], scene: Scene, *, initiator: bool) -> Side:
    """Return the other end of a network's talks: by name where it is one, else by the rule's words."""
    ends = {(talk.ini, talk.ini_place) if initiator else (talk.res, talk.res_place) for talk in talks}
    if len(ends) == 1:
        return _side(rule, min(talks, key=lambda talk: talk.started), scene, initiator=initiator)
    return written(rule.rule.initiator if initiator else rule.rule.responder)


def _draft_client(rule: Applied, talk: Talk, scene: Scene) -> Draft | None:
    """Return the draft of one client that fails, or None where nothing listed was tried."""
    listed, more, decision = _decide(rule, talk.ports, [talk], scene)
    if not any(was_tried(finding) for finding in listed):
        return None
    return Draft(
        rule=rule.rule,
        verdict=decision.verdict,
        initiator=_side(rule, talk, scene, initiator=True),
        responder=_side(rule, talk, scene, initiator=False),
        family=talk.family,
        ports=_told(listed),
        more_ports=more,
        subjects=frozenset({subject_end(rule, talk)}),
        tried=True,
    )
