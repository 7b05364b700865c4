"""Words: every state and cause is explained, and nothing is claimed that silence does not give."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from analyser.compliance.attempts.judge import Demand
from analyser.compliance.attempts.outcomes import MEANINGS, Outcome
from analyser.compliance.attempts.wording import explain_state, remedy
from analyser.model.finding import Cause, PortFinding, PortState
from tests.compliance_ports.judging import SNMP, port_of
from tests.compliance_ports.made import (
    CLIENT,
    SERVER,
    handshake,
    icmp,
    opened,
    refused,
    replied,
    request,
    unanswered,
)

ALIVE = opened(port=80)


def test_every_ending_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Outcome)


@pytest.mark.parametrize(
    ("state", "cause"), list(itertools.product(PortState, [None, *Cause])), ids=lambda word: str(word)
)
def test_every_pair_of_state_and_cause_has_words(state: PortState, cause: Cause | None) -> None:
    for transport in ("tcp", "udp"):
        finding = PortFinding(transport=transport, port=None, state=state, cause=cause)
        explained = explain_state(finding)
        assert explained
        assert not explained.endswith(".")
        advice = remedy(finding, CLIENT, SERVER)
        assert advice is None or (advice and not advice.endswith("."))


def test_no_answer_names_the_count_the_port_that_answers_and_both_ways() -> None:
    finding = port_of(unanswered(port=51443), beside=[ALIVE], demand=Demand(transport="tcp", port=51443))
    explained = explain_state(finding)
    assert explained == "no answer to 7 SYNs in 63 s; it answers on TCP 80; stopped on the way there or back"
    assert remedy(finding, CLIENT, SERVER) == (
        "ask the firewall team to allow TCP 51443 from 192.0.2.10 to 198.51.100.21"
    )


def test_on_the_responders_own_segment_nothing_is_said_to_be_on_the_way() -> None:
    near = {"resp_ttl_min": 64, "resp_ttl_max": 64}
    finding = port_of(unanswered(port=51443), beside=[opened(port=80, **near)])
    explained = explain_state(finding)
    assert "on the way" not in explained
    assert explained.endswith("the request arrived: its own firewall, or the service does not answer")
    advice = remedy(finding, CLIENT, SERVER)
    assert advice is not None
    assert "firewall team" not in advice


def test_a_silent_service_names_its_explanations_in_order() -> None:
    finding = port_of(request(sent=5, span=12), beside=[ALIVE], demand=SNMP)
    explained = explain_state(finding)
    assert explained == (
        "no answer to 5 requests in 12 s; it answers on TCP 80; "
        "a filter, a wrong community, or the agent off look the same from here"
    )
    advice = remedy(finding, CLIENT, SERVER) or ""
    assert 0 < advice.index("filters") < advice.index("community") < advice.index("agent")


def test_of_a_silent_service_nothing_is_suspected_that_the_capture_disproves() -> None:
    """A host that answers elsewhere is up, an agent that answers another community is on; communities are SNMP's only."""
    known = PortFinding(
        transport="udp", port=161, state=PortState.UNANSWERED, cause=Cause.NO_ANSWER, other_explanation="-"
    )
    unheard = replace(known, detail="4 requests in 15 s")
    elsewhere = replace(known, detail="4 requests in 15 s; community?; answers others on UDP 161")
    nameless = replace(unheard, port=1434)
    assert explain_state(unheard).endswith(
        "; a filter, a wrong community, the agent off, or the host down look the same from here"
    )
    assert explain_state(elsewhere).endswith("; a filter or a wrong community look the same from here")
    assert explain_state(nameless).endswith("; a filter, the service off, or the host down look the same from here")
    advice = remedy(elsewhere, CLIENT, SERVER)
    assert advice == "check that filters let UDP 161 from 192.0.2.10 to 198.51.100.21 pass, then the SNMP community"
    assert (remedy(unheard, CLIENT, SERVER) or "").endswith("then that the agent is on, then that 198.51.100.21 is up")


def test_an_access_list_is_named_as_the_other_explanation() -> None:
    finding = PortFinding(
        transport="udp",
        port=161,
        state=PortState.BLOCKED,
        cause=Cause.NO_ANSWER,
        detail="1 request",
        other_explanation="access list on the device",
    )
    assert explain_state(finding).endswith("or an access list on the device")


def test_a_host_that_the_router_cannot_reach_is_not_called_blocked_by_a_firewall() -> None:
    finding = port_of(unanswered(**icmp(3, 1)))
    assert "off, wrong address, or no ARP" in explain_state(finding)
    advice = remedy(finding, CLIENT, SERVER)
    assert advice == "check that 198.51.100.21 is on, is connected and has this address"


def test_a_prohibition_by_the_responder_itself_is_not_for_the_firewall_team() -> None:
    finding = port_of(unanswered(**icmp(3, 13, SERVER)))
    assert remedy(finding, CLIENT, SERVER) == ("allow TCP 443 from 192.0.2.10 in the firewall of 198.51.100.21 itself")


def test_a_prohibition_from_another_address_of_the_responder_is_its_own_too() -> None:
    both = dict.fromkeys((SERVER, "198.51.100.99"), frozenset({SERVER, "198.51.100.99"}))
    finding = port_of(unanswered(**icmp(3, 13, "198.51.100.99")), aliases=both)
    assert remedy(finding, CLIENT, SERVER) == ("allow TCP 443 from 192.0.2.10 in the firewall of 198.51.100.21 itself")


def test_a_doubtful_reset_says_who_else_may_have_sent_it() -> None:
    assert explain_state(port_of(refused())).endswith("or a device in the path says so")


def test_the_return_path_is_about_answers() -> None:
    finding = port_of(handshake(orig_acks=False, resp_nsynack=4))
    assert "its answers do not arrive" in explain_state(finding)
    assert (remedy(finding, CLIENT, SERVER) or "").startswith("check the route from 198.51.100.21 back to 192.0.2.10")


def test_an_alert_is_named_with_its_sender_and_its_remedy() -> None:
    finding = port_of(opened(tls_alert="unknown_ca", tls_alert_from_orig=True, service="tls"))
    assert explain_state(finding) == "192.0.2.10 ends the TLS handshake with alert unknown_ca"
    where = "(192.0.2.10 ended the handshake with 198.51.100.21)"
    advice = remedy(finding, CLIENT, SERVER)
    assert advice == f"install the issuing CA's certificate where the alert comes from {where}"
    other = port_of(opened(tls_alert="certificate_expired", tls_alert_from_orig=False, service="tls"))
    assert (remedy(other, CLIENT, SERVER) or "").endswith("(198.51.100.21 ended the handshake with 192.0.2.10)")


def test_what_works_needs_no_remedy() -> None:
    finding = port_of(opened(), replied())
    assert remedy(finding, CLIENT, SERVER) is None
    assert explain_state(finding).startswith("works")


def test_a_port_that_works_at_times_is_not_asked_of_the_firewall_team() -> None:
    """It is let through already: the advice is to look for what changes."""
    for failed in (unanswered(start=100), refused(start=100)):
        advice = remedy(port_of(opened(), failed), CLIENT, SERVER) or ""
        assert advice.startswith(
            "find out what changes between the times: TCP 443 from 192.0.2.10 to 198.51.100.21 works"
        )


def test_intermittent_gives_both_ranges() -> None:
    finding = port_of(opened(), unanswered(start=100))
    assert explain_state(finding).startswith("works at times: open (1 attempt) 2026-03-02T08:00:00.000000Z to ")
