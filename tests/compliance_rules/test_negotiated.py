"""Announced ports: kept, failed, unkept, third addresses, many, encrypted control channels, SQL instances."""

from __future__ import annotations

from typing import Any

from tests.compliance_ports.made import at, opened, replied, request, unanswered
from tests.compliance_rules.little import (
    MFD,
    MFD2,
    OUTSIDE,
    SERVER,
    A,
    Ports,
    Requirement,
    Transport,
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

_CONTROL = rule(
    "control", initiator="mfd", responder="terminal-server", subject="initiator", ports=(21,), service="ftp"
)
_ANY = Ports(negotiated_by="s/control", range=(1024, 65535))
_PASSIVE = rule(
    "passive",
    initiator="mfd",
    responder="terminal-server",
    subject="initiator",
    ports=_ANY,
    service="ftp-data",
    requirement=Requirement.OPTIONAL,
)
_ACTIVE = rule("active", ports=_ANY, service="ftp-data", requirement=Requirement.OPTIONAL)
_BROWSER = rule(
    "browser",
    initiator="management",
    responder="mssql",
    subject="initiator",
    transport=Transport.UDP,
    ports=(1434,),
    service="sql-browser",
)
_INSTANCE = rule(
    "instance",
    initiator="management",
    responder="mssql",
    subject="initiator",
    ports=Ports(negotiated_by="s/browser", range=(1024, 65535)),
    service="tds",
)
_DATABASE = site(host("management", A, "management"), host("database", MFD, "mssql"))
_RULES = [_CONTROL, _PASSIVE, _ACTIVE]
_TALK = opened(orig=MFD, resp=A, port=21, service="ftp")


def passive(port: int, **facts: Any) -> dict[str, Any]:
    """The server announces a port to the printer, in the control flow that is number 0."""
    told = {"kind": "ftp-passive", "initiator": MFD, "responder": A, "announced": A}
    return {"control": 0, "t": at(1), "file": 0, "frame": 5, "port": port, **told, **facts}


def active(port: int, **facts: Any) -> dict[str, Any]:
    """The printer announces a port to the server."""
    return passive(port, **{"kind": "ftp-active", "initiator": A, "responder": MFD, "announced": MFD, **facts})


def test_a_kept_promise_satisfies_the_data_row() -> None:
    """The announced number is the port of the verdict, and nothing is unexpected."""
    data = opened(orig=MFD, resp=A, port=50010, start=1.5, service="ftp-data", basis="negotiated")
    judgement = judged([_TALK, data], _RULES, promises=[passive(50010, kept_by=1)])
    entry = entries(judgement, "passive")[0]
    assert (entry.verdict, states(entry)) == ("satisfied", {50010: "open"})
    assert judgement.unexpected == ()


def test_an_announced_port_that_is_dropped_is_blocked() -> None:
    """A SYN to the announced port that nobody gave to the promise is still its attempt."""
    data = unanswered(orig=A, resp=MFD, port=40001, start=1.5)
    judgement = judged([_TALK, data], _RULES, promises=[active(40001)])
    entry = entries(judgement, "active")[0]
    assert (called(entry.initiator), called(entry.responder), entry.verdict) == ("server", "printer", "blocked")
    assert states(entry) == {40001: "blocked"}
    assert judgement.unexpected == ()


def test_a_network_is_satisfied_by_one_client_whose_announced_port_opens() -> None:
    """Announced ports differ from client to client: one printer of a network fails, another one works."""
    place = site(SERVER, net("printers", "198.51.100.0/24", "mfd"))
    flows = [
        _TALK,
        opened(orig=MFD2, resp=A, port=21, service="ftp"),
        unanswered(orig=A, resp=MFD, port=40001, start=1.5),
        opened(orig=A, resp=MFD2, port=40002, start=1.5, service="ftp-data", basis="negotiated"),
    ]
    promises = [active(40001), active(40002, control=1, responder=MFD2, announced=MFD2, kept_by=3)]
    assert only(judged(flows, _RULES, place, promises=promises), "active") == [
        ("server", MFD, "blocked"),
        ("server", "printers", "satisfied"),
    ]


def test_a_blocked_announced_port_shows_the_line_that_announced_it() -> None:
    """Active and passive alike: the frame of PORT or 227 stands beside the attempt, with the filter of its own flow."""
    for promise, data in (
        (passive(50010), unanswered(orig=MFD, resp=A, port=50010, start=1.5)),
        (active(40001), unanswered(orig=A, resp=MFD, port=40001, start=1.5)),
    ):
        found = [
            entry for entry in judged([_TALK, data], _RULES, promises=[promise]).verdicts if entry.verdict == "blocked"
        ]
        (finding,) = found[0].ports
        assert "announced in frame 5" in (finding.detail or "")
        line = finding.evidence[-1]
        assert (line.frames, f"tcp.port=={21}" in line.filter) == ((5,), True)
        assert line.community_id != finding.evidence[0].community_id


def test_an_announced_port_that_opens_needs_no_line() -> None:
    data = opened(orig=MFD, resp=A, port=50010, start=1.5, service="ftp-data", basis="negotiated")
    (finding,) = entries(judged([_TALK, data], _RULES, promises=[passive(50010, kept_by=1)]), "passive")[0].ports
    assert len(finding.evidence) == 1
    assert "announced" not in (finding.detail or "")


def test_an_announced_port_that_nobody_tried_is_named() -> None:
    """Optional, so that it is unused and no finding, with the number that was announced."""
    entry = entries(judged([_TALK], _RULES, promises=[passive(50010)]), "passive")[0]
    assert (entry.verdict, states(entry)) == ("unused", {50010: "not-attempted"})


def test_without_an_announcement_the_port_is_not_known() -> None:
    """No number is invented."""
    entry = entries(judged([_TALK], _RULES), "passive")[0]
    assert states(entry) == {None: "not-attempted"}


def test_a_failed_syn_to_an_announced_third_address_is_an_attempt() -> None:
    """Behind address translation the line names an inner address: the row is blocked there, and says why."""
    data = unanswered(orig=MFD, resp=OUTSIDE, port=50010, start=1.5)
    judgement = judged([_TALK, data], _RULES, promises=[passive(50010, announced=OUTSIDE)])
    entry = entries(judgement, "passive")[0]
    assert (called(entry.responder), str(entry.ports[0].state)) == (OUTSIDE, str(entry.verdict))
    assert entry.verdict in ("blocked", "unanswered", "inconclusive")
    assert "announced address is not the control peer" in (entry.ports[0].detail or "")
    assert judgement.unexpected == ()


def test_a_third_address_that_opens_is_unexpected() -> None:
    """A connection that got through to somebody else was not ordered, announced or not."""
    data = opened(orig=MFD, resp=OUTSIDE, port=50010, start=1.5, service=None)
    judgement = judged([_TALK, data], _RULES, promises=[passive(50010, announced=OUTSIDE, kept_by=1)])
    assert [(entry.reason, entry.severity) for entry in judgement.unexpected] == [("outside-site", "violation")]


def test_many_announced_ports_are_listed_worst_first() -> None:
    """Twenty of twenty-five are listed, the blocked one first."""
    flows = [opened(orig=MFD, resp=A, port=50000 + n, start=2.0, service=None) for n in range(24)]
    flows.append(unanswered(orig=MFD, resp=A, port=50024, start=2.0))
    promises = [passive(50000 + n, kept_by=n + 1) for n in range(25)]
    entry = entries(judged([_TALK, *flows], _RULES, promises=promises), "passive")[0]
    assert (len(entry.ports), entry.more_ports, entry.ports[0].port) == (20, 5, 50024)
    assert entry.verdict == "blocked"


def test_data_of_any_expected_control_flow_is_explained() -> None:
    """Where no data row applies, the connection that FTP itself ordered is still no unexpected flow."""
    data = opened(orig=MFD, resp=A, port=50010, start=1.5, service="ftp-data", basis="negotiated")
    judgement = judged([_TALK, data], [_CONTROL], promises=[passive(50010, kept_by=1)])
    assert judgement.unexpected == ()


def test_data_of_a_control_flow_that_nobody_expects_is_unexpected() -> None:
    """An FTP session without a rule orders nothing."""
    data = opened(orig=MFD, resp=A, port=50010, start=1.5, service="ftp-data", basis="negotiated")
    judgement = judged([_TALK, data], [rule()], promises=[passive(50010, kept_by=1)])
    assert {entry.port for entry in judgement.unexpected} == {21, 50010}


def test_a_port_that_nobody_announced_is_unexpected() -> None:
    """The roles and the range fit the data row, the announcement is missing."""
    judgement = judged([_TALK, opened(orig=MFD, resp=A, port=50010, start=1.5, service=None)], _RULES)
    assert [(entry.reason, entry.rule) for entry in judgement.unexpected] == [
        ("unannounced-dynamic-port", "p/s/passive")
    ]


def test_an_old_announcement_does_not_count() -> None:
    """Ten minutes later the port belongs to nobody."""
    data = opened(orig=MFD, resp=A, port=50010, start=700.0, service=None)
    judgement = judged([_TALK, data], _RULES, promises=[passive(50010)], ended=900.0)
    assert len(judgement.unexpected) == 1


def test_data_under_an_encrypted_control_channel_is_attributed_without_proof() -> None:
    """Nobody can read the announcement: inconclusive, basis "port", and not unexpected."""
    hidden = opened(orig=MFD, resp=A, port=21, service="ftp", tls_client_hello_t=at(0.5), last_t=at(60))
    data = opened(orig=MFD, resp=A, port=50010, start=2.0, service=None)
    judgement = judged([hidden, data], _RULES)
    entry = entries(judgement, "passive")[0]
    assert (entry.verdict, entry.ports[0].port, entry.ports[0].basis) == ("inconclusive", 50010, "port")
    assert judgement.unexpected == ()


def test_after_an_encrypted_session_nothing_is_attributed() -> None:
    """A minute after the control channel closed a high port is unannounced again."""
    hidden = opened(orig=MFD, resp=A, port=21, service="ftp", tls_client_hello_t=at(0.5), last_t=at(60))
    data = opened(orig=MFD, resp=A, port=50010, start=120.0, service=None)
    assert [str(entry.reason) for entry in judged([hidden, data], _RULES).unexpected] == ["unannounced-dynamic-port"]


def test_data_beside_a_control_channel_that_was_captured_in_part_is_attributed_without_proof() -> None:
    """What the capture lacks may have announced it: no violation without a witness."""
    partly = opened(orig=MFD, resp=A, port=21, service="ftp", partly_heard=True, last_t=at(60))
    data = opened(orig=MFD, resp=A, port=50010, start=2.0, service=None)
    judgement = judged([partly, data], _RULES)
    entry = entries(judgement, "passive")[0]
    assert (entry.verdict, entry.ports[0].port, entry.ports[0].basis) == ("inconclusive", 50010, "port")
    assert "lacks parts of the control channel" in (entry.ports[0].detail or "")
    assert judgement.unexpected == ()


def test_a_control_channel_that_was_open_before_the_capture_may_have_announced_what_comes_before_its_end() -> None:
    """Of it only the closing was captured, later than the data port was tried; another that was opened meanwhile is no excuse."""
    data = opened(orig=MFD, resp=A, port=50010, start=2.0, service=None)
    ends = {"orig": MFD, "resp": A, "port": 21, "start": 8.0, "last_t": at(9)}
    judgement = judged([data, opened(**ends, service=None, by_syn=False, guessed=True)], _RULES)
    entry = entries(judgement, "passive")[0]
    assert (entry.verdict, entry.ports[0].port, judgement.unexpected) == ("inconclusive", 50010, ())
    later = judged([data, opened(**ends, service="ftp", partly_heard=True)], _RULES)
    assert [str(entry.reason) for entry in later.unexpected] == ["unannounced-dynamic-port"]


def test_what_is_proved_to_be_something_else_is_not_attributed_to_a_channel_that_nobody_can_read() -> None:
    """A web server on a high port is no transfer, whatever was not captured or is encrypted."""
    data = opened(orig=MFD, resp=A, port=50010, start=2.0, service="http")
    for facts in ({"partly_heard": True}, {"tls_client_hello_t": at(0.5)}):
        control = opened(orig=MFD, resp=A, port=21, service="ftp", last_t=at(60), **facts)
        assert [str(entry.reason) for entry in judged([control, data], _RULES).unexpected] == ["not-in-matrix"]


def test_an_instance_whose_browser_was_heard_in_part_is_attributed_without_proof() -> None:
    """The answer was cut, or could not be captured at all; the instance stays where it was said to be for long."""
    later = opened(orig=A, resp=MFD, port=51433, start=300.0, service="tds")
    for asked in (
        replied(orig=A, resp=MFD, port=1434, service="sql-browser", partly_heard=True),
        request(orig=A, resp=MFD, port=1434, service="sql-browser", basis="port"),
    ):
        one_way = asked["resp_pkts"] == 0
        facts = {"resp_pkts": 0, "resp_bytes": 0, "resp_path": 0} if one_way else {}
        judgement = judged([asked, later | facts], [_BROWSER, _INSTANCE], _DATABASE, ended=900.0)
        assert [str(entry.verdict) for entry in entries(judgement, "instance")] == ["inconclusive"]
        assert judgement.unexpected == ()


def test_an_instance_whose_browser_kept_silent_is_unannounced() -> None:
    """An answer could have been seen, and there was none."""
    asked = request(orig=A, resp=MFD, port=1434, service="sql-browser", basis="port")
    flows = [asked, opened(orig=A, resp=MFD, port=51433, start=2.0, service="tds")]
    judgement = judged(flows, [_BROWSER, _INSTANCE], _DATABASE)
    assert [str(entry.reason) for entry in judgement.unexpected] == ["unannounced-dynamic-port"]


def test_an_sql_instance_is_found_through_its_browser() -> None:
    """The browser's answer names the port; the connection to it satisfies the instance row."""
    asked = replied(orig=A, resp=MFD, port=1434, service="sql-browser", basis="payload")
    promise = {
        "control": 0,
        "t": at(1),
        "file": 0,
        "frame": 2,
        "kind": "sql-browser",
        "initiator": A,
        "responder": MFD,
        "announced": MFD,
        "port": 51433,
    }
    flows = [asked, opened(orig=A, resp=MFD, port=51433, start=2.0, service="tds")]
    judgement = judged(flows, [_BROWSER, _INSTANCE], _DATABASE, promises=[promise])
    assert only(judgement, "instance") == [("management", "database", "satisfied")]
    assert judgement.unexpected == ()
    assert only(judged([asked], [_BROWSER, _INSTANCE], _DATABASE, promises=[promise]), "instance")[0][2] == "missing"
    much_later = [asked, opened(orig=A, resp=MFD, port=51433, start=3000.0, service="tds")]
    assert judged(much_later, [_BROWSER, _INSTANCE], _DATABASE, promises=[promise]).unexpected == ()


_REGISTRY = rule(
    "registry", initiator="mfd", responder="terminal-server", subject="initiator", ports=(9696,), service="rmi"
)
_ASKED = opened(orig=MFD, resp=A, port=9696, service="rmi", basis="payload")
_STUB = passive(41234, kind="rmi-stub")


def test_an_object_that_cannot_be_reached_is_the_failure_of_its_registrys_rule() -> None:
    """No rule waits for its port, and without it the registry is of no use; the frame of the stub is shown."""
    dropped = unanswered(orig=MFD, resp=A, port=41234, start=2.0)
    judgement = judged([_ASKED, dropped], [_REGISTRY], promises=[_STUB])
    entry = entries(judgement, "registry")[0]
    assert (entry.verdict, states(entry)) == ("blocked", {9696: "open", 41234: "blocked"})
    assert [piece.frames for piece in entry.ports[1].evidence][-1] == (5,)
    assert "announced in frame 5" in (entry.ports[1].detail or "")
    assert judgement.unexpected == ()


def test_an_object_that_is_reached_at_times_is_intermittent_and_one_that_is_reached_is_not_listed() -> None:
    reached = opened(orig=MFD, resp=A, port=41234, start=2.0, service="rmi", basis="negotiated")
    dropped = unanswered(orig=MFD, resp=A, port=41234, start=9.0)
    both = entries(judged([_ASKED, reached, dropped], [_REGISTRY], promises=[_STUB]), "registry")[0]
    assert (both.verdict, states(both)) == ("intermittent", {9696: "open", 41234: "intermittent"})
    fine = entries(judged([_ASKED, reached], [_REGISTRY], promises=[_STUB]), "registry")[0]
    assert (fine.verdict, states(fine)) == ("satisfied", {9696: "open"})


def test_an_object_on_a_port_of_the_rule_itself_is_judged_once() -> None:
    """Where the page names the object's port, the stub adds nothing but what is known."""
    pair = rule("registry", initiator="mfd", responder="terminal-server", subject="initiator", ports=every(9696, 9002),
                service="rmi")  # fmt: skip
    dropped = unanswered(orig=MFD, resp=A, port=9002, start=2.0)
    entry = entries(judged([_ASKED, dropped], [pair], promises=[_STUB | {"port": 9002}]), "registry")[0]
    assert (entry.verdict, states(entry)) == ("blocked", {9696: "open", 9002: "blocked"})


def test_a_stub_that_names_another_machine_is_told_with_the_address_that_was_tried() -> None:
    """The machine calls itself by an address that its clients cannot reach: the commonest mistake with remote objects."""
    dropped = unanswered(orig=MFD, resp=OUTSIDE, port=41234, start=2.0)
    judgement = judged([_ASKED, dropped], [_REGISTRY], promises=[_STUB | {"announced": OUTSIDE}])
    fine, third = sorted(entries(judgement, "registry"), key=lambda entry: entry.ports[0].port or 0)
    assert (fine.verdict, states(fine)) == ("satisfied", {9696: "open"})
    assert (called(third.responder), set(states(third))) == (OUTSIDE, {41234})
    assert "announced address is not the control peer" in (third.ports[0].detail or "")
    assert judgement.unexpected == ()


def test_an_object_of_one_client_of_a_network_fails_for_that_client() -> None:
    place = site(SERVER, net("printers", "198.51.100.0/24", "mfd"))
    flows = [
        _ASKED,
        opened(orig=MFD2, resp=A, port=9696, service="rmi", basis="payload"),
        unanswered(orig=MFD, resp=A, port=41234, start=2.0),
    ]
    found = only(judged(flows, [_REGISTRY], place, promises=[_STUB]), "registry")
    assert found == [(MFD, "server", "blocked"), ("printers", "server", "satisfied")]


def test_an_object_is_explained_by_its_registry_as_long_as_the_registry_is() -> None:
    """What a stub of an expected registry names is no unannounced port, however late; of another registry it is."""
    registry = rule(
        "registry", initiator="mfd", responder="terminal-server", subject="initiator", ports=(9696,), service="rmi"
    )
    asked = opened(orig=MFD, resp=A, port=9696, service="rmi", basis="payload")
    called = opened(orig=MFD, resp=A, port=41234, start=3000.0, service="rmi", basis="negotiated")
    stub = passive(41234, kind="rmi-stub", kept_by=1)
    judgement = judged([asked, called], [registry], promises=[stub])
    assert only(judgement, "registry")[0][2] == "satisfied"
    assert judgement.unexpected == ()
    elsewhere = judged([asked, called], [_CONTROL], promises=[stub])
    assert {entry.port for entry in elsewhere.unexpected} == {9696, 41234}
    silent = judged([asked, called], [registry], promises=[])
    assert [entry.port for entry in silent.unexpected] == [41234]
