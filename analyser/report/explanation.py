"""One finding in full: what was found, what proves it, and each of its packets decoded.

Knows the report document and decoded frames; must not know how either came to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from analyser.model.capture import CaughtFrame
from analyser.model.finding import KnownCase, UnexpectedEntry
from analyser.model.times import iso_time
from analyser.report.advice import settled
from analyser.report.decoded import DecodedFrame
from analyser.report.evidence import Finding, NamedFrame, evidence_of, subject
from analyser.report.page import Page
from analyser.report.phrases import DOT, capture_names, count, listed


def explanation(
    finding: Finding,
    frames: Sequence[tuple[NamedFrame, CaughtFrame | None]],
    decodes: Mapping[tuple[str, int], DecodedFrame],
    width: int,
) -> Text:
    """Return the page of one finding: ``frames`` as caught (None: not found again), ``decodes`` by capture and number."""
    page = Page(width, capture_names(proof.capture for _, _, proof in evidence_of(finding)))
    page.line((subject(finding), "bold"))
    page.prose(finding.sentence)
    if not isinstance(finding, UnexpectedEntry):
        if finding.remedy and not settled(finding):
            page.prose(finding.remedy, first="To do: ", style="bold")
        _doubts(page, finding)
    if finding.case:
        _case(page, finding.case)
        if not isinstance(finding, UnexpectedEntry) and finding.remedy and settled(finding):
            page.prose(finding.remedy, first="If that is not it: ")
    page.blank()
    _proof(page, finding)
    left_out = 0
    for named, caught in frames:
        page.blank()
        when = f", {iso_time(caught.t)}" if caught else ", not found in the capture again"
        page.line((f"frame {named.number} of {page.captures[named.capture]}{when}: {named.words}", "bold"))
        decode = decodes.get((named.capture, named.number))
        if decode is not None:
            left_out += decode.left_out
            for depth, words in decode.lines:
                page.line("  " * (depth + 1) + words)
    page.blank()
    if decodes:
        page.prose(
            f"Left out: {count(left_out, 'field')} with payload, names or secrets. Wireshark shows them, with the filter above."
        )
    return page.text()


def _doubts(page: Page, finding: Finding) -> None:
    """Say how sure the causes are, and what else they could be."""
    if isinstance(finding, UnexpectedEntry):
        return
    told = [
        f"{port.confidence.value} confidence" + (f"; or: {port.other_explanation}" if port.other_explanation else "")
        for port in finding.ports
        if port.confidence is not None
    ]
    for words in dict.fromkeys(told):
        page.prose(words, first=f" {DOT} ")


def _case(page: Page, case: KnownCase) -> None:
    """Tell the known case in full: why, what the capture shows of it, and what to try in which order."""
    page.blank()
    page.line(("Known case: ", "bold"), (case.title, "bold"), f"  ({case.id}, {case.confidence.value} confidence)")
    page.prose(case.explanation)
    seen = f" ({case.seen})" if case.seen else ""
    page.prose(f"The capture shows: {case.shows}{seen}.")
    page.prose(case.first_step, first="Try first: ", style="bold")
    for words in case.alternatives:
        page.prose(words, first=f" {DOT} ")


def _proof(page: Page, finding: Finding) -> None:
    proofs = evidence_of(finding)
    if not proofs:
        page.prose("No packet shows it: the finding is about something that this capture does not have.")
        return
    page.line(("Wireshark", "bold"))
    by_filter: dict[tuple[str, str], set[int]] = {}
    for _, _, proof in proofs:
        by_filter.setdefault((proof.capture, proof.filter), set()).update(proof.frames)
    for (capture, display_filter), numbers in by_filter.items():
        page.line(f" {DOT} {display_filter}")
        noun = "frame" if len(numbers) == 1 else "frames"
        told = listed([str(number) for number in sorted(numbers)], 12)
        page.prose(f"{noun} {told} of {page.captures[capture]}", first="   ")
