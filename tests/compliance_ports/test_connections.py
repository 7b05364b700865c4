"""TCP attempts: what each shape of a connection is called."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.compliance.attempts.judge import Demand
from tests.compliance_ports.judging import judge, port_of, told
from tests.compliance_ports.made import BACK, NOTHING, SERVER, asked, at, flow, handshake, opened, unanswered

RAW = Demand(transport="tcp", port=9100, services=("raw-print",))


def running(**facts: Any) -> dict[str, Any]:
    """A conversation that began before the capture, with payload and acknowledgements from both sides."""
    given = {"orig_nsyn": 0, "resp_nsynack": 0, "by_syn": False, "conn_state": "OTH", "history": "^DdA"}
    return opened(**{**given, "orig_nfin": 0, "resp_nfin": 0, **facts})


def reset_by(side: str, seconds: float, *, ttl: int, **facts: Any) -> dict[str, Any]:
    path = BACK if side == "resp" else 1
    made = {"nrst": 1, "rst_t": at(seconds), "rst_frame": 20, "rst_ttl": ttl, "rst_path": path}
    return {**{f"{side}_{name}": value for name, value in made.items()}, **facts}


def test_payload_both_ways_is_open_with_the_service_that_its_bytes_prove() -> None:
    finding = port_of(opened(service="http"))
    assert (told(finding), finding.service, finding.basis, finding.confidence) == ("open", "http", "payload", "high")
    assert (finding.attempts, finding.answered) == (1, 1)
    assert finding.first == "2026-03-02T08:00:00.000000Z"


def test_inside_tls_nothing_more_is_claimed() -> None:
    assert port_of(opened(service="tls")).detail == "encrypted, application not visible"


def test_unknown_bytes_are_open_and_unproven() -> None:
    finding = port_of(opened(service=None), demand=Demand(transport="tcp", port=80, services=("http",)))
    assert (told(finding), finding.service, finding.detail) == ("open", None, "port open, protocol unproven")


def test_a_label_by_port_proves_nothing_but_is_named_as_a_guess() -> None:
    finding = port_of(opened(service="ipp", basis="port"))
    assert (finding.service, finding.basis, finding.detail) == ("ipp", "port", "port open, protocol unproven")


@pytest.mark.parametrize(
    "ending",
    [
        {},
        {"orig_nfin": 1, "orig_fin_t": at(0.1), "resp_nfin": 1, "resp_fin_t": at(0.2)},
        {"resp_nfin": 1, "resp_fin_t": at(0.1)},
    ],
    ids=["left-open", "closed", "closed-by-responder"],
)
def test_a_bare_handshake_is_open_without_service(ending: dict[str, Any]) -> None:
    finding = port_of(handshake(service="http", basis="port", **ending))
    assert (told(finding), finding.service, finding.detail) == ("open", None, "port open, protocol unproven")


def test_syns_dropped_first_and_answered_later_are_open_and_delayed() -> None:
    late = {"orig_nsyn": 2, "orig_syn_last_t": at(3), "resp_syn_t": at(3.001), "resp_syn_last_t": at(3.001)}
    finding = port_of(opened(**late))
    assert (told(finding), finding.detail) == ("open", "delayed 3.0 s")


def test_a_syn_sent_twice_and_answered_at_once_is_not_delayed() -> None:
    finding = port_of(opened(orig_nsyn=2))
    assert finding.detail == "1 connection, 1.0 ms"


@pytest.mark.parametrize("acknowledged", [True, False], ids=["with-ack", "without-ack"])
def test_a_handshake_that_the_initiator_resets_is_a_probe(acknowledged: bool) -> None:
    finding = port_of(handshake(orig_acks=acknowledged, **reset_by("orig", 0.01, ttl=64)))
    assert (told(finding), finding.confidence) == ("probe-only", "high")


def test_a_reset_by_the_initiator_after_a_fin_is_a_close() -> None:
    closed = handshake(resp_nfin=1, resp_fin_t=at(0.005), **reset_by("orig", 0.01, ttl=64))
    assert told(port_of(closed)) == "open"


@pytest.mark.parametrize("side", ["orig", "resp"])
def test_a_reset_after_payload_both_ways_is_a_close(side: str) -> None:
    ttl = 64 if side == "orig" else 60
    assert told(port_of(opened(**reset_by(side, 0.5, ttl=ttl)))) == "open"


def test_a_responder_that_closes_first_without_a_word_is_failing() -> None:
    finding = port_of(asked(resp_nfin=1, resp_fin_t=at(0.1), resp_fin_frame=9, orig_nfin=1, orig_fin_t=at(0.2)))
    assert (told(finding), finding.by) == ("failing/closed-without-data", SERVER)


def test_a_responder_that_closed_before_it_was_asked_anything_has_not_failed() -> None:
    assert (
        told(port_of(asked(resp_nfin=1, resp_fin_t=at(0.005), orig_data_t=at(0.5), orig_nfin=1, orig_fin_t=at(1))))
        == "open"
    )


def test_a_fin_after_the_initiators_fin_is_a_close() -> None:
    assert told(port_of(asked(orig_nfin=1, orig_fin_t=at(0.1), resp_nfin=1, resp_fin_t=at(0.2)))) == "open"


@pytest.mark.parametrize("story", [asked, handshake], ids=["after-payload", "bare"])
def test_a_responder_that_resets_without_a_word_is_failing(story: Any) -> None:
    finding = port_of(story(**reset_by("resp", 0.1, ttl=60)))
    assert (told(finding), finding.by, finding.confidence) == ("failing/closed-without-data", SERVER, "high")


@pytest.mark.parametrize("service", ["raw-print", "ftp-data", "jgroups", "safeq-client"])
def test_services_that_never_answer_may_close_without_a_word(service: str) -> None:
    closed = asked(resp_nfin=1, resp_fin_t=at(0.1))
    assert told(port_of(closed, demand=Demand(transport="tcp", port=1, services=(service,)))) == "open"
    labelled = asked(resp_nfin=1, resp_fin_t=at(0.1), service=service, basis="payload")
    assert judge(labelled).states["state"].to_list() == ["open"]


@pytest.mark.parametrize(("from_orig", "sender"), [(True, "192.0.2.10"), (False, SERVER)])
def test_a_fatal_alert_names_its_sender(from_orig: bool, sender: str) -> None:
    alert = {"tls_alert": "unknown_ca", "tls_alert_from_orig": from_orig, "tls_alert_frame": 12}
    finding = port_of(opened(service="tls", **alert))
    assert (told(finding), finding.detail, finding.by) == ("failing/tls-alert", "unknown_ca", sender)
    assert 12 in finding.evidence[0].frames


HELLO: dict[str, Any] = {"service": "tls", "basis": "payload", "tls_client_hello_t": at(0.003)}


def test_a_client_hello_without_server_hello_stalls_after_five_seconds() -> None:
    assert told(port_of(asked(**HELLO), ended=5.1)) == "failing/tls-stalled"
    assert told(port_of(asked(**HELLO), ended=4.9)) == "open"


def test_a_client_hello_given_up_by_the_initiator_stalls() -> None:
    finding = port_of(asked(**HELLO, orig_nfin=1, orig_fin_t=at(2), resp_nfin=1, resp_fin_t=at(2.1)), ended=4)
    assert (told(finding), finding.detail) == ("failing/tls-stalled", "ClientHello acknowledged, no ServerHello")


def test_a_client_hello_that_nobody_acknowledged_has_not_stalled() -> None:
    assert told(port_of(asked(**HELLO, resp_acks_payload=False), ended=60)) == "open"


def test_a_client_that_falls_silent_after_the_server_hello_stalls() -> None:
    halfway = {"tls_server_hello_t": at(0.01), "tls_version": "TLS 1.3", "orig_nfin": 0, "resp_nfin": 0}
    finding = port_of(opened(**{**HELLO, **halfway}))
    assert told(finding) == "failing/tls-stalled"
    assert finding.detail == "no word from the client after the ServerHello (TLS 1.3 chosen)"
    gone_on = {"tls_client_next_t": at(0.02), "orig_data_last_t": at(0.02)}
    assert told(port_of(opened(**{**HELLO, **halfway, **gone_on}))) == "open"
    assert told(port_of(opened(**{**HELLO, **halfway}), ended=4)) == "open"


def test_a_hello_to_which_a_conversation_changes_over_and_that_finds_no_word_stalls() -> None:
    """A database that closes on the hello inside its packets: it spoke before, in clear, so that nothing else shows it."""
    hello: dict[str, Any] = {
        "service": "tds",
        "basis": "payload",
        "tls_client_hello_t": at(0.5),
        "orig_data_last_t": at(0.5),
    }
    changed = {**hello, "resp_data_t": at(0.1), "resp_data_last_t": at(0.1), "resp_acks_payload": True}
    for end in ("orig", "resp"):
        finding = port_of(opened(**changed, **{f"{end}_nfin": 1, f"{end}_fin_t": at(0.6)}), ended=1)
        assert (told(finding), finding.detail) == ("failing/tls-stalled", "ClientHello acknowledged, no ServerHello")
    silent = {"orig_nfin": 0, "resp_nfin": 0}
    assert told(port_of(opened(**changed, **silent), ended=9)) == "failing/tls-stalled"
    assert told(port_of(opened(**changed, **silent), ended=4)) == "open"
    assert told(port_of(opened(**{**changed, "resp_data_last_t": at(0.6)}, **silent), ended=9)) == "open"
    assert told(port_of(opened(**changed, **silent, missed_bytes=9), ended=9)) == "open"


EXPIRED = "the server's certificate expired 2024-01-02"


def test_a_certificate_out_of_its_time_stands_beside_whatever_became_of_the_handshake() -> None:
    """A client may fall silent over it or go on: the reader should know either way, and an alert names it by itself."""
    hello = {**HELLO, "tls_server_hello_t": at(0.01), "tls_version": "TLS 1.2", "answer_note": EXPIRED}
    finding = port_of(opened(**{**hello, "orig_nfin": 0, "resp_nfin": 0}))
    assert told(finding) == "failing/tls-stalled"
    assert finding.detail == f"no word from the client after the ServerHello (TLS 1.2 chosen); {EXPIRED}"
    went_on = port_of(opened(**{**hello, "tls_client_next_t": at(0.02), "orig_data_last_t": at(0.02)}))
    assert (told(went_on), went_on.detail) == ("open", f"encrypted, application not visible; {EXPIRED}")


def test_a_client_hello_answered_in_clear_text_is_the_wrong_protocol() -> None:
    finding = port_of(
        opened(service="tls", wrong_side=True), demand=Demand(transport="tcp", port=443, services=("https",))
    )
    assert (told(finding), finding.detail) == ("wrong-protocol", "TLS asked, clear text answered")


def test_payload_sent_again_twice_and_never_acknowledged_was_dropped() -> None:
    assert told(port_of(asked(orig_stuck=2, resp_acks_payload=False))) == "blocked/dropped-after-handshake"
    assert told(port_of(asked(orig_stuck=1, resp_acks_payload=False))) == "open"


def test_big_segments_dropped_while_small_ones_pass_suggest_the_path_mtu() -> None:
    finding = port_of(opened(resp_stuck=3))
    assert told(finding) == "blocked/dropped-after-handshake"
    assert (
        finding.detail
        == "payload of the responder sent again 3 times, never acknowledged; smaller segments pass: path MTU?"
    )


def test_a_receiver_that_closed_its_window_is_no_drop() -> None:
    assert told(port_of(asked(orig_stuck=5, resp_zero_window=3))) == "open"


def test_a_syn_ack_repeated_twice_and_never_acknowledged_is_the_return_path() -> None:
    unheard = {"orig_acks": False, "resp_nsynack": 3, "resp_syn_last_t": at(7), "resp_syn_last_frame": 8}
    finding = port_of(handshake(**unheard))
    assert (told(finding), finding.confidence) == ("blocked/return-path", "high")
    assert finding.evidence[0].frames == (1, 2, 8)


def test_a_responder_that_gives_up_unheard_with_a_reset_was_still_unheard() -> None:
    unheard = {"orig_acks": False, "resp_nsynack": 3, **reset_by("resp", 20, ttl=60)}
    assert told(port_of(handshake(**unheard))) == "blocked/return-path"
    assert told(port_of(handshake(**unheard), demand=RAW)) == "blocked/return-path"


def test_a_syn_ack_repeated_once_says_too_little() -> None:
    unheard = {"orig_acks": False, "resp_nsynack": 2}
    assert told(port_of(handshake(**unheard))) == "one-sided"
    assert told(port_of(handshake(**unheard), ended=2)) == "pending"


def test_a_refusal_by_the_application_is_failing() -> None:
    finding = port_of(opened(refused_code="HTTP 403", refused_frame=15))
    assert (told(finding), finding.detail, finding.by) == ("failing/application-refused", "HTTP 403", SERVER)
    assert 15 in finding.evidence[0].frames


def test_a_running_conversation_is_open_however_it_ends() -> None:
    assert port_of(running()).detail == "mid-stream"
    assert told(port_of(running(**reset_by("resp", 1, ttl=60)))) == "open"
    assert port_of(running(orig_bytes=0, resp_bytes=0, resp_acks=True)).detail == "mid-stream"


@pytest.mark.parametrize("end", [{"orig_nrst": 1}, {"orig_nfin": 1}], ids=["reset", "fin"])
def test_a_lone_reset_or_fin_is_no_attempt(end: dict[str, Any]) -> None:
    last_packet = flow(orig_pkts=1, history="^R", conn_state="OTH", **end)
    finding = port_of(last_packet)
    assert (told(finding), finding.attempts) == ("not-attempted", 0)
    assert judge(last_packet).states["attempt"].to_list() == [False]


def test_acknowledgements_of_an_unseen_responder_prove_the_port_open() -> None:
    finding = port_of(asked(resp_pkts=0, resp_nsynack=0, resp_acks=False, resp_acks_payload=False, resp_ttl_max=0))
    assert (told(finding), finding.detail, finding.confidence) == ("open", "inferred", "medium")


def test_acknowledgements_of_an_unseen_initiator_prove_the_port_open() -> None:
    assert port_of(opened(orig_pkts=0, orig_nsyn=0, orig_acks=False, orig_bytes=0)).detail == "inferred"


@pytest.mark.parametrize("seen", ["orig", "resp"])
def test_a_fatal_alert_fails_even_where_only_its_sender_is_captured(seen: str) -> None:
    unseen = "resp" if seen == "orig" else "orig"
    handshakes = {"orig_nsyn": 0} if unseen == "orig" else {"resp_nsynack": 0}
    missing = {f"{unseen}_{name}": NOTHING[f"{unseen}_{name}"] for name in ("pkts", "acks", "bytes", "acks_payload")}
    alert = {"tls_alert": "unknown_ca", "tls_alert_from_orig": seen == "orig", "service": "tls"}
    finding = port_of(opened(**handshakes, **missing, **alert))
    assert (told(finding), finding.detail) == ("failing/tls-alert", "unknown_ca")


def test_a_refusal_fails_even_where_only_the_responder_is_captured() -> None:
    half = opened(orig_pkts=0, orig_nsyn=0, orig_acks=False, orig_bytes=0, refused_code="FTP 530")
    assert told(port_of(half)) == "failing/application-refused"


def test_a_lone_syn_ack_is_one_sided() -> None:
    finding = port_of(handshake(orig_pkts=0, orig_nsyn=0, orig_acks=False))
    assert (told(finding), finding.detail) == ("one-sided", "nothing of the initiator in this capture")


def test_one_running_direction_is_open_only_if_it_acknowledges_payload() -> None:
    half = running(resp_pkts=0, resp_bytes=0, resp_acks=False, resp_acks_payload=False)
    assert port_of(half).detail == "inferred"
    assert told(port_of({**half, "orig_acks_payload": False})) == "one-sided"


def test_a_service_that_opens_between_two_syns_is_open() -> None:
    refused_first = reset_by("resp", 0.0005, ttl=60)
    assert told(port_of(opened(orig_nsyn=2, resp_syn_t=at(0.5), **refused_first))) == "open"
    assert told(port_of(handshake(orig_nsyn=2, resp_syn_t=at(0.5), **refused_first))) == "open"


def test_nothing_back_within_three_seconds_of_capture_is_pending() -> None:
    assert told(port_of(unanswered(syns=1, span=0), ended=2.9)) == "pending"
    assert told(port_of(unanswered(syns=1, span=0), beside=[opened(port=80)], ended=3.1)) == "blocked/no-answer"


@pytest.mark.parametrize(("begins_again", "state"), [(3600, "pending"), (30, "blocked/no-answer")], ids=["gap", "ring"])
def test_a_later_capture_does_not_make_up_for_what_nobody_watched(begins_again: int, state: str) -> None:
    """One capture ends a second after the SYN; another one an hour later does not show the missed answer."""
    asked_late = unanswered(start=99, syns=1, span=0)
    periods = ((at(0), at(100)), (at(begins_again + 100), at(begins_again + 200)))
    finding = port_of(asked_late, beside=[opened(port=80)], periods=periods, ended=begins_again + 200)
    assert told(finding) == state


@pytest.mark.parametrize(
    "ending",
    [
        {"resp_nfin": 1, "resp_fin_t": at(0.5)},
        reset_by("resp", 0.5, ttl=60),
        {"tls_client_hello_t": at(0.01), "service": "tls"},
        {"tls_client_hello_t": at(0.01), "tls_server_hello_t": at(0.02), "missed_bytes": 400, "service": "tls"},
    ],
    ids=["closed", "reset", "no-server-hello", "no-client-record"],
)
def test_what_the_capture_lost_is_not_held_against_anybody(ending: dict[str, Any]) -> None:
    """The other end acknowledged payload that the capture lacks: something was said, whatever it was."""
    assert told(port_of(asked(resp_acks_payload=True, orig_acks_payload=True, **ending))) == "open"
