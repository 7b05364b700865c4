"""The page that a person reads: the answer first, red lines with reasons and proof, nothing cut off."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analyser.model.capture import Problem
from analyser.model.finding import (
    Cause,
    Confidence,
    End,
    PortState,
    Severity,
    UnexpectedEntry,
    Verdict,
    VerdictEntry,
    WaiverNote,
)
from analyser.report.phrases import capture_names
from analyser.report.text import answer_text, report_text
from tests.report import made


def page(*verdicts: VerdictEntry, everything: bool = False, **facts: object) -> str:
    return report_text(made.report(*verdicts, **facts), everything=everything).plain  # type: ignore[arg-type]


@pytest.mark.parametrize(("compliant", "word"), [(False, "NOT COMPLIANT"), (True, "COMPLIANT"), (None, "INCONCLUSIVE")])
def test_the_answer_is_the_first_word(compliant: bool | None, word: str) -> None:
    """Whoever reads one word knows how it stands."""
    assert report_text(made.report(compliant=compliant)).plain.startswith(f"{word}:")


def test_the_request_is_ready_to_paste() -> None:
    """Blocked ports of one pair become one sentence for the firewall team, right below the answer."""
    lines = page(made.verdict()).splitlines()
    assert "First: ask the firewall team to allow TCP 51443, 64098 from 192.0.2.10 to" in lines
    assert lines.index("First: ask the firewall team to allow TCP 51443, 64098 from 192.0.2.10 to") < 5


def test_the_remedy_of_the_worst_finding_comes_first_where_no_firewall_is_to_blame() -> None:
    """A refused port asks nothing of the firewall team."""
    refused = made.port(80, PortState.REFUSED, cause=Cause.RESET_BY_RESPONDER)
    entry = made.verdict(verdict=Verdict.REFUSED, ports=(refused,), remedy="start the web service")
    assert "First: start the web service" in page(entry)
    assert "firewall" not in page(entry)


def test_every_closed_port_has_its_reason_and_frames_and_open_ones_share_a_line() -> None:
    """State, cause, detail and frames of a blocked port stand on its line; the filter is there to be copied."""
    text = page(made.verdict())
    assert re.search(r"✗ TCP 51443 +blocked, no answer; 7 SYNs in 63 s; frames 103, 802\n", text)
    assert "✓ TCP 80, TCP 443 open" in text
    assert "     Wireshark: ip.addr==192.0.2.10 && ip.addr==198.51.100.21 && tcp.port==51443\n" in text


def test_doubt_is_told() -> None:
    """Less than high confidence and another explanation are never left out."""
    port = made.blocked(161, confidence=Confidence.MEDIUM, other_explanation="access list on the device")
    text = " ".join(page(made.verdict(ports=(port,))).split())
    assert "or: access list on the device; medium confidence" in text


@pytest.mark.parametrize(
    ("verdict", "severity", "mark"),
    [
        (Verdict.BLOCKED, Severity.VIOLATION, "✗"),
        (Verdict.UNANSWERED, Severity.WARNING, "!"),
        (Verdict.INCONCLUSIVE, Severity.NOTICE, "?"),
        (Verdict.MISSING, Severity.NOTICE, "·"),
        (Verdict.SATISFIED, Severity.NOTICE, "✓"),
    ],
)
def test_marks_follow_the_weight(verdict: Verdict, severity: Severity, mark: str) -> None:
    """The mark before a finding says how much it weighs."""
    text = page(made.verdict(verdict=verdict, severity=severity), everything=True)
    assert f" {mark} {verdict}  ricoh-install  site-server-1 → mfd-3rd-floor" in text


def test_a_rule_counts_as_shown_to_work_unless_something_is_wrong_with_it() -> None:
    """One working pair shows a rule, even if another pair could not be judged; one failing pair does not."""
    works = made.verdict(verdict=Verdict.SATISFIED, severity=Severity.OK)
    doubtful = made.verdict(verdict=Verdict.INCONCLUSIVE, severity=Severity.NOTICE)
    assert "1 of 1 rule that apply shown to work." in page(works, doubtful, compliant=True)
    assert "0 of 1 rule that apply shown to work." in page(works, made.verdict())


def test_waived_findings_are_counted_not_told() -> None:
    """What somebody answers for does not stand between what nobody does, but it is not forgotten."""
    waiver = WaiverNote(id="w", reason="ticket 4711", owner=None, expires=None)
    entry = made.verdict(severity=Severity.OK, waiver=waiver)
    text = page(entry, unexpected=(made.unexpected(severity=Severity.OK, waiver=waiver),))
    assert "Folded: 2 waived" in text
    assert "ticket 4711" not in text
    assert "waived: ticket 4711" in page(entry, everything=True)


def test_problems_of_captures_are_named_without_riddles() -> None:
    """A count is shown where it counts something that the words name, not where it is a number of bytes."""
    problems = (
        Problem(code="cut-short", count=316, detail="ends in the middle of a record"),
        Problem(code="same-traffic", count=12, detail="flows that another capture holds too"),
    )
    text = page(captures=(made.capture(problems=problems),))
    assert "! cut-short: ends in the middle of a record\n" in text
    assert "! same-traffic: 12 flows that another capture holds too\n" in text


def test_what_is_unused_or_does_not_apply_is_counted_and_unfolds_on_request() -> None:
    """Unused and not applicable rules are one line, until somebody asks."""
    quiet = [
        made.verdict(verdict=word, severity=Severity.OK, remedy=None)
        for word in (Verdict.UNUSED, Verdict.NOT_APPLICABLE)
    ]
    assert "Folded: 1 unused, 1 not-applicable" in page(*quiet, compliant=True)
    assert "ricoh-install" not in page(*quiet, compliant=True)
    assert page(*quiet, everything=True, compliant=True).count("ricoh-install") == 2


def test_what_works_has_a_line_each_until_there_are_too_many() -> None:
    """A technician sees what works, in one line with its port; of many rules some, and how many more."""
    port = made.port(443, PortState.OPEN, cause=None, service="tls", basis="payload")
    works = made.verdict(verdict=Verdict.SATISFIED, severity=Severity.OK, remedy=None, ports=(port,))
    text = page(works, compliant=True)
    assert "Shown to work\n ✓ ricoh-install  site-server-1 → mfd-3rd-floor  TCP 443 tls\n" in text
    assert "Folded" not in text
    many = page(*[works] * 30, compliant=True)
    assert "… and 10 more (-v)" in many
    assert "Folded: 30 satisfied" in many


def test_many_alike_findings_do_not_bury_the_others() -> None:
    """Of a hundred clients with one fault five are shown and the rest is counted, unless everything is asked for."""
    many = [made.verdict(initiator=End(name=None, address=f"203.0.113.{n}", roles=())) for n in range(100)]
    assert "… and 95 more blocked of ricoh-install" in page(*many)
    assert page(*many, everything=True).count("→ mfd-3rd-floor") == 100


def test_what_could_not_be_judged_is_gathered_by_reason() -> None:
    """Ten rows that the capture could not show are one line that says why and names some of them."""
    port = made.port(9898, PortState.NOT_OBSERVABLE, detail="loopback is not in this capture")
    rules = [f"ysoft-safeq-6/workstation-to-server/jmx-{n}" for n in range(10)]
    entries = [
        made.verdict(rule, verdict=Verdict.INCONCLUSIVE, severity=Severity.NOTICE, ports=(port,)) for rule in rules
    ]
    text = page(*entries, compliant=None)
    assert text.count("loopback is not in this capture") == 1
    assert "jmx-0 site-server-1 → mfd-3rd-floor" in " ".join(text.split())
    assert "10 could not be judged" in text


def test_two_rules_with_one_story_tell_it_once() -> None:
    """A second rule about the same ports between the same ends refers to the first."""
    second = made.verdict("ysoft-safeq-6/server-to-printer/other", id="b2")
    text = page(made.verdict(), second)
    assert "✗ blocked  other" in text
    assert "the same ports between the same ends as ricoh-install" in text
    assert text.count("frames 103, 802") == 1


def test_nothing_is_told_twice() -> None:
    """Details that the sentence holds already do not stand on the port's line again, nor does a remedy below its task."""
    text = page(made.verdict(sentence="Silence: 7 SYNs in 63 s."))
    assert "✗ TCP 51443  blocked, no answer; frames 103, 802" in text
    assert text.count("ask the firewall team") == 1


