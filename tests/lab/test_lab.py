"""The lab is built, recorded and judged while the suite runs; its truth is the firewall's and the programs' configuration."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab import programs
from tests.lab.accuracy import PLACES, POINTS, Score, by_rule, score
from tests.lab.cases import IN_SIX, Case, cases, clients, servers
from tests.lab.conditions import SIX
from tests.lab.firewall import CHAINS, opened, ruleset
from tests.lab.handshakes import HANDSHAKES
from tests.lab.matrix import rows
from tests.lab.network import ZONES
from tests.lab.run import Met, slowest
from tests.lab.vantages import VANTAGES, Packet, pcap, read

REACHED = {"talked", "probed"}
"""What a client says that came through and was understood."""

NOBODY = {"no answer"}
NO_DATA = {"talked, no data"}
REFUSED, NO_ROUTE, NO_HOST, NO_ACCESS = ({f"not connected: {number}"} for number in (111, 101, 113, 13))
"""The kernel's own errors: ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EACCES."""
BROKEN = {"broken off: 1"}
"""OpenSSL's program gave up, or a stand-in heard an alert."""

MET: dict[str, set[str]] = {
    "open": REACHED, "asleep": REACHED, "late": REACHED, "probe": REACHED, "large-job": REACHED, "wrong-protocol": REACHED,
    "passive-data": REACHED, "active-data": REACHED, "instance": REACHED,
    "passive-data-blocked": NO_DATA, "active-data-blocked": NO_DATA, "instance-blocked": NO_DATA,
    # What an application refuses is understood as well.
    **dict.fromkeys(("unauthorised", "forbidden", "unavailable", "log-in-refused", "mail-refused"), REACHED),
    "dropped": NOBODY, "dropped-unknown-host": NOBODY, "answer-dropped": NOBODY, "wrong-community": NOBODY,
    "refused": REFUSED, "agent-off": REFUSED, "reset-by-router": REFUSED, "reset-by-router-uncompared": REFUSED,
    "icmp-0": NO_ROUTE, "icmp-1": NO_HOST, "icmp-3": REFUSED, "icmp-9": NO_ROUTE, "icmp-10": NO_HOST, "icmp-13": NO_HOST,
    "icmp6-no-route": NO_ROUTE, "icmp6-addr-unreachable": NO_HOST, "icmp6-port-unreachable": REFUSED,
    "icmp6-admin-prohibited": NO_ACCESS, "icmp6-policy-fail": NO_ACCESS, "icmp6-reject-route": NO_ACCESS,
    "own-firewall": NO_HOST, "switched-off": NO_HOST,
    **dict.fromkeys(HANDSHAKES, BROKEN),
    "tls-silent": {"broken off: TimeoutError"}, "payload-dropped": {"broken off: TimeoutError"},
    "clear-text-in-tls": {"broken off: SSLError"},
    "reset-after-hello": {"broken off: ConnectionResetError"}, "injected-resets": {"broken off: ConnectionResetError"},
    "path-mtu": {"broken off: not acknowledged"},
    "real": {programs.TALKED}, "real-unknown-ca": {programs.MISTRUSTED},
    "real-refused": {programs.REFUSED}, "real-forbidden": {programs.REFUSED}, "real-unseen": {programs.REFUSED},
    "real-wrong-community": {programs.SILENCE}, "real-dropped": {programs.SILENCE},
}  # fmt: skip
"""How clients must fare for a case to be what it is meant to be."""

UNHEARD = {"icmp-0", "icmp-1", "switched-off", "icmp6-no-route", "icmp6-addr-unreachable"}
"""Errors that may pass: Linux tells the sender of a datagram nothing of them."""
IN_TURN = {"blocked-then-open": (NOBODY, REACHED)}
"""What clients must meet that ask more than once."""


def expected(case: Case) -> tuple[set[str], ...]:
    """Return what a client must meet each time that it asks."""
    name = case.condition.name
    if name in IN_TURN:
        return IN_TURN[name]
    return (NOBODY if name in UNHEARD and case.row.transport == "udp" else MET[name],)


UNPROVED = {(POINTS, "dropped-unknown-host")}
"""Where the responder never said anything, it cannot always be shown that it lies behind the second point."""


