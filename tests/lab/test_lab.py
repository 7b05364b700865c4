"""The lab is built, recorded and judged while the suite runs; its truth is the firewall's and the programs' configuration."""

from __future__ import annotations

import socket
from collections import defaultdict
from pathlib import Path

import pytest

from tests.lab import daemons
from tests.lab.accuracy import PLACES, POINTS, Score, by_rule, score
from tests.lab.cases import Case, cases, clients, servers
from tests.lab.firewall import CHAINS, opened, ruleset
from tests.lab.matrix import rows
from tests.lab.run import Met
from tests.lab.vantages import VANTAGES, read

REACHED = {"talked", "probed"}
"""What a client says that came through and was understood."""

MET = {
    "open": REACHED, "asleep": REACHED, "late": REACHED, "probe": REACHED, "passive-data": REACHED, "active-data": REACHED,
    "dropped": {"no answer"}, "dropped-unknown-host": {"no answer"}, "answer-dropped": {"no answer"}, "wrong-community": {"no answer"},
    "refused": {"not connected: 111"}, "agent-off": {"not connected: 111"}, "reset-by-router": {"not connected: 111"},
    "icmp-9": {"not connected: 101"}, "icmp-10": {"not connected: 113"}, "icmp-13": {"not connected: 113"},
    "own-firewall": {"not connected: 113"},
    "real": {daemons.TALKED}, "real-unknown-ca": {daemons.MISTRUSTED},
    "real-refused": {daemons.REFUSED}, "real-forbidden": {daemons.REFUSED}, "real-unseen": {daemons.REFUSED},
    "real-wrong-community": {daemons.SILENCE}, "real-dropped": {daemons.SILENCE},
}  # fmt: skip
"""How clients must fare for a case to be what it is meant to be: the kernel's own errors (ECONNREFUSED 111, ENETUNREACH 101 …)."""


UNPROVED = {(POINTS, "dropped-unknown-host")}
"""Where the responder never said anything, it cannot always be shown that it lies behind the second point."""


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
        if not set(said) <= MET.get(named[name].condition.name, set(said))
    ]
    assert not strange
    asked = {(entry["case"], entry["port"]) for plan in clients(made).values() for entry in plan}
    assert met.keys() == asked


def test_real_programs_sent_what_only_they_send(recorded: tuple[Path, list[Case], Met]) -> None:
    """Their own names went over the wire in clear, wherever a protocol has them, to the machines of their cases."""
    folder, made, _ = recorded
    named = [
        (case, name)
        for case in made
        if case.condition.name == "real" and (name := daemons.SERVICES[case.service].name) is not None
    ]
    assert {case.service for case, _ in named} >= {"ftp", "http", "ipp", "smtp", "snmp", "ssh"}
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
    assert asked == {name: set(service.asks) for name, service in daemons.SERVICES.items()}
    dropped = [case.row.rule for case in cases() if case.condition.name == "real-dropped"]
    assert len(dropped) == len(daemons.SERVICES)


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

    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for place in (*PLACES.values(), POINTS):
        counts = next(line for line in lines if line.startswith(f"| {place} |")).split("|")
        total, right, weaker, wrong = (int(cell) for cell in counts[2:6])
        assert (total, right + weaker, wrong) == (len(cases()), len(cases()), 0)
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
