"""From the attempts on one port to its state."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.compliance.attempts.judge import Demand
from tests.compliance_ports.judging import SNMP, judge, port_of, told
from tests.compliance_ports.made import SERVER, at, flow, handshake, icmp, opened, refused, replied, request, unanswered

RST = {"orig_nrst": 1, "orig_rst_t": at(0.01), "orig_rst_ttl": 64, "orig_rst_path": 1}


def test_open_and_failed_attempts_are_intermittent_with_both_time_ranges() -> None:
    finding = port_of(opened(), opened(start=10), unanswered(start=100))
    assert (told(finding), finding.attempts, finding.answered) == ("intermittent/no-answer", 3, 2)
    assert finding.detail is not None
    assert "open (2 attempts) 2026-03-02T08:00:00.000000Z to 2026-03-02T08:00:10.030000Z" in finding.detail
    assert "no-answer (1 attempt) 2026-03-02T08:01:40.000000Z to 2026-03-02T08:02:43.000000Z" in finding.detail
    assert finding.service == "http"
    assert len(finding.evidence) == 2


def test_of_different_failures_the_worst_is_told_and_the_rest_named() -> None:
    finding = port_of(refused(), unanswered(start=10, **icmp(3, 13)), beside=[opened(port=80)])
    assert told(finding) == "blocked/icmp-admin-prohibited"
    assert finding.detail is not None
    assert finding.detail.endswith("also reset-by-responder (1 attempt)")


@pytest.mark.parametrize(
    "weak",
    [
        pytest.param(handshake(start=5, **RST), id="probe"),
        pytest.param(unanswered(start=598, span=0, syns=1), id="pending"),
        pytest.param(handshake(start=5, orig_pkts=0, orig_nsyn=0, orig_acks=False), id="one-sided"),
        pytest.param(flow(orig_pkts=1, orig_nrst=1), id="lone-reset"),
    ],
)
@pytest.mark.parametrize("strong", [opened(), refused()], ids=["open", "refused"])
def test_attempts_without_outcome_do_not_count_beside_one_with(weak: dict[str, Any], strong: dict[str, Any]) -> None:
    alone, beside = port_of(strong, beside=[opened(port=80)]), port_of(strong, weak, beside=[opened(port=80)])
    assert told(alone) == told(beside)


def test_of_attempts_without_outcome_a_probe_says_most() -> None:
    assert told(port_of(handshake(**RST), unanswered(start=598, span=0))) == "probe-only"


def test_a_pending_attempt_beside_a_one_sided_one_is_one_sided() -> None:
    assert told(port_of(unanswered(), unanswered(start=598, span=0))) == "one-sided"


HTTPS = Demand(transport="tcp", port=443, services=("https",))


@pytest.mark.parametrize(
    ("services", "label", "state"),
    [
        (("https",), "tls", "open"),
        (("https",), "http", "wrong-protocol"),
        (("http",), "http", "open"),
        (("http",), "tls", "wrong-protocol"),
        (("http", "https"), "tls", "open"),
        (("raw-print",), "ssh", "wrong-protocol"),
        (("ipp",), "http", "open"),
        (("ymq",), "tls", "open"),
        (("ymq",), "zmtp", "open"),
        (("ymq",), "http", "wrong-protocol"),
        (("ymq",), "ssh", "wrong-protocol"),
        (("ymq",), "smb", "wrong-protocol"),
        (("ymq",), "rmi", "wrong-protocol"),
        (("ymq", "http"), "http", "open"),
        (("opaque",), "tls", "open"),
        (("safeq-terminal",), "tls", "open"),
        (("safeq-terminal",), "ssh", "wrong-protocol"),
        (("safeq-client",), "raw-print", "open"),
        (("safeq-client",), "http", "wrong-protocol"),
        (("opaque",), "ssh", "wrong-protocol"),
        (("opaque",), "http", "open"),
        ((), "ssh", "open"),
    ],
)
def test_a_proved_label_must_fit_what_the_rule_asks(services: tuple[str, ...], label: str, state: str) -> None:
    finding = port_of(opened(service=label), demand=Demand(transport="tcp", port=1, services=services))
    assert told(finding) == state
    assert finding.service == label


@pytest.mark.parametrize(("label", "basis"), [("ssh", "port"), (None, None), ("opaque", "payload")])
def test_what_no_bytes_prove_is_never_the_wrong_protocol(label: str | None, basis: str | None) -> None:
    assert told(port_of(opened(service=label, basis=basis), demand=HTTPS)) == "open"


def test_a_bare_connection_shows_nothing_of_the_right_protocol() -> None:
    demand = Demand(transport="tcp", port=9100, services=("raw-print",))
    assert told(port_of(opened(service="ssh"), handshake(start=9), demand=demand)) == "wrong-protocol"
    right = opened(start=9, service="raw-print")
    assert told(port_of(opened(service="ssh"), right, demand=demand)) == "intermittent"


def test_a_refusal_in_another_protocol_is_the_wrong_protocol() -> None:
    assert told(port_of(opened(service="http", refused_code="HTTP 401"), demand=HTTPS)) == "wrong-protocol"


def test_a_challenge_followed_by_success_is_open() -> None:
    challenged = opened(refused_code="HTTP 401")
    assert told(port_of(challenged, opened(start=1))) == "open"
    assert told(port_of(challenged, opened(start=100))) == "intermittent/application-refused"
    assert told(port_of(opened(refused_code="FTP 530"), opened(start=1))) == "intermittent/application-refused"
    assert told(port_of(opened(), opened(start=1, refused_code="HTTP 401"))) == "intermittent/application-refused"


# -------------------------------------------------------------------------------------------- datagrams


def row(serial: int, seconds: float = 0, *, answer: float = 0, **facts: Any) -> dict[str, Any]:
    given = {
        "serial": serial, "t": at(seconds), "last_t": at(seconds), "file": 0, "frame": 1, "last_frame": 1, "sent": 1,
        "answer_t": at(answer) if answer else 0, "answer_frame": 2 if answer else 0, "repeat_after_answer": 0,
    }  # fmt: skip
    return {**given, "credential": 1, **facts}


def test_each_request_of_a_flow_is_an_attempt() -> None:
    requests = [row(0, 0, answer=0.1), row(0, 1, answer=1.1), row(0, 5)]
    finding = port_of(replied(service="snmp", basis="payload"), demand=SNMP, requests=requests)
    assert (told(finding), finding.attempts, finding.answered) == ("intermittent/no-answer", 3, 2)
    assert judge(replied(), requests=requests).states["state"].to_list() == ["intermittent"]


def test_a_flow_without_requests_is_one_attempt() -> None:
    assert port_of(replied(), demand=SNMP).attempts == 1


def test_a_request_repeated_after_its_answer_is_the_return_path() -> None:
    told_twice = row(0, answer=0.1, sent=3, repeat_after_answer=2)
    finding = port_of(replied(), demand=SNMP, requests=[told_twice])
    assert (told(finding), finding.confidence) == ("blocked/return-path", "high")
    assert told(port_of(replied(), demand=SNMP, requests=[{**told_twice, "repeat_after_answer": 1}])) == "open"
    assert told(port_of(replied(orig_repeat_after_answer=2), demand=SNMP)) == "blocked/return-path"


def test_a_request_answered_at_its_second_sending_is_delayed() -> None:
    late = row(0, answer=2.0, sent=2, last_t=at(1.9))
    finding = port_of(replied(service="snmp", basis="payload"), demand=SNMP, requests=[late])
    assert (told(finding), finding.detail) == ("open", "delayed 2.0 s")


def test_what_a_service_notes_of_its_answers_is_told() -> None:
    finding = port_of(replied(service="snmp", basis="payload", answer_note="discovery only"), demand=SNMP)
    assert (told(finding), finding.detail) == ("open", "discovery only")


def test_a_refusal_in_a_datagram_is_failing() -> None:
    refusal = replied(service="snmp", basis="payload", refused_code="SNMP wrong digest")
    assert told(port_of(refusal, demand=SNMP)) == "failing/application-refused"


def test_an_answer_without_its_request_is_one_sided() -> None:
    assert told(port_of(replied(orig_pkts=0), demand=SNMP)) == "one-sided"


def test_an_error_stops_the_requests_before_it_only() -> None:
    requests = [row(0, 0), row(0, 50)]
    error = icmp(3, 3, SERVER, seconds=1)
    finding = port_of(request(**error), beside=[opened(port=80)], demand=SNMP, requests=requests)
    assert told(finding) == "refused/icmp-port-unreachable"
    assert finding.detail is not None
    assert "also no-answer (1 attempt)" in finding.detail


# -------------------------------------------------------------------------------------------- the rest


def test_no_flows_are_no_attempt() -> None:
    finding = judge(opened()).port([], HTTPS)
    assert (told(finding), finding.detail, finding.evidence) == ("not-attempted", None, ())


def test_flows_that_nobody_knows_are_passed_over() -> None:
    assert told(judge(opened()).port([0, 4711], HTTPS)) == "wrong-protocol"
    assert told(judge(opened()).port([4711], HTTPS)) == "not-attempted"


def test_states_come_in_the_order_of_the_flows() -> None:
    states = judge(opened(), refused(), replied(), handshake(**RST), beside_none := unanswered(port=5)).states
    assert beside_none["id.resp_p"] == 5
    assert states.columns == ["serial", "state", "cause", "attempt", "probe"]
    assert states["serial"].to_list() == [0, 1, 2, 3, 4]
    assert states["state"].to_list() == ["open", "refused", "open", "probe-only", "blocked"]
    assert states["cause"].to_list() == [None, "reset-by-responder", None, None, "no-answer"]
    assert states["probe"].to_list() == [False, False, False, True, False]


def test_flows_from_probing_addresses_are_marked() -> None:
    states = judge(opened(orig="192.0.2.101"), opened(), probes=frozenset({"192.0.2.101"})).states
    assert states["probe"].to_list() == [True, False]


def test_an_empty_capture_judges_nothing() -> None:
    assert judge().states.height == 0
    assert told(judge().port([1], HTTPS)) == "not-attempted"
    assert judge().evidence([1]) == ()


def test_many_flows_on_one_port_are_summed_up_quickly() -> None:
    many = [opened(start=second) for second in range(300)] + [unanswered(start=1000)]
    finding = port_of(*many, ended=2000)
    assert finding.attempts == 301
    assert len(finding.evidence) <= 4
