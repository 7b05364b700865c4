"""The short facts of a finding: counts, times and names, one line for each ending of an attempt.

Knows numbers and words of one group of attempts; sentences about them are made in ``wording``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from analyser.compliance.attempts.outcomes import QUIET, Outcome
from analyser.model.service import Service

PROVEN_NOT: Final = "port open, protocol unproven"
OWN_FIREWALL: Final = "its own firewall"
ENCRYPTED: Final = "encrypted, application not visible"
OTHER_COMMUNITY: Final = "community?"
"""The responder answers requests of another version or community."""


ANSWERS: Final = "answers "
"""How a fact begins that names where the responder was heard to answer: it is up."""
_SNMP: Final = 161


class Suspect(StrEnum):
    """What may silence a service that keeps silent by design."""

    FILTER = "a filter"
    COMMUNITY = "a wrong community"
    AGENT = "the agent off"
    SERVICE = "the service off"
    HOST = "the host down"


def silent_suspects(service: str | None, port: int | None, detail: str | None) -> list[Suspect]:
    """Return what may silence a service that keeps silent by design, in the order in which to check.

    Left out is what ``detail`` disproves: a host that answers elsewhere is up, an agent that answers others is on.
    """
    facts = (detail or "").split("; ")
    suspects = [Suspect.FILTER]
    if service == Service.SNMP or (service is None and port == _SNMP):
        suspects += [Suspect.COMMUNITY] if OTHER_COMMUNITY in facts else [Suspect.COMMUNITY, Suspect.AGENT]
    else:
        suspects.append(Suspect.SERVICE)
    return suspects if any(fact.startswith(ANSWERS) for fact in facts) else [*suspects, Suspect.HOST]


def either(suspects: Sequence[str]) -> str:
    """Return suspects as one phrase: "a filter or the service off", "a filter, the service off, or the host down"."""
    return " or ".join(suspects) if len(suspects) < 3 else f"{', '.join(suspects[:-1])}, or {suspects[-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is told of the attempts that ended alike.

    ``attempts`` and ``sends`` (SYNs or requests) are counts; ``span``, ``delay`` (ns) and ``rtt`` (s, the median, or
    None) are times; ``udp`` tells requests from SYNs; ``arrived``: seen on the responder's own segment.
    ``label`` is the service proved by bytes, or None; ``payload``: bytes crossed. ``flow`` has the columns of one
    attempt that stands for the group; ``answers_on``: where the responder answered, e.g. "answers on TCP 80".
    ``located``: what several capture points tell of where it ended; ``crossed``: the ending rests on that.
    """

    outcome: Outcome
    attempts: int
    sends: int
    span: int
    delay: int
    rtt: float | None
    udp: bool
    arrived: bool
    label: str | None
    payload: bool
    flow: Mapping[str, Any]
    answers_on: str | None = None
    located: str | None = None
    crossed: bool = False


def duration(ns: int) -> str:
    """Return a span of time as a person says it: "0.4 s", "63 s", "12 min", "5 h"."""
    seconds = max(ns, 0) / 1e9
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 36_000 else f"{seconds / 3600:.0f} h"


