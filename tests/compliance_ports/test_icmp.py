"""ICMP errors: every row of the table, and who sent them."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.compliance.attempts.icmp import CAUSES
from tests.compliance_ports.judging import port_of, told
from tests.compliance_ports.made import SERVER, asked, at, handshake, icmp, opened, replied, request, unanswered

ROUTER = "192.0.2.1"
SIX = {"orig": "2001:db8::10", "resp": "2001:db8:1::21"}
WORDS = {
    (4, 3, 9): "admin-prohibited", (4, 3, 10): "admin-prohibited", (4, 3, 13): "admin-prohibited",
    (6, 1, 1): "admin-prohibited", (6, 1, 5): "admin-prohibited", (6, 1, 6): "admin-prohibited",
    (4, 3, 1): "host-unreachable", (4, 3, 7): "host-unreachable", (4, 3, 12): "host-unreachable",
    (6, 1, 3): "host-unreachable",
    (4, 3, 0): "net-unreachable", (4, 3, 6): "net-unreachable", (4, 3, 11): "net-unreachable",
    (6, 1, 0): "net-unreachable",
    (4, 3, 3): "port-unreachable", (6, 1, 4): "port-unreachable",
    (4, 3, 2): "other", (4, 11, 0): "other",
}  # fmt: skip


def test_the_table_has_these_rows_and_no_others() -> None:
    assert {key: str(cause).removeprefix("icmp-") for key, cause in CAUSES.items()} == WORDS


@pytest.mark.parametrize(("version", "kind", "code"), list(WORDS))
@pytest.mark.parametrize("story", [unanswered, request], ids=["tcp", "udp"])
def test_an_error_of_a_router_blocks_and_names_the_router(version: int, kind: int, code: int, story: Any) -> None:
    ends = SIX if version == 6 else {}
    sender = "2001:db8::1" if version == 6 else ROUTER
    finding = port_of(story(**ends, **icmp(kind, code, sender)))
    assert told(finding) == f"blocked/icmp-{WORDS[version, kind, code]}"
    assert (finding.by, finding.confidence) == (sender, "high")
    assert 9 in finding.evidence[0].frames


@pytest.mark.parametrize(("kind", "code"), [(3, 4), (11, 1), (12, 0)])
def test_other_errors_stop_no_conversation(kind: int, code: int) -> None:
    assert told(port_of(unanswered(**icmp(kind, code)), beside=[opened(port=80)])) == "blocked/no-answer"


@pytest.mark.parametrize("story", [unanswered, request], ids=["tcp", "udp"])
def test_port_unreachable_from_the_responder_is_a_refusal(story: Any) -> None:
    finding = port_of(story(**icmp(3, 3, SERVER)))
    assert (told(finding), finding.by) == ("refused/icmp-port-unreachable", SERVER)


def test_every_address_of_the_host_is_the_responder() -> None:
    both = dict.fromkeys((SERVER, "198.51.100.99"), frozenset({SERVER, "198.51.100.99"}))
    finding = port_of(request(**icmp(3, 3, "198.51.100.99")), aliases=both)
    assert told(finding) == "refused/icmp-port-unreachable"


def test_a_responder_that_prohibits_has_a_firewall_of_its_own() -> None:
    finding = port_of(unanswered(**icmp(3, 10, SERVER)))
    assert (told(finding), finding.by) == ("blocked/icmp-admin-prohibited", SERVER)
    assert finding.detail == "7 SYNs in 63 s; ICMP administratively prohibited; its own firewall"


def test_an_answer_after_the_error_is_open() -> None:
    assert told(port_of(opened(**icmp(3, 1)))) == "open"
    assert told(port_of(replied(**icmp(3, 1)))) == "open"


def test_the_first_error_that_stops_something_counts() -> None:
    later = {"serial": 0, "t": at(2), "file": 0, "frame": 40, "sender": ROUTER, "version": 4, "about_orig": True}
    errors = [{**later, "type": 3, "code": 13}]
    finding = port_of(unanswered(**icmp(3, 4, "192.0.2.2")), icmp_errors=errors)
    assert (told(finding), finding.by) == ("blocked/icmp-admin-prohibited", ROUTER)
    assert 40 in finding.evidence[0].frames


def test_an_error_about_the_answer_stops_the_handshake_too() -> None:
    error = icmp(3, 13, icmp_about_orig=False)
    finding = port_of(handshake(orig_acks=False, **error))
    assert told(finding) == "blocked/icmp-admin-prohibited"
    assert finding.detail == "1 SYN; ICMP administratively prohibited; about the answer"


def test_an_initiator_that_no_longer_listens_stops_nothing() -> None:
    assert told(port_of(replied(**icmp(3, 3, "192.0.2.10", icmp_about_orig=False)))) == "open"


def test_an_error_explains_payload_that_is_never_acknowledged() -> None:
    stuck = asked(orig_stuck=3, resp_acks_payload=False, **icmp(3, 13))
    assert told(port_of(stuck)) == "blocked/icmp-admin-prohibited"


def test_packets_too_big_name_the_router_where_payload_gets_lost() -> None:
    finding = port_of(asked(orig_stuck=3, resp_acks_payload=False, **icmp(3, 4, ROUTER)))
    assert told(finding) == "blocked/dropped-after-handshake"
    assert finding.detail is not None
    assert finding.detail.endswith("192.0.2.1 reports packets too big")
