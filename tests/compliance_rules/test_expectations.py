"""Which pairs a rule asks for: subjects, groups, each, conditions, roles, address families, whole and lasting ids."""

from __future__ import annotations

from typing import Any

from analyser.model.finding import Severity
from tests.compliance_ports.made import at, flow, opened, refused, unanswered
from tests.compliance_rules.little import (
    MFD,
    MFD2,
    PRINTER,
    SERVER,
    A,
    B,
    Requirement,
    When,
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

_SECOND = host("second", B, "terminal-server")
_BOTH = site(SERVER, _SECOND, PRINTER)
_LIFE = opened(orig=MFD, resp=A, port=9999)
"""Something else between the two, so that the capture shows both."""


def test_one_host_is_enough_for_a_subject() -> None:
    """Of two servers only one talks to the printer, and the other is not missed."""
    assert only(judged([opened(orig=A, resp=MFD)], [rule()], _BOTH)) == [("server", "printer", "satisfied")]


def test_each_failing_pair_is_reported_although_another_works() -> None:
    """The second server's failure stays a finding of its own."""
    flows = [opened(orig=A, resp=MFD), refused(orig=B, resp=MFD)]
    assert only(judged(flows, [rule()], _BOTH)) == [
        ("second", "printer", "refused"),
        ("server", "printer", "satisfied"),
    ]


def test_a_pair_that_fails_is_not_missing_besides() -> None:
    """The only attempt failed: that is the finding, and no "missing" is added for the server that did not try."""
    assert [row[2] for row in only(judged([refused(orig=A, resp=MFD)], [rule()], _BOTH))] == ["refused"]


def test_a_subject_that_nobody_tried_is_missing_once() -> None:
    """One entry, the other end only as a role."""
    entry = entries(judged([_LIFE], [rule()], _BOTH))[0]
    assert (called(entry.responder), entry.verdict, entry.severity) == ("printer", "missing", "warning")
    assert entry.initiator is not None
    assert (entry.initiator.name, entry.initiator.address, entry.initiator.roles) == (None, None, ("terminal-server",))
    assert states(entry) == {443: "not-attempted"}


def test_an_optional_rule_that_nobody_tried_is_unused() -> None:
    """Unused is no finding."""
    entry = entries(judged([_LIFE], [rule(requirement=Requirement.OPTIONAL)]))[0]
    assert (entry.verdict, entry.severity) == ("unused", "ok")


def test_every_subject_needs_its_own() -> None:
    """Two printers, one of them served: the other is missing."""
    place = site(SERVER, PRINTER, host("other", MFD2, "mfd"))
    assert only(judged([opened(orig=A, resp=MFD), opened(orig=MFD2, resp=A, port=9999)], [rule()], place)) == [
        (None, "other", "missing"),
        ("server", "printer", "satisfied"),
    ]


def test_a_subject_turns_to_its_group() -> None:
    """A printer of Brno that only the server of Prague reaches misses its own, though the pair itself works."""
    place = site(
        host("brno", A, "terminal-server", group="brno"),
        host("praha", B, "terminal-server", group="praha"),
        host("printer", MFD, "mfd", group="brno"),
    )
    assert only(judged([opened(orig=B, resp=MFD)], [rule()], place)) == [
        (None, "printer", "missing"),
        ("praha", "printer", "satisfied"),
    ]


def test_a_group_without_the_other_role_does_not_hide_it() -> None:
    """A server in a group still finds the mail server that is in none."""
    mail = rule(initiator="terminal-server", responder="mail", subject="initiator", ports=(25,))
    place = site(host("server", A, "terminal-server", group="brno"), host("mail", MFD, "mail"))
    assert only(judged([opened(orig=A, resp=MFD, port=25)], [mail], place)) == [("server", "mail", "satisfied")]


def test_each_asks_for_every_pair() -> None:
    """With ``each`` the server that was not seen is missed by name."""
    assert only(judged([opened(orig=A, resp=MFD)], [rule(each=True)], _BOTH)) == [
        ("second", "printer", "missing"),
        ("server", "printer", "satisfied"),
    ]


def test_a_subject_that_is_its_own_other_end_is_not_missing() -> None:
    """Spooler Controller and Management on one machine talk over loopback: not observable, never missing."""
    sync = rule(initiator="spooler-controller", responder="management", subject="initiator")
    place = site(host("all", A, "spooler-controller", "management"))
    entry = entries(judged([_LIFE], [sync], place))[0]
    assert (called(entry.initiator), called(entry.responder), entry.verdict) == ("all", "all", "inconclusive")
    assert states(entry) == {443: "not-observable"}


def test_a_role_that_nobody_plays_makes_a_rule_not_applicable() -> None:
    """One entry without ends and ports, and the sentence names the role."""
    entry = entries(judged([_LIFE], [rule(responder="payment")]))[0]
    assert (entry.verdict, entry.severity, entry.initiator, entry.responder, entry.ports) == (
        "not-applicable",
        "ok",
        None,
        None,
        (),
    )
    assert "payment" in entry.sentence


def test_a_condition_that_does_not_hold_makes_a_rule_not_applicable() -> None:
    """Feature, vendor, terminal and build each switch a rule off, and the sentence names what was missing."""
    place = site(SERVER, host("printer", MFD, "mfd", vendor="hp", terminal="native"), build="6.0.50")
    cases = {
        "etcd": When(feature=("etcd",)),
        "ricoh": When(responder_vendor=("ricoh",)),
        "embedded": When(responder_terminal=("embedded",)),
        "6.0.97": When(build_from="6.0.97"),
    }
    for word, when in cases.items():
        entry = entries(judged([opened(orig=A, resp=MFD)], [rule(when=when)], place))[0]
        assert (entry.verdict, entry.ports) == ("not-applicable", ())
        assert word in entry.sentence


def test_conditions_that_hold_let_a_rule_apply() -> None:
    """Any listed feature, the vendor and a later build switch the same rule on."""
    place = site(SERVER, host("printer", MFD, "mfd", vendor="ricoh"), build="6.0.100", features=("etcd",))
    when = When(feature=("payment", "etcd"), responder_vendor=("ricoh", "hp"), build_from="6.0.97")
    assert [row[2] for row in only(judged([opened(orig=A, resp=MFD)], [rule(when=when)], place))] == ["satisfied"]


def test_a_workstation_is_never_a_server() -> None:
    """A written ``server`` or ``flexispooler@server`` does not mean a workstation that also spools."""
    jobs = rule(initiator="workstation", responder="flexispooler@server", subject="initiator", ports=(515,))
    place = site(host("pc", A, "workstation", "flexispooler"), host("spool", B, "flexispooler"))
    flows = [opened(orig=A, resp=B, port=515, service=None)]
    assert only(judged(flows, [jobs], place)) == [("pc", "spool", "satisfied")]
    backwards = judged([opened(orig=B, resp=A, port=515, service=None)], [jobs], place)
    assert only(backwards) == [("pc", None, "missing")]
    assert len(backwards.unexpected) == 1


def test_an_address_belongs_to_its_host_before_its_network() -> None:
    """A printer inside the office network is the printer, not one more office client."""
    place = site(SERVER, PRINTER, net("office", "198.51.100.0/24", "workstation"))
    assert only(judged([opened(orig=A, resp=MFD)], [rule()], place)) == [("server", "printer", "satisfied")]


def test_an_address_belongs_to_the_longest_prefix() -> None:
    """Of two nested networks the smaller one has the client, and the other has none."""
    web = rule(initiator="workstation", responder="terminal-server", subject="initiator")
    place = site(SERVER, net("campus", "10.0.0.0/8", "mobile-client"), net("office", "10.1.0.0/16", "workstation"))
    assert only(judged([opened(orig="10.1.2.3", resp=A)], [web], place)) == [("office", "server", "satisfied")]


def test_each_address_family_used_has_its_entry() -> None:
    """IPv4 works, IPv6 is blocked: two entries with the addresses used and ids of their own."""
    place = site(host("server", (A, "2001:db8::10"), "terminal-server"), host("printer", (MFD, "2001:db8::21"), "mfd"))
    flows = [opened(orig=A, resp=MFD), unanswered(orig="2001:db8::10", resp="2001:db8::21")]
    found = entries(judged([*flows, opened(orig="2001:db8::21", resp="2001:db8::10", port=9999)], [rule()], place))
    ends = {(entry.responder.address, str(entry.verdict)) for entry in found if entry.responder}
    assert ends == {(MFD, "satisfied"), ("2001:db8::21", "blocked")}
    assert len({entry.id for entry in found}) == 2


def test_a_port_used_in_one_family_is_not_missed_in_the_other() -> None:
    """80 over IPv6 and 443 over IPv4 are together what an "all" rule asks for."""
    place = site(host("server", (A, "2001:db8::10"), "terminal-server"), host("printer", (MFD, "2001:db8::21"), "mfd"))
    flows = [opened(orig=A, resp=MFD, port=443), opened(orig="2001:db8::10", resp="2001:db8::21", port=80)]
    found = entries(judged(flows, [rule(ports=every(80, 443))], place))
    assert [str(entry.verdict) for entry in found] == ["satisfied", "satisfied"]


def test_a_host_never_used_shows_its_first_address() -> None:
    """The second address of a printer that nobody tried does not matter."""
    place = site(SERVER, host("printer", (MFD, MFD2), "mfd"))
    entry = entries(judged([_LIFE], [rule()], place))[0]
    assert entry.responder is not None
    assert entry.responder.address == MFD


def test_all_addresses_of_a_host_are_that_host() -> None:
    """An attempt to the second address satisfies, and shows the address used."""
    place = site(SERVER, host("printer", (MFD, MFD2), "mfd"))
    entry = entries(judged([opened(orig=A, resp=MFD2)], [rule()], place))[0]
    assert entry.responder is not None
    assert (entry.verdict, entry.responder.address) == ("satisfied", MFD2)


def test_a_setting_moves_the_port() -> None:
    """With webdavPort = 5700 the rule looks at 5700, and the default port is unexpected."""
    place = site(SERVER, PRINTER, settings={"webdavPort": 5700})
    moved = rule(ports=(5610,), setting="webdavPort")
    judgement = judged([opened(orig=A, resp=MFD, port=5700), opened(orig=A, resp=MFD, port=5610)], [moved], place)
    assert states(entries(judgement)[0]) == {5700: "open"}
    assert [entry.port for entry in judgement.unexpected] == [5610]


def test_report_order_goes_before_the_order_of_the_rules() -> None:
    """Blocked first, then refused, then satisfied, whichever row comes first in the matrix."""
    rules = [rule("a", ports=(80,)), rule("b", ports=(81,)), rule("c", ports=(82,))]
    flows = [
        opened(orig=A, resp=MFD, port=80),
        refused(orig=A, resp=MFD, port=81),
        unanswered(orig=A, resp=MFD, port=82),
    ]
    assert [str(entry.verdict) for entry in judged(flows, rules).verdicts] == ["blocked", "refused", "satisfied"]


def test_ids_do_not_depend_on_times_or_counts() -> None:
    """The same fault the next night, with other times, ports and frames, has the same id."""

    def ids(**facts: Any) -> list[str]:
        return [entry.id for entry in judged([unanswered(orig=A, resp=MFD, **facts), _LIFE], [rule()]).verdicts]

    assert ids() == ids(start=90.0, syns=3, sport=60001)


def test_a_stray_reset_is_no_attempt() -> None:
    """A lone RST does not make an untried rule failing, nor is it an unexpected flow."""
    stray = flow(
        orig=A, resp=MFD, orig_pkts=1, orig_nrst=1, orig_rst_t=at(0), conn_state="OTH", history="^R", guessed=True
    )
    judgement = judged([stray, _LIFE], [rule()])
    assert [str(entry.verdict) for entry in entries(judgement)] == ["missing"]
    assert {entry.port for entry in judgement.unexpected} == {9999}


def test_a_sentence_names_rule_ends_and_ports() -> None:
    """A technician can read from one line what does not work and why."""
    entry = entries(judged([unanswered(orig=A, resp=MFD), _LIFE], [rule()]))[0]
    for word in ("Row r", "server", A, "printer", MFD, "TCP 443", "blocked", "7 SYNs"):
        assert word in entry.sentence
    assert entry.remedy is not None
    assert "TCP 443" in entry.remedy
    assert entry.severity is Severity.VIOLATION


def test_one_remedy_asks_for_all_ports_with_the_same_fault() -> None:
    """Two blocked ports are one request to the firewall team."""
    flows = [unanswered(orig=A, resp=MFD, port=port) for port in (80, 443)]
    entry = entries(judged([*flows, _LIFE], [rule(ports=every(80, 443))]))[0]
    assert entry.remedy is not None
    assert "TCP 80, 443" in entry.remedy
    assert entry.remedy.count("firewall") == 1
