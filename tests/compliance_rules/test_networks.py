"""Networks, clients, address translation: one entry per rule and network, and one for each client that fails."""

from __future__ import annotations

from analyser.compliance.summary import summarise
from analyser.model.finding import Clients, Severity
from tests.compliance_ports.made import opened, refused, unanswered
from tests.compliance_rules.little import (
    MFD,
    OUTSIDE,
    SERVER,
    A,
    B,
    Requirement,
    called,
    entries,
    every,
    host,
    judged,
    net,
    only,
    rule,
    site,
    states,
)

_OFFICE = net("office", "203.0.113.0/25", "workstation")
_PLACE = site(SERVER, _OFFICE)
_WEB = rule(initiator="workstation", responder="terminal-server", subject="initiator")


def pc(number: int) -> str:
    """The address of one workstation."""
    return f"203.0.113.{number}"


def test_a_network_is_one_entry_with_its_clients_counted() -> None:
    """Three clients that work are one verdict, at the prefix."""
    entry = entries(judged([opened(orig=pc(n), resp=A) for n in (1, 2, 3)], [_WEB], _PLACE))[0]
    assert entry.initiator is not None
    assert (entry.initiator.name, entry.initiator.address) == ("office", "203.0.113.0/25")
    assert entry.initiator.clients == Clients(seen=3, open=3, failed=0)
    assert (called(entry.responder), entry.verdict, entry.ports[0].attempts) == ("server", "satisfied", 3)


def test_each_failing_client_has_an_entry_that_carries_the_severity() -> None:
    """One of three is blocked: the network is satisfied, and the client is the violation."""
    flows = [opened(orig=pc(1), resp=A), opened(orig=pc(2), resp=A), unanswered(orig=pc(3), resp=A)]
    judgement = judged([*flows, opened(orig=A, resp=pc(3), port=9999)], [_WEB], _PLACE)
    client, network = entries(judgement)
    assert client.initiator is not None
    assert (client.initiator.name, client.initiator.address, client.initiator.clients) == (None, pc(3), None)
    assert (client.verdict, client.severity) == ("blocked", "violation")
    assert (network.verdict, network.severity) == ("satisfied", "ok")
    assert network.initiator is not None
    assert network.initiator.clients == Clients(seen=3, open=2, failed=1)


def test_a_network_without_an_open_client_has_the_worst_verdict_and_counts_once() -> None:
    """Both clients are refused: the network says so too, but only the clients weigh."""
    judgement = judged([refused(orig=pc(1), resp=A), refused(orig=pc(2), resp=A)], [_WEB], _PLACE)
    assert only(judgement) == [
        (pc(1), "server", "refused"),
        (pc(2), "server", "refused"),
        ("office", "server", "refused"),
    ]
    counted = summarise(judgement, fail_on=Severity.VIOLATION, packets=9, undecoded=0, unread_files=0)
    assert counted.severities["violation"] == 2


def test_clients_may_use_different_alternatives() -> None:
    """One client uses 80, another 443: each port is open by somebody."""
    flows = [opened(orig=pc(1), resp=A, port=80), opened(orig=pc(2), resp=A, port=443)]
    web = rule(initiator="workstation", responder="terminal-server", subject="initiator", ports=(80, 443))
    entry = entries(judged(flows, [web], _PLACE))[0]
    assert (entry.verdict, states(entry)) == ("satisfied", {80: "open", 443: "open"})


def test_ports_of_a_set_may_be_shown_by_different_clients() -> None:
    """Port states are formed per port over all clients, in an "all" rule too."""
    flows = [opened(orig=pc(1), resp=A, port=80), opened(orig=pc(2), resp=A, port=443)]
    web = rule(initiator="workstation", responder="terminal-server", subject="initiator", ports=every(80, 443))
    assert [entry.verdict for entry in entries(judged(flows, [web], _PLACE))] == ["satisfied"]


def test_a_set_of_which_no_client_has_all_is_not_satisfied_beside_a_client_that_fails() -> None:
    """Each port is open for somebody, but each client lacks one: the worst client decides."""
    flows = [opened(orig=pc(1), resp=A, port=80), refused(orig=pc(1), resp=A, port=443)]
    flows += [refused(orig=pc(2), resp=A, port=80), opened(orig=pc(2), resp=A, port=443)]
    web = rule(initiator="workstation", responder="terminal-server", subject="initiator", ports=every(80, 443))
    network = next(entry for entry in entries(judged(flows, [web], _PLACE)) if called(entry.initiator) == "office")
    assert (called(network.initiator), network.verdict, states(network)) == (
        "office",
        "refused",
        {80: "open", 443: "open"},
    )
    assert network.sentence.endswith("TCP 80, 443 works for some, but not all of it for any one client.")


