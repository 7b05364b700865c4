"""From port states to the verdict of a rule: the table, sets, alternatives, and ports of many clients."""

from __future__ import annotations

import pytest

from analyser.compliance.ports import MOST_PORTS, Outline, decide, merge_clients, worst_first
from analyser.model.finding import PortFinding, PortState, Verdict
from analyser.model.rule import Requirement
from tests.compliance_ports.made import opened, refused, unanswered
from tests.compliance_rules.little import MFD, A, entries, every, judged, rule, states

_ONE_PORT = """
open            satisfied       satisfied
blocked         blocked         blocked
refused         refused         refused
unanswered      unanswered      unanswered
failing         failing         failing
wrong-protocol  wrong-protocol  wrong-protocol
intermittent    intermittent    intermittent
probe-only      inconclusive    inconclusive
one-sided       inconclusive    inconclusive
pending         inconclusive    inconclusive
not-observable  inconclusive    inconclusive
not-attempted   missing         unused
"""


def made(*words: str) -> list[PortFinding]:
    """Findings in these states, on ports from 1."""
    return [PortFinding(transport="tcp", port=n, state=PortState(word)) for n, word in enumerate(words, 1)]


@pytest.mark.parametrize("row", _ONE_PORT.split("\n")[1:-1])
@pytest.mark.parametrize("every_port", [True, False])
def test_the_state_of_one_port_is_the_verdict(row: str, every_port: bool) -> None:
    """Each row of the table, for mandatory and optional rules, whichever way the rule counts its ports."""
    state, mandatory, optional = row.split()
    assert decide(made(state), Requirement.MANDATORY, every=every_port).verdict == mandatory
    assert decide(made(state), Requirement.OPTIONAL, every=every_port).verdict == optional


def test_the_table_has_every_state() -> None:
    """No port state is without a meaning."""
    assert {row.split()[0] for row in _ONE_PORT.split("\n")[1:-1]} == set(PortState)


@pytest.mark.parametrize(
    ("words", "verdict", "lesser"),
    [
        ("open not-attempted", Verdict.SATISFIED, False),
        ("open blocked", Verdict.SATISFIED, True),
        ("open intermittent", Verdict.SATISFIED, True),
        ("open one-sided", Verdict.SATISFIED, False),
        ("blocked not-attempted", Verdict.BLOCKED, False),
        ("refused blocked", Verdict.BLOCKED, False),
        ("refused pending", Verdict.REFUSED, False),
        ("pending not-attempted", Verdict.INCONCLUSIVE, False),
        ("not-attempted not-attempted", Verdict.MISSING, False),
    ],
)
def test_alternatives(words: str, verdict: Verdict, lesser: bool) -> None:
    """One open port satisfies; otherwise the worst attempted one decides; untried ones only among themselves."""
    decision = decide(made(*words.split()), Requirement.MANDATORY, every=False)
    assert (decision.verdict, decision.lesser) == (verdict, lesser)


@pytest.mark.parametrize(
    ("words", "mandatory", "optional"),
    [
        ("open open", "satisfied", "satisfied"),
        ("open refused blocked", "blocked", "blocked"),
        ("open not-attempted", "missing", "missing"),
        ("open intermittent not-attempted", "intermittent", "intermittent"),
        ("pending not-attempted", "missing", "inconclusive"),
        ("open one-sided", "inconclusive", "inconclusive"),
        ("not-attempted not-attempted", "missing", "unused"),
    ],
)
def test_sets(words: str, mandatory: str, optional: str) -> None:
    """The worst port decides, in the order of the report; one untried beside open ones makes the rule missing."""
    findings = made(*words.split())
    assert decide(findings, Requirement.MANDATORY, every=True).verdict == mandatory
    assert decide(findings, Requirement.OPTIONAL, every=True).verdict == optional


def test_a_set_lists_untried_ports_and_names_them() -> None:
    """443 was never tried beside an open 80: missing, and the sentence says which."""
    entry = entries(judged([opened(orig=A, resp=MFD, port=80)], [rule(ports=every(80, 443))]))[0]
    assert (entry.verdict, states(entry)) == ("missing", {80: "open", 443: "not-attempted"})
    assert "443 not attempted" in entry.sentence


def test_alternatives_list_what_fails_beside_what_works() -> None:
    """80 is refused beside an open 443: satisfied, a notice, and both ports listed; the untried third is not."""
    flows = [refused(orig=A, resp=MFD, port=80), opened(orig=A, resp=MFD, port=443)]
    entry = entries(judged(flows, [rule(ports=(80, 443, 631))]))[0]
    assert (entry.verdict, entry.severity) == ("satisfied", "notice")
    assert states(entry) == {80: "refused", 443: "open"}
    assert "refused" in entry.sentence


def test_ports_are_listed_in_the_order_of_the_page() -> None:
    """A reader compares them with the vendor's row."""
    flows = [opened(orig=A, resp=MFD, port=port) for port in (80, 443, 51443)]
    assert list(states(entries(judged(flows, [rule(ports=every(443, 51443, 80))]))[0])) == [443, 51443, 80]


def test_a_port_of_many_clients_is_open_if_any_is() -> None:
    """Otherwise the worst client's; attempts and times are those of all."""

    def outline(state: PortState, attempts: int, answered: int, first: int | None, last: int | None) -> Outline:
        finding = PortFinding(transport="tcp", port=1, state=state, attempts=attempts, answered=answered)
        return Outline.of(finding)._replace(attempts=attempts, answered=answered, first=first, last=last)

    first = outline(PortState.REFUSED, 2, 0, 1_000, 2_000)
    second = outline(PortState.OPEN, 1, 1, 3_000, 4_000)
    third = outline(PortState.BLOCKED, 1, 0, None, None)
    merged = merge_clients([first, second, third]).tell()
    assert (merged.state, merged.attempts, merged.answered) == ("open", 4, 1)
    assert (merged.first, merged.last) == ("1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000004Z")
    assert merge_clients([first, third]).state is PortState.BLOCKED


def test_announced_ports_are_listed_worst_first_and_cut() -> None:
    """Twenty at most, the blocked one first, the rest counted."""
    findings = made(*["open"] * 24, "blocked")
    listed, more = worst_first(map(Outline.of, findings))
    assert (len(listed), more, listed[0].port) == (MOST_PORTS, 5, 25)


def test_the_worst_port_of_a_set_decides_in_the_report() -> None:
    """Blocked before refused, as the report orders them."""
    flows = [refused(orig=A, resp=MFD, port=80), unanswered(orig=A, resp=MFD, port=443)]
    life = opened(orig=MFD, resp=A, port=9999)
    assert entries(judged([*flows, life], [rule(ports=every(80, 443))]))[0].verdict == "blocked"