def test_tables_with_the_heaviest_findings_come_first() -> None:
    """A warning of the page's first table does not push a violation of a later one down."""
    warning = made.verdict("ysoft-safeq-6/workstation-to-server/web", severity=Severity.WARNING)
    text = page(warning, made.verdict("ysoft-safeq-6/other/ldap"))
    assert text.index("Other services") < text.index("Workstation → server")


def test_limits_of_the_captures_are_named() -> None:
    """What the captures could not show stands before the findings."""
    text = report_text(made.everything()).plain
    for words in ("incomplete", "cut-short: ends in a record", "lost 12 packets", "not decoded: geneve 7"):
        assert words in text


def test_reasons_of_an_inconclusive_report_are_given() -> None:
    """The word alone helps nobody: why nothing could be told stands below it."""
    report = made.report(compliant=None)
    report = made.changed(report, summary=made.changed_summary(report, reasons=("nothing was decoded",)))
    assert "Why: nothing was decoded" in report_text(report).plain


def test_unexpected_flows_are_told_with_their_reason() -> None:
    """An unexpected flow shows who, where to, what it spoke and where to look."""
    text = page(unexpected=(made.unexpected(),))
    assert "✗ into-workstation  mfd-3rd-floor → office TCP 445" in text
    assert "open, smb, 2 flows, 4.2 kB, frame 900" in text


