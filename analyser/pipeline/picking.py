"""From a report back to the packets: the frames that findings name, taken out of their captures once more.

Knows captures, frames and files; what a finding says is known by the report.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyser import __version__
from analyser.capture import open_captures
from analyser.flows.picking import picked
from analyser.model.capture import CaughtFrame, InputError
from analyser.model.finding import ReportDocument, Severity
from analyser.report.evidence import Finding, captures_of, comments, findings, frames_of
from analyser.report.pcapng import pcapng

MOST_SLICES: Final = 500
"""Findings of one report that get a file of their own, the heaviest first."""

_OURS: Final = re.compile("[0-9a-f]{10}")
"""Names of our files: ids of findings."""

APPLICATION: Final = f"analyser {__version__}"

Picked = Mapping[tuple[str, int], CaughtFrame]
"""Frames by capture and number."""


@dataclass(frozen=True, slots=True)
class Slices:
    """What was written: how many files, how many findings were one too many, captures that cannot be read once more."""

    written: int
    left_out: int
    unreadable: dict[str, str]


def pick(wanted: Mapping[str, Collection[int]], *, payload: bool) -> tuple[Picked, dict[str, str]]:
    """Return frames by capture and number, and why captures could not be read again.

    Args:
        wanted: frame numbers by path of the capture.
        payload: whether what stands behind the headers is wanted too.
    """
    frames: dict[tuple[str, int], CaughtFrame] = {}
    unreadable: dict[str, str] = {}
    for path, numbers in wanted.items():
        if not Path(path).is_file():
            unreadable[path] = "it is no file that can be read a second time"
            continue
        try:
            with closing(open_captures([path], digests=False)) as opened:
                for frame in picked(opened.sources[0], numbers):
                    frames[path, frame.number] = frame if payload else frame.without_payload()
        except InputError as problem:
            unreadable[path] = problem.message
    return frames, unreadable


def write_slices(document: ReportDocument, folder: Path) -> Slices:
    """Write a pcapng per finding that weighs something: its frames without payload, each with a comment.

    Files of an earlier report in ``folder`` are removed: proof of what is no longer found would mislead.

    Raises OSError where ``folder`` cannot be written to.
    """
    for old in folder.glob("*.pcapng"):
        if _OURS.fullmatch(old.stem):
            old.unlink()  # of a report that is no longer beside it
    told = [finding for finding in findings(document) if finding.severity is not Severity.OK and frames_of(finding)]
    chosen = told[:MOST_SLICES]
    frames, unreadable = pick(captures_of(chosen), payload=False)
    written = 0
    for finding in chosen:
        content = slice_of(finding, frames)
        if content is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{finding.id}.pcapng").write_bytes(content)
            written += 1
    return Slices(written, len(told) - len(chosen), unreadable)


def slice_of(finding: Finding, frames: Picked) -> bytes | None:
    """Return a finding's frames as a pcapng with comments; None where there is none of them."""
    named = [frame for frame in frames_of(finding) if (frame.capture, frame.number) in frames]
    if not named:
        return None
    shown: Iterator[CaughtFrame] = (frames[frame.capture, frame.number] for frame in named)
    return pcapng(zip(shown, comments(finding, named), strict=True), application=APPLICATION)