def as_prepared(said: Sequence[str], wanted: Sequence[set[str]]) -> bool:
    """Say whether a client met what was wanted, as often as it asked."""
    return len(said) == len(wanted) and all(one in several for one, several in zip(said, wanted, strict=True))


@pytest.fixture(scope="module")
def found(recorded: tuple[Path, list[Case], Met]) -> Score:
    """What the analyser says of them."""
    folder, made, _ = recorded
    return score(made, folder, every_rule=False)


def test_the_programs_met_what_was_prepared_for_them(recorded: tuple[Path, list[Case], Met]) -> None:
    """The clients' own words agree with each condition, so that the truth is not only on paper."""
    _, made, met = recorded
    named = {case.name: case for case in made}
    strange = [
        (named[name].row.rule, named[name].condition.name, port, said)
        for (name, port), said in met.items()
        if not as_prepared(said, expected(named[name]))
    ]
    assert not strange
    asked = {(entry["case"], entry["port"]) for plan in clients(made).values() for entry in plan}
    assert met.keys() == asked


def test_a_router_that_was_too_busy_is_noticed(tmp_path: Path) -> None:
    """How long a packet took from one port to the other is told, whatever its hop limit; what crossed one port twice says nothing."""
    packet = bytes(12) + b"\x86\xdd" + bytes(7) + b"\x40" + bytes(40)
    passed = packet[:21] + b"\x3f" + packet[22:]
    for zone in ZONES:
        sights = {"office": [(1_000_000, packet)], "center": [(3_500_000, passed)]}.get(zone, [])
        sights += [(t, bytes(12) + b"\x86\xdd" + bytes(50)) for t in (0, 9_000_000)] if zone == "devices" else []
        pcap(tmp_path / f"{zone}.pcap", [Packet(t, data, len(data), 0) for t, data in sights])
    assert slowest(tmp_path) == 2_500_000


def test_no_condition_passes_for_want_of_an_expectation() -> None:
    """Of every condition in which anybody asks it is written down what must be met, and of no other."""
    asked = {case.condition.name for case in cases(whole=True) if case.condition.asks}
    assert asked == MET.keys() | IN_TURN.keys()
    assert MET.keys() >= UNHEARD


def test_real_programs_sent_what_only_they_send(recorded: tuple[Path, list[Case], Met]) -> None:
    """Their own names went over the wire in clear, wherever a protocol has them, to the machines of their cases."""
    folder, made, _ = recorded
    named = [
        (case, name)
        for case in made
        if case.condition.name == "real" and (name := programs.SERVICES[case.service].name) is not None
    ]
    assert {case.service for case, _ in named} >= {"ftp", "http", "ipp", "pop3", "smtp", "snmp", "ssh"}
    for case, name in named:
        packets = read(folder / f"{case.initiator_zone.name}.pcap", 0)
        sender = socket.inet_aton(case.responder)
        assert any(name in packet.data and packet.data[26:30] == sender for packet in packets), (case.row.rule, name)


def test_every_service_of_a_real_program_has_a_case() -> None:
    """Each is asked rightly, dropped by the router, and asked in every other manner that its client knows."""
    asked = defaultdict(set)
    for case in cases():
        if case.real:
            asked[case.service].add(case.condition.asks)
            assert case.condition.listens == "real"
            assert case.condition.name in MET
    assert asked == {name: set(service.asks) for name, service in programs.SERVICES.items()}
    dropped = {case.row.rule for case in cases() if case.condition.name == "real-dropped"}
    assert dropped == {case.row.rule for case in cases() if case.real}


def test_nothing_that_is_said_of_the_lab_is_wrong(found: Score) -> None:
    """No state, cause, place, verdict, severity or exit code is wrong at any vantage, and nothing is invented."""
    assert not found.wrong()


def test_where_nothing_of_the_traffic_is_missing_every_answer_is_the_right_one(found: Score) -> None:
    """A weaker answer is excused only where the capture shows less."""
    limited = {vantage.name for vantage in VANTAGES if vantage.limited}
    weaker = [
        (name, item.case.row.rule, item.case.condition.name, item.why)
        for name, items in found.judged.items()
        if name not in limited
        for item in items
        if item.mark != "right" and (name, item.case.condition.name) not in UNPROVED
    ]
    assert not weaker