def test_waivers_stay_visible() -> None:
    """Who answers for a waived finding, and until when, is in the unfolded page."""
    assert "waived until 2027-03-31: ticket 4711, it-ops" in report_text(made.everything(), everything=True).plain


def test_eighty_columns_hold_everything_but_filters() -> None:
    """Without colour and at 80 columns the page still reads; only what is there to be copied may be longer."""
    long = made.verdict(sentence="word " * 60, remedy="word " * 40)
    for line in (page(long) + report_text(made.everything(), everything=True).plain).splitlines():
        assert len(line) <= 80 or "Wireshark:" in line, line


def test_foreign_text_cannot_steer_the_terminal() -> None:
    """Names from sites and packets are escaped wherever they are shown."""
    nasty = "\x1b[31m\u202e\x07"
    end = End(name=nasty, address=nasty, roles=(nasty,))
    port = made.port(80, PortState.BLOCKED, detail=nasty, by=nasty, other_explanation=nasty, cause=Cause.NO_ANSWER)
    entry = made.verdict(sentence=nasty, remedy=nasty, initiator=end, responder=end, ports=(port,), id=nasty)
    flow: UnexpectedEntry = made.unexpected(sentence=nasty, initiator=end, service=nasty, id=nasty)
    text = page(entry, unexpected=(flow,), captures=(made.capture(path=nasty),), everything=True)
    assert "\\x1b" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_the_short_answer_is_the_head_of_the_page() -> None:
    """``-q`` prints how the page begins, and nothing of the findings."""
    head = answer_text(made.everything()).plain
    assert report_text(made.everything()).plain.startswith(head.rstrip("\n"))
    assert "Looked at" not in head


def test_captures_of_one_name_are_told_apart_wherever_they_are_named() -> None:
    """Two capture points often call their files alike: a frame number without its folder could be of either."""
    ports = (
        made.blocked(51443, evidence=(made.evidence(103, capture="a/cap.pcap"),)),
        made.blocked(64098, evidence=(made.evidence(7, capture="b/cap.pcap"),)),
    )
    first = made.report(made.verdict(ports=ports))
    captures = tuple(replace(first.captures[0], path=path) for path in ("a/cap.pcap", "b/cap.pcap", "c/other.pcap"))
    text = report_text(replace(first, captures=captures)).plain
    assert " · a/cap.pcap, " in text
    assert " · other.pcap, " in text
    assert "frame 103 of a/cap.pcap" in text
    assert "frame 7 of b/cap.pcap" in text


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x/a.pcap"], ["a.pcap"]),
        (["-"], ["standard input"]),
        (["x/a.pcap", "y/a.pcap", "y/b.pcap"], ["x/a.pcap", "y/a.pcap", "b.pcap"]),
        (["1/x/a.pcap", "2/x/a.pcap", "a.pcap"], ["1/x/a.pcap", "2/x/a.pcap", "a.pcap"]),
        (["a.pcap", "a.pcap"], ["a.pcap", "a.pcap"]),
    ],
)
def test_a_capture_is_called_as_shortly_as_tells_it_from_the_others(paths: list[str], names: list[str]) -> None:
    """By file name, with as many folders as it takes; one file has one name."""
    assert capture_names(paths) == dict(zip(paths, names, strict=True))