def test_addresses_never_seen_do_not_count() -> None:
    """Nobody of the network tried: one missing entry for the network, none for its 126 addresses."""
    judgement = judged([opened(orig=pc(1), resp=A, port=9999)], [_WEB], _PLACE)
    assert only(judgement) == [("office", None, "missing")]
    office = entries(judgement)[0].initiator
    assert office is not None
    assert office.clients == Clients(seen=1, open=0, failed=0)


def test_a_network_may_stand_at_the_other_end() -> None:
    """Printers listed as a network: one entry, and the printer that fails beside it."""
    place = site(SERVER, net("printers", "198.51.100.0/24", "mfd"))
    flows = [opened(orig=A, resp=MFD), refused(orig=A, resp="198.51.100.99")]
    assert only(judged(flows, [rule()], place)) == [
        ("server", "198.51.100.99", "refused"),
        ("server", "printers", "satisfied"),
    ]


def test_a_network_that_used_two_servers_names_neither() -> None:
    """The other end of such an entry is the role."""
    place = site(SERVER, host("second", B, "terminal-server"), _OFFICE)
    entry = entries(judged([opened(orig=pc(1), resp=A), opened(orig=pc(1), resp=B)], [_WEB], place))[0]
    assert entry.responder is not None
    assert (entry.responder.name, entry.responder.roles) == (None, ("terminal-server",))


def test_workstations_may_open_to_workstations_where_a_row_says_so() -> None:
    """Client spooling inside one network is one entry of that network."""
    spool = rule(initiator="workstation", responder="workstation", subject="initiator", ports=(5559,))
    judgement = judged([opened(orig=pc(1), resp=pc(2), port=5559)], [spool], _PLACE)
    assert [str(entry.verdict) for entry in entries(judgement)] == ["satisfied"]
    assert judgement.unexpected == ()


def test_a_translated_address_counts_for_its_network() -> None:
    """Flows from the router's outer address satisfy the network, and say that the originator is hidden."""
    place = site(SERVER, net("office", "203.0.113.0/25", "workstation", nat=("192.0.2.1",)))
    judgement = judged([opened(orig="192.0.2.1", resp=A)], [_WEB], place)
    entry = entries(judgement)[0]
    assert (called(entry.initiator), entry.verdict) == ("office", "satisfied")
    assert "originator hidden" in (entry.ports[0].detail or "")
    assert judgement.unexpected == ()


def test_one_outer_address_may_stand_for_two_networks() -> None:
    """Two offices behind one router: nobody can tell which it was, so that both are satisfied."""
    place = site(
        SERVER,
        net("one", "10.1.0.0/24", "workstation", nat=("192.0.2.1",)),
        net("two", "10.2.0.0/24", "workstation", nat=("192.0.2.1",)),
    )
    assert only(judged([opened(orig="192.0.2.1", resp=A)], [_WEB], place)) == [
        ("one", "server", "satisfied"),
        ("two", "server", "satisfied"),
    ]


def test_without_the_key_an_ordered_flow_from_outside_is_possibly_translated() -> None:
    """A notice, and the workstations that were not seen to try that server are not called missing."""
    judgement = judged([opened(orig=OUTSIDE, resp=A)], [_WEB], _PLACE)
    stranger = judgement.unexpected[0]
    assert (stranger.reason, stranger.severity, stranger.rule) == ("outside-site", "notice", "p/s/r")
    assert "possibly translated" in stranger.sentence
    entry = entries(judgement)[0]
    assert (entry.verdict, states(entry)) == ("inconclusive", {443: "not-observable"})


def test_a_proved_other_service_from_outside_is_no_translated_client() -> None:
    """SSH on a port where the rule wants TLS is just an intruder: a violation, and the rule stays missing."""
    web = rule(initiator="workstation", responder="terminal-server", subject="initiator", service="https")
    judgement = judged([opened(orig=OUTSIDE, resp=A, service="ssh")], [web], _PLACE)
    assert judgement.unexpected[0].severity is Severity.VIOLATION
    assert [str(entry.verdict) for entry in entries(judgement)] == ["missing"]


def test_optional_rules_weigh_less_for_clients_too() -> None:
    """A client that fails at an optional service is a warning."""
    web = rule(
        initiator="workstation", responder="terminal-server", subject="initiator", requirement=Requirement.OPTIONAL
    )
    found = entries(judged([refused(orig=pc(1), resp=A), opened(orig=pc(2), resp=A)], [web], _PLACE))
    assert [(called(entry.initiator), str(entry.severity)) for entry in found] == [
        (pc(1), "warning"),
        ("office", "ok"),
    ]
