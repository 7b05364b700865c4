"""What a rule asked for and nobody was seen to try: missing, unused, or not to be seen from here.

Knows applied rules, the scene and which subjects have already been drafted; the silence of a capture proves
something only where the capture would have shown the attempt, which the judge of ports decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from analyser.compliance.applying import Applied
from analyser.compliance.drafts import Draft, Scene, Side, written
from analyser.compliance.parties import CAST, LOOPBACK, Kind
from analyser.compliance.ports import decide
from analyser.model.finding import End, PortFinding, PortState

_SAME_MACHINE = "both ends are on one machine, whose loopback this capture does not show"
_ONE_MACHINE = "both ends are on one machine, and need not use the network for it"
_TRANSLATED = "an address outside the site uses this service: the initiator may be behind address translation"


def draft_untried(rule: Applied, scene: Scene) -> list[Draft]:
    """Return one draft per subject, pair of peers, or (``each``) pair of ends that nobody was seen to try."""
    if rule.local:
        return list(_local(rule, scene))
    if rule.peers:
        return list(_peers(rule, scene))
    reached = _reached(rule, scene)
    return [draft for subject in _real(rule.subjects, scene) for draft in _for_subject(rule, subject, reached, scene)]


def _real(parties: Iterable[int], scene: Scene) -> list[int]:
    """Return hosts and networks in the order of the site; virtual addresses need nothing themselves."""
    return [party for party in sorted(parties) if scene.directory.parties[party].kind is not Kind.VIRTUAL]


def _reached(rule: Applied, scene: Scene) -> dict[int, set[int]]:
    """Return whom each subject talked to, itself or through a virtual address.

    The subject CAST stands for all: what goes to a group goes to each.
    """
    found: dict[int, set[int]] = defaultdict(set)
    for ini, res in {(talk.ini, talk.res) for talk in scene.talks.get(rule.number, ())}:
        subject, other = (ini, res) if rule.subject_is_initiator else (res, ini)
        for party in (subject, *scene.directory.behind(subject)):
            found[party].add(other)
    return found


def _for_subject(rule: Applied, subject: int, talked: Mapping[int, set[int]], scene: Scene) -> Iterable[Draft]:
    candidates = scene.directory.candidates(subject, rule.others)
    reached = talked.get(subject, set()) & (candidates | {CAST, subject}) | ({CAST} if CAST in talked else set())
    if rule.rule.each:
        stood_for = {
            scene.directory.parties[party].group for party in reached if party >= 0 and _is_virtual(party, scene)
        }
        for other in _real(candidates - reached - {subject}, scene):
            if scene.directory.parties[other].group is None or scene.directory.parties[other].group not in stood_for:
                yield _missed(rule, subject, [other], scene.whole(other), scene)
        return
    if reached:
        return
    if subject in rule.others and not rule.cast:
        yield _on_one_machine(rule, subject, scene)
    else:
        roles = rule.rule.responder if rule.subject_is_initiator else rule.rule.initiator
        yield _missed(rule, subject, sorted(candidates), _nobody(rule, roles), scene)


def _is_virtual(party: int, scene: Scene) -> bool:
    return scene.directory.parties[party].kind is Kind.VIRTUAL


def _nobody(rule: Applied, roles: tuple[str, ...]) -> Side:
    if rule.destination is None:
        return written(roles)
    return Side(end=End(name=rule.rule.id, address=rule.destination, roles=()), key=rule.destination, names=frozenset())


def _missed(rule: Applied, subject: int, others: Sequence[int], other: Side, scene: Scene) -> Draft:
    """Return the draft of a subject that was seen to try none of ``others``."""
    mine = scene.whole(subject)
    near = scene.addresses(subject)
    far = [address for party in others for address in scene.addresses(party)]
    first = rule.subject_is_initiator
    initiators, responders = (near, far) if first else (far, near)
    announced = {
        port
        for party in others
        for port in scene.unkept.get((rule.number, subject, party) if first else (rule.number, party, subject), ())
    }
    ports: Sequence[int | None] = rule.ports or sorted(announced) or (None,)
    findings = [scene.absent(rule, initiators, responders, port) for port in ports]
    if any((rule.number, party) in scene.translated for party in ((*others,) if first else (subject,))):
        findings = [_unseen(finding, _TRANSLATED) for finding in findings]
    return _draft(rule, findings, mine if first else other, other if first else mine, {subject})


def _unseen(finding: PortFinding, why: str) -> PortFinding:
    return replace(finding, state=PortState.NOT_OBSERVABLE, cause=None, detail=why)


def _draft(
    rule: Applied, findings: Sequence[PortFinding], initiator: Side, responder: Side, subjects: Iterable[int]
) -> Draft:
    return Draft(
        rule=rule.rule,
        verdict=decide(findings, rule.rule.requirement, every=rule.every).verdict,
        initiator=initiator,
        responder=responder,
        ports=tuple(findings),
        subjects=frozenset((party, "") for party in subjects),
    )


def _on_one_machine(rule: Applied, party: int, scene: Scene) -> Draft:
    """Return the draft of a host that may be talking to itself.

    Only a row about loopback can be missing there, where the loopback of this host was captured: any other row may
    be settled inside the machine in ways that no capture shows.
    """
    side, shown = scene.whole(party), scene.at_home == party
    ports: Sequence[int | None] = rule.ports or (None,)
    addresses = scene.addresses(party)
    findings = [scene.absent(rule, addresses, addresses, port) for port in ports]
    if not (shown and rule.local):
        findings = [_unseen(finding, _ONE_MACHINE if shown else _SAME_MACHINE) for finding in findings]
    draft = _draft(rule, findings, side, side, {party})
    draft.uncounted = not shown
    return draft


def _local(rule: Applied, scene: Scene) -> Iterable[Draft]:
    """Return drafts of the machines whose own loopback this row is about."""
    talks = scene.talks.get(rule.number, ())
    seen = {talk.ini for talk in talks}
    parties = [party for party in _real(rule.initiators, scene) if party not in seen]
    if LOOPBACK in seen and len(parties) == 1:
        return
    for party in parties:
        yield _on_one_machine(rule, party, scene)


def _peers(rule: Applied, scene: Scene) -> Iterable[Draft]:
    """Return drafts of pairs of one group of which neither was seen to open to the other."""
    talked: set[frozenset[int]] = {frozenset({talk.ini, talk.res}) for talk in scene.talks.get(rule.number, ())}
    groups: dict[str | None, list[int]] = defaultdict(list)
    for party in _real(rule.initiators, scene):
        groups[scene.directory.parties[party].group].append(party)
    for group, members in groups.items():
        standing_in = [
            party
            for party in rule.initiators
            if _is_virtual(party, scene) and scene.directory.parties[party].group == group
        ]
        for one, two in combinations(members, 2):
            stood_for = any(frozenset({end, virtual}) in talked for end in (one, two) for virtual in standing_in)
            if frozenset({one, two}) in talked or stood_for:
                continue
            # Either may open to the other.
            either = [*scene.addresses(one), *scene.addresses(two)]
            ports: Sequence[int | None] = rule.ports or (None,)
            findings = [scene.absent(rule, either, either, port) for port in ports]
            if any((rule.number, party) in scene.translated for party in (one, two)):
                findings = [_unseen(finding, _TRANSLATED) for finding in findings]
            yield _draft(rule, findings, scene.whole(one), scene.whole(two), {one, two})
