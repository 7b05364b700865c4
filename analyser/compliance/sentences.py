"""One plain sentence for every finding: the rule, both ends, the ports, and why.

Knows drafts and words; the clause for the state of a single port comes from ``wording``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from analyser.compliance.attempts.wording import explain_state, place_of, remedy
from analyser.compliance.drafts import Draft
from analyser.compliance.ports import is_failing, was_tried
from analyser.model.finding import FAILING_VERDICTS, End, PortFinding, PortState, Scan, UnexpectedReason, Verdict
from analyser.model.rule import Rule
from analyser.model.site import Waiver

_MOST_LISTED: Final = 6


def tell_verdict(draft: Draft) -> str:
    """Return the sentence of a verdict."""
    subject = f"{draft.rule.title}: "
    if draft.verdict is Verdict.NOT_APPLICABLE:
        return f"{subject}does not apply here, {draft.why}."
    ends = f"{name_end(draft.initiator.end)} → {name_end(draft.responder.end)}"
    return f"{subject}{ends}: {_tell_ports(draft)}."


def _tell_ports(draft: Draft) -> str:
    ports = draft.ports
    if draft.verdict is Verdict.SATISFIED:
        works = f"{name_ports(finding for finding in ports if finding.state is PortState.OPEN)} works"
        failing = [finding for finding in ports if is_failing(finding)]
        return f"{works}; beside it {_explain(failing)}" if failing else works
    if draft.verdict is Verdict.MISSING:
        return _tell_missing(draft)
    if draft.verdict is Verdict.UNUSED:
        reason = f" ({draft.why})" if draft.why else ""
        return f"{_name_announced(ports)} was not used{reason}"
    if draft.verdict is Verdict.INCONCLUSIVE:
        doubtful = [finding for finding in ports if finding.state is not PortState.OPEN]
        if not doubtful:
            return f"{name_ports(ports)} open, but not proved to belong to this rule" + (
                f" ({ports[0].detail})" if ports and ports[0].detail else ""
            )
        unseen = doubtful[0].state is PortState.NOT_OBSERVABLE and doubtful[0].detail
        return f"{name_ports(doubtful)} cannot be judged, {unseen or _explain_one(doubtful[0])}"
    wrong = [finding for finding in ports if is_failing(finding)]
    return _explain(wrong) if wrong else f"{name_ports(ports)} works for some, but not all of it for any one client"


def _tell_missing(draft: Draft) -> str:
    untried = [finding for finding in draft.ports if not was_tried(finding)]
    text = f"{_name_announced(untried)} not attempted"
    if draft.tried:
        working = [finding for finding in draft.ports if finding.state is PortState.OPEN]
        text += f" beside {name_ports(working)}, and the rule needs each of them" if working else ""
    detail = next((finding.detail for finding in untried if finding.detail), None)
    return f"{text} ({detail})" if detail else text


def _explain(findings: Sequence[PortFinding]) -> str:
    """Return what is wrong, ports of one state and cause together."""
    kinds: dict[tuple[str, str | None], list[PortFinding]] = {}
    for finding in findings:
        kinds.setdefault((finding.state, finding.cause), []).append(finding)
    return "; ".join(f"{name_ports(several)} {_say_state(several[0])}" for several in kinds.values())


def _say_state(finding: PortFinding) -> str:
    """Return the state and why, without saying the state twice."""
    state, why = finding.state.replace("-", " "), _explain_one(finding)
    return why if why.startswith(state) else f"{state}, {why}"


def tell_unexpected(
    reason: UnexpectedReason,
    initiator: End,
    responder: End | None,
    finding: PortFinding,
    nearest: Rule | None,
    *,
    unmet: str | None = None,
    mimic: bool = False,
    scan: Scan | None = None,
) -> str:
    """Return the sentence of flows that no rule explains.

    ``unmet``: why the nearest rule, whose ends they have, does not apply. ``mimic``: they look like traffic of a rule, from an address that may stand for clients of the site.
    """
    if scan is not None:
        goal = name_end(responder) if responder is not None else _count(scan.hosts, "host")
        touched = _count(scan.ports, "port") if scan.ports != 1 else name_ports([finding])
        return (
            f"{name_end(initiator)} reached for {touched} of {goal}, which looks like a scan; "
            f"the furthest it came: {name_ports([finding])} {_state(finding)}."
        )
    why = REASON_WORDS[reason]
    if mimic:
        why = "this address is not in the site, possibly translated: if it stands for a network, name it there as nat"
    if unmet is not None:
        why = f"the matrix has this port between these two, but here {unmet}"
    rule = f" (nearest: {nearest.title})" if nearest is not None else ""
    return f"{name_end(initiator)} → {name_end(responder)}, {name_ports([finding])}: {why}{rule}; {_state(finding)}."


def add_expired(sentence: str, expired: Sequence[Waiver]) -> str:
    """Return ``sentence`` with a word on the waivers that covered the finding until they ran out."""
    notes = "".join(f" Waiver {waiver.id} expired on {waiver.expires}." for waiver in expired)
    return f"{sentence}{notes}"


def _state(finding: PortFinding) -> str:
    if finding.state is PortState.OPEN:
        return "got through"
    return _say_state(finding)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _explain_one(finding: PortFinding) -> str:
    return explain_state(finding).rstrip(".")


def name_end(end: End | None) -> str:
    """Return an end as a person knows it: name and address, else the address, else its roles."""
    if end is None:
        return "nobody"
    if end.name is not None and end.address is not None:
        return f"{end.name} ({end.address})"
    if end.address is not None:
        return end.address
    return f"any {' or '.join(end.roles[:3])}" if end.roles else "anyone"


def name_ports(findings: Iterable[PortFinding]) -> str:
    """Return ports as "TCP 80, 443", or the transport alone where no port is known."""
    several = list(findings)
    transport = several[0].transport.upper() if several else "port"
    numbers = sorted({finding.port for finding in several if finding.port is not None})
    shown = ", ".join(str(number) for number in numbers[:_MOST_LISTED])
    more = f" and {len(numbers) - _MOST_LISTED} more" if len(numbers) > _MOST_LISTED else ""
    return f"{transport} {shown}{more}" if numbers else transport


def advise(draft: Draft) -> str | None:
    """Return what to do about a verdict: one advice for each kind of fault, with all its ports, or None."""
    initiator, responder = draft.initiator.end, draft.responder.end
    if initiator is None or responder is None or initiator.address is None or responder.address is None:
        return None
    kinds: dict[tuple[object, ...], list[PortFinding]] = {}
    for finding in draft.ports:
        if is_failing(finding):
            kinds.setdefault((finding.state, finding.cause, finding.by), []).append(finding)
    told: dict[str, None] = {}
    for several in kinds.values():
        text = remedy(several[0], initiator.address, responder.address)
        if text is not None:
            told[text.replace(place_of(several[0]), name_ports(several), 1)] = None
    return "; ".join(told) or None


def _name_announced(findings: Sequence[PortFinding]) -> str:
    """Return ports that nobody tried; where none was announced, that."""
    unknown = all(finding.port is None for finding in findings)
    return f"{name_ports(findings)}, of which no port was announced," if unknown else name_ports(findings)


def failing_ports(draft: Draft) -> list[PortFinding]:
    """Return the ports that a draft is about: those that fail, or those that nobody tried."""
    if draft.verdict in FAILING_VERDICTS or draft.verdict is Verdict.SATISFIED:
        return [finding for finding in draft.ports if is_failing(finding)]
    if draft.verdict in (Verdict.MISSING, Verdict.UNUSED):
        return [finding for finding in draft.ports if not was_tried(finding)]
    return [finding for finding in draft.ports if finding.state is not PortState.OPEN]


REASON_WORDS: Final[dict[UnexpectedReason, str]] = {
    UnexpectedReason.LOCALHOST_ONLY: "this port is meant for the machine itself, and another one reached for it",
    UnexpectedReason.INTO_WORKSTATION: "nothing of the print system opens connections into a workstation",
    UnexpectedReason.OUTSIDE_SITE: "one end is not in the site",
    UnexpectedReason.UNANNOUNCED_DYNAMIC_PORT: "a data port that no control connection in this capture announced",
    UnexpectedReason.WRONG_DIRECTION: "the matrix has this port the other way round",
    UnexpectedReason.WRONG_ROLE: "the matrix has this port, but not between these two",
    UnexpectedReason.NOT_IN_MATRIX: "the matrix knows nothing of this port",
}
"""Why a flow is unexpected, as a clause."""
