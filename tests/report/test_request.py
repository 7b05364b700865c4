"""What the firewall team is asked for: blocked ports only, in as few sentences as possible."""

from __future__ import annotations

import dataclasses

import pytest

from analyser.model.finding import Cause, End, PortFinding, PortState, Severity
from analyser.report.request import firewall_requests
from tests.report import made


def host(address: str) -> End:
    return End(name=None, address=address, roles=())


def test_ports_of_a_pair_are_one_request() -> None:
    """Two blocked ports of one pair, even of two rules, are asked for together."""
    first = made.verdict(ports=(made.blocked(64098),))
    second = made.verdict("ysoft-safeq-6/server-to-printer/other", ports=(made.blocked(51443),))
    (request,) = firewall_requests(made.report(first, second).verdicts)
    assert request.sentence() == "ask the firewall team to allow TCP 51443, 64098 from 192.0.2.10 to 198.51.100.21"


def test_equal_requests_of_many_ends_are_one() -> None:
    """Ten printers that lack the same port make one sentence that counts them."""
    entries = [made.verdict(responder=host(f"198.51.100.{n}"), ports=(made.blocked(443),)) for n in range(1, 11)]
    (request,) = firewall_requests(made.report(*entries).verdicts)
    assert len(request.responders) == 10
    assert "to 10 addresses (198.51.100.1, 198.51.100.2" in request.sentence()


def test_a_network_speaks_for_its_clients() -> None:
    """Clients of a network that is asked for as a whole are not asked for again."""
    network = made.verdict(initiator=made.OFFICE, ports=(made.blocked(443),))
    client = made.verdict(initiator=host("203.0.113.7"), ports=(made.blocked(443),))
    other = made.verdict(initiator=host("192.0.2.99"), ports=(made.blocked(443),))
    (request,) = firewall_requests(made.report(network, client, other).verdicts)
    assert request.initiators == ("203.0.113.0/24", "192.0.2.99")


@pytest.mark.parametrize(
    "port",
    [
        made.port(80),
        made.port(80, PortState.REFUSED, cause=Cause.RESET_BY_RESPONDER),
        made.port(80, PortState.UNANSWERED, cause=Cause.NO_ANSWER),
        made.blocked(80, cause=Cause.ICMP_HOST_UNREACHABLE),
        made.blocked(80, cause=Cause.DROPPED_AFTER_HANDSHAKE),
        made.blocked(80, by="198.51.100.21"),
    ],
)
def test_nothing_is_asked_for_what_no_firewall_rule_would_heal(port: PortFinding) -> None:
    """Refusals, silence, routing, path MTU and the responder's own firewall are not the firewall team's."""
    assert firewall_requests(made.report(made.verdict(ports=(port,))).verdicts) == []


def test_what_weighs_nothing_is_not_asked_for() -> None:
    """Waived findings and notices produce no request."""
    entries = [made.verdict(severity=severity) for severity in (Severity.NOTICE, Severity.OK)]
    assert firewall_requests(made.report(*entries).verdicts) == []


def test_addresses_that_are_none_do_not_hurt() -> None:
    """An end without address, or with a name in its place, is left out or taken as it stands."""
    network = made.verdict(initiator=made.OFFICE, ports=(made.blocked(443),))
    odd = made.verdict(initiator=host("not-an-address"), ports=(made.blocked(443),))
    nobody = made.verdict(responder=made.NOBODY, ports=(made.blocked(443),))
    (request,) = firewall_requests(made.report(network, odd, nobody).verdicts)
    assert "not-an-address" in request.initiators


def test_answers_that_get_lost_are_not_mended_by_opening_the_port() -> None:
    """Where the request arrives and the answer does not, the port is open already: another remedy stands in its place."""
    lost = made.blocked(9100)
    lost = dataclasses.replace(lost, cause=Cause.RETURN_PATH)
    assert firewall_requests(made.report(made.verdict(ports=(lost,))).verdicts) == []
