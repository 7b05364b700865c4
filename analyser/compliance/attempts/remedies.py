"""What to do about a port that is not open: one request or check, ready to be passed on.

Knows findings and how the ends are called; the order of suspicion is that of ``wording``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analyser.compliance.attempts.details import OWN_FIREWALL, Suspect, silent_suspects
from analyser.model.finding import Cause, PortFinding, PortState


@dataclass(frozen=True, slots=True)
class _Case:
    finding: PortFinding
    initiator: str
    responder: str

    @property
    def request(self) -> str:
        return f"ask the firewall team to allow {place_of(self.finding)} from {self.initiator} to {self.responder}"


def place_of(finding: PortFinding) -> str:
    """Return transport and port as a person writes them: "TCP 51443"."""
    transport = finding.transport.upper()
    return transport if finding.port is None else f"{transport} {finding.port}"


def remedy(finding: PortFinding, initiator: str, responder: str) -> str | None:
    """Return what to ask or check, without full stop, or None where there is nothing to do.

    ``initiator`` and ``responder`` are the addresses (or names) to write into the request.
    """
    if finding.state is PortState.WRONG_PROTOCOL:
        return f"check which service {responder} runs on {place_of(finding)}, and that {initiator} is set to use the right one"
    if finding.cause is None or finding.state in _NOTHING_TO_DO:
        return None
    if finding.state is PortState.INTERMITTENT and finding.cause in _OPEN_AT_TIMES:
        return f"find out what changes between the times: {place_of(finding)} from {initiator} to {responder} works at others (a service that restarts, a second path, a limit in a firewall)"
    return _REMEDIES[finding.cause](_Case(finding, initiator, responder))


_OPEN_AT_TIMES: Final = frozenset(
    {
        Cause.NO_ANSWER,
        Cause.ICMP_ADMIN_PROHIBITED,
        Cause.ICMP_PORT_UNREACHABLE,
        Cause.RESET_IN_PATH,
        Cause.RESET_BY_RESPONDER,
    }
)
"""What speaks of a filter or of a service that is off: neither is so always where the port works at times."""
_NOTHING_TO_DO: Final = frozenset({PortState.OPEN, PortState.NOT_ATTEMPTED, PortState.NOT_OBSERVABLE})


def _no_answer(case: _Case) -> str:
    finding = case.finding
    if finding.by is not None:
        return f"check the firewall of {case.responder} itself, and that its service on {place_of(finding)} runs"
    if finding.state is not PortState.UNANSWERED:
        return case.request
    if finding.transport == "udp":
        passing = f"that filters let {place_of(finding)} from {case.initiator} to {case.responder} pass"
        checks = {
            Suspect.FILTER: passing, Suspect.COMMUNITY: "the SNMP community", Suspect.AGENT: "that the agent is on",
            Suspect.SERVICE: "that the service is on", Suspect.HOST: f"that {case.responder} is up",
        }  # fmt: skip
        suspects = silent_suspects(finding.service, finding.port, finding.detail)
        return "check " + ", then ".join(checks[suspect] for suspect in suspects)
    return f"check that {case.responder} is on and has this address; then {case.request}"


def _alive(case: _Case) -> str:
    return f"check that {case.responder} is on, is connected and has this address"


def _return_path(case: _Case) -> str:
    answers = place_of(case.finding)
    return f"check the route from {case.responder} back to {case.initiator}, and ask the firewall team to let its answers from {answers} pass"


def _prohibited(case: _Case) -> str:
    # The responder may have answered from another of its addresses.
    if case.finding.by == case.responder or OWN_FIREWALL in (case.finding.detail or ""):
        return f"allow {place_of(case.finding)} from {case.initiator} in the firewall of {case.responder} itself"
    where = f" at {case.finding.by}" if case.finding.by else ""
    return f"{case.request}{where}"


def _no_route(case: _Case) -> str:
    where = case.finding.by or "the router"
    return f"ask the network team for a route from {where} to {case.responder}"


def _not_listening(case: _Case) -> str:
    service = f"check that the service of {case.responder} on {place_of(case.finding)} is installed, switched on and uses this port"
    if case.finding.by is not None and case.finding.state is PortState.BLOCKED:
        return case.request
    return service


def _in_path(case: _Case) -> str:
    return f"{case.request}: a device between them resets the connection"


def _lost(case: _Case) -> str:
    return f'check the path MTU between {case.initiator} and {case.responder} (ICMP "fragmentation needed" must pass), then inspection by firewalls'


_ALERTS: Final = {
    "unknown_ca": "install the issuing CA's certificate where the alert comes from",
    "bad_certificate": "check the certificate: its name must be the one that is called, and its chain complete",
    "certificate_unknown": "check the certificate: its name must be the one that is called, and its chain complete",
    "unsupported_certificate": "replace the certificate by one of a kind that both ends support",
    "certificate_expired": "renew the certificate, and check the clocks of both ends",
    "certificate_revoked": "replace the revoked certificate",
    "certificate_required": "give the initiator the client certificate that is asked for",
    "protocol_version": "allow a TLS version on both ends that they share",
    "handshake_failure": "allow a cipher suite on both ends that they share; check that a certificate is installed",
    "insufficient_security": "allow a cipher suite on both ends that they share",
    "unrecognized_name": "check the server name that the initiator asks for",
    "decrypt_error": "check that keys and certificates belong together",
}


def _alert(case: _Case) -> str:
    name = (case.finding.detail or "").split(";")[0].strip()
    advice = _ALERTS.get(name)
    if advice is None:
        return f"the network is open: check the TLS settings of {case.initiator} and {case.responder}"
    ends = [case.initiator, case.responder] if case.finding.by == case.initiator else [case.responder, case.initiator]
    return f"{advice} ({ends[0]} ended the handshake with {ends[1]})" if case.finding.by else advice


def _stalled(case: _Case) -> str:
    return f"the network is open: check the TLS versions of {case.initiator} and {case.responder} (try without TLS 1.3), then inspection by firewalls"


def _service(case: _Case) -> str:
    return f"the network is open: check the service of {case.responder} on {place_of(case.finding)}, and that both ends agree on encryption"


def _credentials(case: _Case) -> str:
    return f"the network is open: check the credentials and permissions of {case.initiator} on {case.responder}"


_REMEDIES: Final[dict[Cause, Callable[[_Case], str]]] = {
    Cause.NO_ANSWER: _no_answer,
    Cause.HOST_SILENT: _alive,
    Cause.RETURN_PATH: _return_path,
    Cause.ICMP_ADMIN_PROHIBITED: _prohibited,
    Cause.ICMP_HOST_UNREACHABLE: _alive,
    Cause.ICMP_NET_UNREACHABLE: _no_route,
    Cause.ICMP_PORT_UNREACHABLE: _not_listening,
    Cause.ICMP_OTHER: _no_route,
    Cause.RESET_IN_PATH: _in_path,
    Cause.RESET_BY_RESPONDER: _not_listening,
    Cause.DROPPED_AFTER_HANDSHAKE: _lost,
    Cause.TLS_ALERT: _alert,
    Cause.TLS_STALLED: _stalled,
    Cause.CLOSED_WITHOUT_DATA: _service,
    Cause.APPLICATION_REFUSED: _credentials,
}
"""What to do about each cause."""
