"""What to do first: one advice for each fault, and none that contradicts the known case below it."""

from __future__ import annotations

from dataclasses import replace

from analyser.model.finding import Cause, Confidence, KnownCase, PortState, Verdict, VerdictEntry
from analyser.report.advice import tasks_of
from analyser.report.text import report_text
from tests.report import made

CASE = KnownCase(
    id="pack/locked-out", title="The device has locked the server out", explanation="It looks like a filter and is none.",
    shows="three wrong passwords", seen=None, first_step="correct the password of site-server-1", alternatives=(),
    confidence=Confidence.HIGH,
)  # fmt: skip
STEP = "correct the password of site-server-1 (192.0.2.10 → 198.51.100.21)"


def known(**facts: object) -> VerdictEntry:
    """Return a verdict that looks like the case."""
    return replace(made.verdict(), case=CASE, **facts)  # type: ignore[arg-type]


def test_nobody_is_told_to_open_a_port_that_a_known_case_explains() -> None:
    """The first step of the case is the advice, with the addresses of its ends; a request to a firewall would mislead."""
    assert tasks_of(made.report(known())) == [STEP]


def test_the_general_advice_does_not_stand_beside_the_step_of_a_case() -> None:
    """Neither on top of the page nor under the finding."""
    refused = made.port(80, PortState.REFUSED, cause=Cause.RESET_BY_RESPONDER)
    report = made.report(known(verdict=Verdict.REFUSED, ports=(refused,), remedy="start the web service"))
    assert tasks_of(report) == [STEP]
    assert "start the web service" not in report_text(report).plain


def test_a_case_about_one_port_takes_nothing_from_a_port_that_fails_otherwise() -> None:
    """A filter may stop one port while the device refuses another: both are to be mended."""
    ports = (made.port(443, PortState.REFUSED, cause=Cause.RESET_BY_RESPONDER), made.blocked(51443))
    tasks = tasks_of(made.report(known(ports=ports)))
    assert tasks == ["ask the firewall team to allow TCP 51443 from 192.0.2.10 to 198.51.100.21", STEP]


def test_what_was_never_tried_has_the_step_of_its_case() -> None:
    """Nothing is to be asked of a firewall where a name was not found: the case alone knows what to do."""
    untried = made.port(5012, PortState.NOT_ATTEMPTED)
    assert tasks_of(made.report(known(verdict=Verdict.MISSING, ports=(untried,), remedy=None))) == [STEP]


def test_a_flow_that_nobody_ordered_has_the_step_of_its_case() -> None:
    """Health probes that the site file does not name are a violation that a line in it mends."""
    probed = made.unexpected(case=CASE)
    assert tasks_of(made.report(unexpected=(probed,))) == [f"{CASE.first_step} (198.51.100.21 → 203.0.113.0/24)"]
