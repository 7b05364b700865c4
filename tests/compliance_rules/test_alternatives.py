"""Alternatives across rules, and which rules one flow counts for."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from analyser.model.rule import Rule
from tests.compliance_ports.made import opened, refused, replied, request, unanswered
from tests.compliance_rules.little import (
    MFD,
    A,
    B,
    C,
    Requirement,
    Transport,
    host,
    judged,
    only,
    rule,
    site,
)

_THREE = site(*(host(name, address, "management") for name, address in (("a", A), ("b", B), ("c", C))))


def _ways(*names: str, mandatory: str = "") -> list[Rule]:
    return [
        rule(
            name,
            ports=(port,),
            one_of="ways",
            requirement=Requirement.MANDATORY if name in mandatory.split() else Requirement.OPTIONAL,
        )
        for name, port in zip(names, (636, 389, 3268), strict=False)
    ]


def _verdicts(flows: list[dict[str, Any]], rules: list[Rule]) -> dict[str, tuple[str, str]]:
    judgement = judged(flows, rules)
    return {entry.rule.rsplit("/", 1)[1]: (str(entry.verdict), str(entry.severity)) for entry in judgement.verdicts}


def test_one_way_that_works_makes_the_others_unused() -> None:
    """LDAP in clear works, so that the mandatory LDAPS row is not missing."""
    found = _verdicts([opened(orig=A, resp=MFD, port=389)], _ways("tls", "plain", "gc", mandatory="tls"))
    assert found == {"plain": ("satisfied", "ok"), "tls": ("unused", "ok"), "gc": ("unused", "ok")}


def test_a_way_that_fails_beside_one_that_works_is_a_notice() -> None:
    """The failure is told, and weighs a notice."""
    flows = [opened(orig=A, resp=MFD, port=389), refused(orig=A, resp=MFD, port=636)]
    found = _verdicts(flows, _ways("tls", "plain", mandatory="tls"))
    assert found == {"tls": ("refused", "notice"), "plain": ("satisfied", "ok")}


def test_a_way_that_fails_alone_is_the_finding() -> None:
    """Nothing else was tried: the failing way is a violation, the untried ones are no findings."""
    found = _verdicts([refused(orig=A, resp=MFD, port=636)], _ways("tls", "plain", mandatory="tls plain"))
    assert found == {"tls": ("refused", "violation"), "plain": ("unused", "ok")}


def test_ways_that_nobody_tried_are_missing_once() -> None:
    """At the first mandatory row, not at the first row."""
    life = opened(orig=MFD, resp=A, port=9999)
    found = _verdicts([life], _ways("tls", "plain", "gc", mandatory="plain gc"))
    assert found == {"plain": ("missing", "warning"), "tls": ("unused", "ok"), "gc": ("unused", "ok")}


def test_optional_ways_that_nobody_tried_are_all_unused() -> None:
    """Where no way is mandatory, none is missing."""
    life = opened(orig=MFD, resp=A, port=9999)
    assert {verdict for verdict, _ in _verdicts([life], _ways("tls", "plain")).values()} == {"unused"}


def test_one_pair_that_works_does_not_excuse_another_of_the_same_row() -> None:
    """Three roaming servers of which two pairs talk: the third pair is missing at its own row."""
    tcp = rule(initiator="management", responder="management", subject="initiator", ports=(7800,), one_of="roaming")
    flows = [opened(orig=a, resp=b, port=7800, service=None) for a, b in combinations((A, B, C), 2)][:2]
    assert [row[2] for row in only(judged(flows, [tcp], _THREE))].count("missing") == 1


def test_udp_that_answers_satisfies() -> None:
    """A UDP row is judged like any other."""
    ask = rule(transport=Transport.UDP, ports=(161,), service="snmp", silent=True)
    assert only(judged([replied(orig=A, resp=MFD, service="snmp", basis="payload")], [ask])) == [
        ("server", "printer", "satisfied")
    ]
    assert only(judged([request(orig=A, resp=MFD, sent=3)], [ask], ended=600.0))[0][2] != "satisfied"


def test_an_attempt_that_is_stopped_early_counts_for_every_row_of_its_port() -> None:
    """A SYN without answer has no label, so that both rows of 80 are blocked."""
    rules = [rule("web", ports=(80,), service="http"), rule("print", ports=(80,), service="ipp")]
    life = opened(orig=MFD, resp=A, port=9999)
    judgement = judged([unanswered(orig=A, resp=MFD, port=80), life], rules)
    assert {row[2] for name in ("web", "print") for row in only(judgement, name)} == {"blocked"}


def test_a_label_that_fits_one_row_is_no_attempt_of_the_other() -> None:
    """A web page on 80 is no print job: the IPP row of the same pair and port stays untried."""
    rules = [rule("web", ports=(80,), service="http"), rule("print", ports=(80,), service="ipp")]
    judgement = judged([opened(orig=A, resp=MFD, port=80, service="http")], rules)
    assert [only(judgement, name)[0][2] for name in ("web", "print")] == ["satisfied", "missing"]


def test_a_flow_counts_for_every_row_that_its_label_fits() -> None:
    """TLS may be the web page or the encrypted print job: both rows are satisfied."""
    rules = [rule("web", service="https"), rule("print", service="ipps", requirement=Requirement.OPTIONAL)]
    judgement = judged([opened(orig=A, resp=MFD, service="tls")], rules)
    assert [only(judgement, name)[0][2] for name in ("web", "print")] == ["satisfied", "satisfied"]
