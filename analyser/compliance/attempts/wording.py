"""Plain words for port findings: why a port is or is not open. What to do about it is in ``remedies``.

Knows findings only. Says no more than the finding does: silence is never called a firewall, and where several
explanations look the same from the capture they are named in the order in which to check them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from analyser.compliance.attempts.between import LOST
from analyser.compliance.attempts.details import either, silent_suspects
from analyser.compliance.attempts.remedies import place_of, remedy
from analyser.model.finding import Cause, PortFinding, PortState

__all__ = ["explain_state", "place_of", "remedy"]

BOTH_WAYS: Final = "stopped on the way there or back"


def explain_state(finding: PortFinding) -> str:
    """Return why the port is in its state, as a clause without full stop that can follow a colon."""
    if finding.state is PortState.INTERMITTENT:
        why = _explain_cause(finding, None)
        return f"works at times: {finding.detail}" if finding.detail else f"works at times; otherwise {why}"
    explain = _STATES.get(finding.state)
    return explain(finding) if explain else _explain_cause(finding, finding.detail)


def _with(text: str, detail: str | None) -> str:
    return f"{text} ({detail})" if detail else text


def _silence(detail: str | None) -> str:
    """Turn "7 SYNs in 63 s; answers on TCP 80" into "no answer to 7 SYNs in 63 s; it answers on TCP 80"."""
    facts = (detail or "the attempts").split("; ")
    told = [f"it {fact}" if fact.startswith("answers ") else fact for fact in facts[1:] if fact not in _TOLD_ELSEWHERE]
    return "; ".join([f"no answer to {facts[0]}", *told])


_TOLD_ELSEWHERE: Final = ("arrived at the responder",)


def _no_answer(finding: PortFinding, detail: str | None) -> str:
    told = _silence(detail)
    if finding.by is not None:
        return f"{told}; the request arrived: {finding.other_explanation}"
    if finding.state is PortState.BLOCKED:
        if LOST in told:
            return f"{told}, or {finding.other_explanation}" if finding.other_explanation else told
        other = f", or an {finding.other_explanation}" if finding.other_explanation else ""
        return f"{told}; {BOTH_WAYS}{other}"
    if finding.transport == "udp" and finding.other_explanation is not None:
        # Nothing tells these apart: the order is the one in which to check them.
        return f"{told}; {either(silent_suspects(finding.service, finding.port, detail))} look the same from here"
    return f"{told}, and nothing else was heard of it"


def _host_silent(_: PortFinding, detail: str | None) -> str:
    return f"{_silence(detail)}; ARP or neighbour requests for it go unanswered too: off, or a wrong address"


def _return_path(_: PortFinding, detail: str | None) -> str:
    return _with("the responder answers, but its answers do not arrive", detail)


def _icmp(text: str) -> Callable[[PortFinding, str | None], str]:
    def explain(finding: PortFinding, detail: str | None) -> str:
        sender = f"{finding.by} reports" if finding.by else "a router reports"
        return _with(f"{sender} {text}", detail)

    return explain


def _reset_in_path(_: PortFinding, detail: str | None) -> str:
    return _with("a device in the path resets the connection", detail)


def _reset_by_responder(finding: PortFinding, detail: str | None) -> str:
    told = _with("refused with a reset: nothing listens there", detail)
    return f"{told}; or {finding.other_explanation} says so" if finding.other_explanation else told


def _dropped(_: PortFinding, detail: str | None) -> str:
    return _with("connected, but payload gets lost on the way", detail)


def _alert(finding: PortFinding, detail: str | None) -> str:
    sender = f"{finding.by} ends" if finding.by else "one end ends"
    return f"{sender} the TLS handshake with alert {detail}" if detail else f"{sender} the TLS handshake with an alert"


def _stalled(_: PortFinding, detail: str | None) -> str:
    return _with("the TLS handshake stalls", detail)


def _closed(_: PortFinding, detail: str | None) -> str:
    return _with("the responder accepts the connection and ends it without sending anything", detail)


def _application(_: PortFinding, detail: str | None) -> str:
    return _with("the application says no", detail)


_CAUSES: Final[dict[Cause, Callable[[PortFinding, str | None], str]]] = {
    Cause.NO_ANSWER: _no_answer,
    Cause.HOST_SILENT: _host_silent,
    Cause.RETURN_PATH: _return_path,
    Cause.ICMP_ADMIN_PROHIBITED: _icmp("that this is prohibited"),
    Cause.ICMP_HOST_UNREACHABLE: _icmp("that it cannot reach the host: off, wrong address, or no ARP"),
    Cause.ICMP_NET_UNREACHABLE: _icmp("that it has no route to the network"),
    Cause.ICMP_PORT_UNREACHABLE: _icmp("that the port is closed"),
    Cause.ICMP_OTHER: _icmp("that the packets cannot be delivered"),
    Cause.RESET_IN_PATH: _reset_in_path,
    Cause.RESET_BY_RESPONDER: _reset_by_responder,
    Cause.DROPPED_AFTER_HANDSHAKE: _dropped,
    Cause.TLS_ALERT: _alert,
    Cause.TLS_STALLED: _stalled,
    Cause.CLOSED_WITHOUT_DATA: _closed,
    Cause.APPLICATION_REFUSED: _application,
}
"""What each cause means; takes the finding and the detail to tell."""


def _explain_cause(finding: PortFinding, detail: str | None) -> str:
    explain = _CAUSES.get(finding.cause) if finding.cause else None
    return explain(finding, detail) if explain else _with(str(finding.state), detail)


_STATES: Final[dict[PortState, Callable[[PortFinding], str]]] = {
    PortState.OPEN: lambda finding: _with("works", finding.detail),
    PortState.WRONG_PROTOCOL: lambda finding: _with("open, but another protocol speaks there", finding.detail),
    PortState.PROBE_ONLY: lambda finding: _with("only probed: the port is open, the service not shown", finding.detail),
    PortState.ONE_SIDED: lambda finding: _with("an answer could not have been seen here", finding.detail),
    PortState.PENDING: lambda finding: _with("the capture ends before an answer could be expected", finding.detail),
    PortState.NOT_ATTEMPTED: lambda finding: finding.detail or "not attempted",
    PortState.NOT_OBSERVABLE: lambda finding: _with("this capture cannot show it", finding.detail),
}
"""Wording of the states that have no cause."""