def counted(number: int, noun: str) -> str:
    """Return a number and its noun: "1 SYN", "7 SYNs"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def asked(group: Group) -> str:
    """Return how often and how long the initiator asked: "7 SYNs in 63 s"."""
    times = counted(group.sends, "request" if group.udp else "SYN")
    return f"{times} in {duration(group.span)}" if group.sends > 1 else times


def describe(group: Group) -> str | None:
    """Return the detail of one group, or None where there is nothing to add."""
    facts = _FACTS.get(group.outcome)
    told = facts(group) if facts else None
    return _joined(told, group.located) or None


def _joined(*facts: str | None) -> str:
    return "; ".join(fact for fact in facts if fact)


def _delayed(group: Group) -> str | None:
    return f"delayed {duration(group.delay)}" if group.delay > 0 else None


def _visibility(group: Group) -> str | None:
    if group.label == Service.TLS:
        return ENCRYPTED
    return None if group.label is not None and group.label != Service.OPAQUE else PROVEN_NOT


def _sublabel(group: Group) -> str | None:
    """Which kind of its service was spoken: a version, a language, a command. What nothing explains is told as unproven."""
    return group.flow.get("sublabel") if group.label is not None and group.label != Service.OPAQUE else None


def _note(group: Group) -> str | None:
    """What either side shows besides: only a discovery, a password in clear text, a certificate out of its time."""
    return group.flow.get("answer_note")


def _open(group: Group) -> str:
    latency = None
    if group.rtt is not None and group.rtt >= 0:
        latency = f"{counted(group.attempts, 'connection')}, {group.rtt * 1000:.1f} ms"
    return _joined(_sublabel(group), _joined(_delayed(group), _visibility(group), _note(group)) or latency)


def _mid_stream(group: Group) -> str:
    return _joined(_sublabel(group), "mid-stream", ENCRYPTED if group.label == Service.TLS else None, _note(group))


def _inferred(group: Group) -> str:
    return _joined("inferred", ENCRYPTED if group.label == Service.TLS else None, _note(group))


def _quiet(group: Group) -> str:
    credential = OTHER_COMMUNITY if group.outcome is Outcome.SILENT_OTHER_CREDENTIAL else None
    arrived = "arrived at the responder" if group.arrived else None
    return _joined(asked(group), arrived, credential, group.answers_on)


def _one_sided(group: Group) -> str:
    unseen = "initiator" if not group.flow.get("orig_pkts") else "responder"
    if group.flow.get("orig_pkts") and group.flow.get("resp_pkts"):
        return "mid-stream, of one side only its end"
    return f"nothing of the {unseen} in this capture"


def _icmp(group: Group) -> str:
    flow = group.flow
    kind = _ICMP_NAMES[group.outcome]
    own = flow.get("icmp_from_responder") and group.outcome is Outcome.ICMP_ADMIN_PROHIBITED
    about = None if flow.get("icmp_of_orig", True) else "about the answer"
    return _joined(asked(group) if group.sends else None, kind, about, OWN_FIREWALL if own else None)


def _forged(group: Group) -> str | None:
    if group.crossed:
        return None
    flow = group.flow
    side = max(("orig", "resp"), key=lambda end: flow.get(f"{end}_reset") or 0)
    ttl, true, hops = (flow.get(f"{side}_{name}") for name in ("reset_ttl", "true_ttl", "reset_hops"))
    sender = "initiator" if side == "orig" else "responder"
    claimed = f"claims the {sender}"
    if ttl is None or hops is None:
        return claimed
    far = "0 hops away: on this segment" if hops == 0 else f"{counted(hops, 'hop')} away"
    if true is None or true == ttl:
        went_on = f"the {sender} went on sending"
        return _joined(f"reset with TTL {ttl}", claimed, went_on, far)
    return _joined(f"reset with TTL {ttl}, the {sender}'s own is {true}", far)


def _return_path(group: Group) -> str:
    if group.udp:
        return _joined(asked(group), None if group.crossed else "answered, and asked again after the answer")
    sent = group.flow.get("resp_nsynack", 0)
    return f"SYN-ACK sent {counted(sent, 'time')}, never acknowledged" if sent else asked(group)


def _dropped(group: Group) -> str:
    flow = group.flow
    side, other = ("orig", "resp") if (flow.get("orig_stuck") or 0) >= 2 else ("resp", "orig")
    sender = "initiator" if side == "orig" else "responder"
    smaller = "smaller segments pass: path MTU?" if flow.get(f"{other}_acks_payload") else None
    times = counted(flow.get(f"{side}_stuck") or 0, "time")
    return _joined(f"payload of the {sender} sent again {times}, never acknowledged", smaller, _too_big(flow))


def _too_big(flow: Mapping[str, Any]) -> str | None:
    """The router that says a packet was too big: no block in itself, but it names the place (RFC 1191, RFC 4443)."""
    error = (flow.get("icmp_type"), flow.get("icmp_code"))
    version_6 = ":" in str(flow.get("id.orig_h"))
    told = flow.get("icmp_errors") and (error[0] == 2 if version_6 else error == (3, 4))
    return f"{flow.get('icmp_sender')} reports packets too big" if told else None


def _alert(group: Group) -> str:
    return _joined(str(group.flow.get("tls_alert") or ""), group.flow.get("tls_certificate"))


def _stalled(group: Group) -> str:
    if not group.flow.get("tls_server_hello_t"):
        return "ClientHello acknowledged, no ServerHello"
    version = group.flow.get("tls_version")
    chosen = f" ({version} chosen)" if version else ""
    return _joined(f"no word from the client after the ServerHello{chosen}", _note(group))


def _closed(group: Group) -> str:
    how = "closed" if group.outcome is Outcome.CLOSED_BY_FIN else "reset"
    sent = group.flow.get("orig_bytes") or 0
    return f"{how} after {sent} bytes of the initiator, without a word" if sent else "reset after the bare handshake"


def _refused(group: Group) -> str:
    return _joined(group.flow.get("refused_code"), _note(group))


def _wrong(group: Group) -> str:
    if group.flow.get("wrong_side"):
        return "TLS asked, clear text answered"
    return f"{group.label} spoken" if group.label else ""


_ICMP_NAMES: Final = {
    Outcome.ICMP_ADMIN_PROHIBITED: "ICMP administratively prohibited",
    Outcome.ICMP_HOST_UNREACHABLE: "ICMP host unreachable",
    Outcome.ICMP_NET_UNREACHABLE: "ICMP network unreachable",
    Outcome.ICMP_PORT_UNREACHABLE: "ICMP port unreachable, not from the responder",
    Outcome.ICMP_PORT_UNREACHABLE_OWN: "ICMP port unreachable",
    Outcome.ICMP_OTHER: "ICMP protocol unreachable or time exceeded",
}

_FACTS: Final = {
    Outcome.NO_ATTEMPT: lambda _: "only the end of an older connection",
    Outcome.OPEN: _open,
    Outcome.MID_STREAM: _mid_stream,
    Outcome.INFERRED: _inferred,
    Outcome.SENT: lambda _: "sent; receipt not shown",
    Outcome.PROBE: lambda group: counted(group.attempts, "health probe"),
    Outcome.ONE_SIDED: _one_sided,
    Outcome.UNFINISHED: lambda _: "answered, but the handshake was not completed in this capture",
    Outcome.RESET_IN_PATH: _forged,
    Outcome.RESET_PERHAPS_IN_PATH: _forged,
    Outcome.REFUSED: asked,
    Outcome.REFUSED_UNCOMPARED: asked,
    Outcome.RETURN_PATH: _return_path,
    Outcome.DROPPED_AFTER_HANDSHAKE: _dropped,
    Outcome.TLS_ALERT: _alert,
    Outcome.TLS_STALLED: _stalled,
    Outcome.CLOSED_BY_FIN: _closed,
    Outcome.CLOSED_BY_RESET: _closed,
    Outcome.CLOSED_BY_UNCOMPARED_RESET: _closed,
    Outcome.APPLICATION_REFUSED: _refused,
    Outcome.WRONG_PROTOCOL: _wrong,
    **dict.fromkeys(_ICMP_NAMES, _icmp),
    **dict.fromkeys(QUIET, _quiet),
}
"""What is told of each ending."""

DETAIL_COLUMNS: Final = (
    "orig_pkts", "resp_pkts", "orig_bytes", "resp_nsynack", "orig_stuck", "resp_stuck", "orig_acks_payload",
    "resp_acks_payload", "tls_alert", "tls_alert_from_orig", "tls_certificate", "tls_server_hello_t", "tls_version", "refused_code",
    "wrong_side", "answer_note", "sublabel", "icmp_errors", "icmp_type", "icmp_code", "icmp_sender",
)  # fmt: skip
"""The columns of FLOWS and LABELS that details read."""
