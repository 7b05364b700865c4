"""What to ask the firewall team: the blocked ports of a report, gathered into as few sentences as possible.

Knows the report document only. A port is asked for when something on the way there stopped it; a machine that refuses
by itself, answers that get lost, a broken route or a broken application are not mended by opening it.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analyser.model.finding import Cause, PortFinding, PortState, ReportDocument, Severity, VerdictEntry
from analyser.model.permit import Permit
from analyser.report.phrases import count, listed

_FILTERED: Final = frozenset(
    {
        Cause.NO_ANSWER,
        Cause.ICMP_ADMIN_PROHIBITED,
        Cause.ICMP_PORT_UNREACHABLE,  # sent by another host, or the state were not blocked
        Cause.RESET_IN_PATH,
    }
)
_WORTH_ASKING: Final = frozenset({Severity.VIOLATION, Severity.WARNING})


@dataclass(frozen=True, slots=True)
class Request:
    """Ports of one transport that are to be allowed from each initiator to each responder (addresses or networks)."""

    transport: str
    ports: tuple[int, ...]
    initiators: tuple[str, ...]
    responders: tuple[str, ...]

    def sentence(self, most: int = 6) -> str:
        """Return the request in words; of more than ``most`` addresses the first are named."""
        ports = ", ".join(map(str, self.ports))
        ends = f"from {_addresses(self.initiators, most)} to {_addresses(self.responders, most)}"
        return f"ask the firewall team to allow {self.transport.upper()} {ports} {ends}"


def firewall_requests(entries: Iterable[VerdictEntry]) -> list[Request]:
    """Return the requests of verdicts, in their order."""
    wanted: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for entry in entries:
        for transport, initiator, responder, port in asked_ports(entry):
            wanted[transport, initiator, responder].add(port)
    _drop_clients_of_networks(wanted)
    by_responder: dict[tuple[str, tuple[int, ...], str], list[str]] = defaultdict(list)
    for (transport, initiator, responder), ports in wanted.items():
        by_responder[transport, tuple(sorted(ports)), responder].append(initiator)
    by_initiators: dict[tuple[str, tuple[int, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (transport, numbers, responder), initiators in by_responder.items():
        by_initiators[transport, numbers, tuple(initiators)].append(responder)
    return [
        Request(transport, numbers, initiators, tuple(responders))
        for (transport, numbers, initiators), responders in by_initiators.items()
    ]


def requested_permits(document: ReportDocument) -> list[Permit]:
    """Return the requests of a report as permits: what a firewall would have to be told."""
    return [
        Permit(
            name=f"request-{number}",
            title=f"stopped on the way in {document.site.name}",
            transport=request.transport,
            ports=tuple((port, port) for port in request.ports),
            initiators=request.initiators,
            responders=request.responders,
        )
        for number, request in enumerate(firewall_requests(document.verdicts), 1)
    ]


def asked_ports(entry: VerdictEntry) -> list[tuple[str, str, str, int]]:
    """Return transport, initiator, responder and port of what is to be asked of the firewall team for one verdict."""
    if entry.severity not in _WORTH_ASKING or entry.initiator is None or entry.responder is None:
        return []
    initiator, responder = entry.initiator.address, entry.responder.address
    if initiator is None or responder is None:
        return []
    return [
        (port.transport, initiator, responder, port.port)
        for port in entry.ports
        if port.port is not None and _is_filtered(port) and port.by != responder
    ]


def _is_filtered(port: PortFinding) -> bool:
    return port.state is PortState.BLOCKED and port.cause in _FILTERED


def _drop_clients_of_networks(wanted: dict[tuple[str, str, str], set[int]]) -> None:
    """Take out the clients of a network that is itself in the list with the same ports: one line says both."""
    networks = [key for key in wanted if "/" in key[1]]
    for transport, initiator, responder in list(wanted):
        for other in networks:
            same_service = (other[0], other[2]) == (transport, responder)
            if (
                same_service
                and _holds(other[1], initiator)
                and wanted[other] >= wanted[transport, initiator, responder]
            ):
                del wanted[transport, initiator, responder]
                break


def _holds(network: str, address: str) -> bool:
    if "/" not in network or "/" in address:
        return False
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _addresses(addresses: Iterable[str], most: int) -> str:
    known = list(addresses)
    if len(known) > most:
        return f"{count(len(known), 'address', 'addresses')} ({listed(known, most)})"
    return listed(known, most)