def test_every_rule_and_every_vantage_was_looked_at(found: Score) -> None:
    """The score leaves nothing out: a lab that compares nothing would be right everywhere."""
    rules = {row.rule for row in rows()}
    for place in (*PLACES.values(), POINTS):
        assert {item.case.row.rule for item in found.judged[place]} == rules
    assert {vantage.name for vantage in VANTAGES} <= found.judged.keys()
    assert min(len(items) for items in found.judged.values()) > 30


def test_known_cases_are_named_where_they_were_made_and_nowhere_else(found: Score) -> None:
    """From real traffic: silence of a living agent, a database's port, FTP's data; no other condition looks like a case."""
    silence = {
        (name, case) for name in ("dropped", "answer-dropped") for case in ("snmp-silence", "sql-browser-silent")
    }
    assert found.named[PLACES["initiator"]] == silence | {
        ("wrong-community", "snmp-silence"),
        ("real-wrong-community", "snmp-silence"),
        ("real-dropped", "snmp-silence"),
        ("instance-blocked", "sql-instance-port"),
        ("passive-data-blocked", "ftp-data-stopped"),
    }
    assert not {case for condition, case in found.named[PLACES["both"]] if condition in ("open", "refused", "never")}


def test_the_page_tells_of_the_cases_there_are() -> None:
    """docs/accuracy.md was renewed since a case was added: ``python -m tests.lab``."""
    from tests.lab.accuracy import PAGE

    lines, whole = PAGE.read_text(encoding="utf-8").splitlines(), len(cases(whole=True))
    for place in (*PLACES.values(), POINTS):
        counts = next(line for line in lines if line.startswith(f"| {place} |")).split("|")
        total, right, weaker, wrong = (int(cell) for cell in counts[2:6])
        assert (total, right + weaker, wrong) == (whole, whole, 0)
        assert not weaker or place == POINTS


def test_no_two_cases_share_an_address() -> None:
    """What happens to one case cannot be taken for what happens to another."""
    owners: dict[str, set[str]] = defaultdict(set)
    for case in cases():
        for address in (case.initiator, case.responder):
            owners[address].add(case.name)
    assert not [address for address, names in owners.items() if len(names) > 1]


def test_every_rule_goes_through_every_condition_of_its_transport() -> None:
    """The cases are the product of rules and conditions."""
    for rule, mine in by_rule(cases()).items():
        named = {case.condition.name for case in mine}
        assert {
            "open",
            "dropped",
            "answer-dropped",
            "refused",
            "own-firewall",
            "never",
            "icmp-0",
            "icmp-13",
        } <= named, rule
        if mine[0].row.transport == "tcp":
            assert {"reset-by-router", "reset-by-router-uncompared", "wrong-protocol"} <= named, rule


def test_ipv6_is_for_every_rule_of_the_whole_and_for_every_part_in_the_suite() -> None:
    """The page leaves no rule out; the suite takes rules of each part of the matrix, and both transports."""
    wanted = {condition.name for condition in SIX if condition.name != "reset-by-router"}
    for rule, mine in by_rule(cases(whole=True)).items():
        assert {case.condition.name for case in mine if case.condition.version == 6} >= wanted, rule
    few = [row for row in rows() if row.rule in IN_SIX]
    assert len(few) == len(IN_SIX) >= 12
    assert {row.rule.partition("/")[0] for row in few} == {row.rule.partition("/")[0] for row in rows()}
    assert {row.transport for row in few} == {"tcp", "udp"}


def test_rules_of_the_firewall_name_the_pairs_they_are_for() -> None:
    """A way is one pair of addresses in one direction; what is set free again is the same element."""
    text = ruleset("forward", [("192.0.2.1", "192.0.2.2", "dropped")], [("192.0.2.3", "192.0.2.4")])
    assert "192.0.2.1 . 192.0.2.2 : jump to-dropped" in text
    assert "192.0.2.4 . 192.0.2.3" in text
    assert opened("192.0.2.1", "192.0.2.2") == "delete element inet lab ways_ip { 192.0.2.1 . 192.0.2.2 }"
    assert all(f"chain to-{name} " in text for name in CHAINS)


def test_somebody_listens_wherever_a_case_says_so() -> None:
    """A port is open because a program has it open, not because nothing was done."""
    listening = {(entry["case"], entry["port"]) for plan in servers(cases()).values() for entry in plan}
    for case in cases():
        for port in case.row.ports:
            assert ((case.name, port) in listening) == (case.condition.listens is not None)
