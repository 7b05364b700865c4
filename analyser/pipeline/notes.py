"""What a report says of each capture."""

from __future__ import annotations

from typing import Final

from analyser.capture import CaptureSource, OpenedCaptures
from analyser.flows.names import link_type_name
from analyser.model.capture import CaptureNote, FileFacts, Problem, ReadingFacts
from analyser.model.times import iso_time

CUTTING: Final = {"read-error", "interrupted", "vanished", "cut-short", "damaged", "grows-absurdly"}
"""Problems after which a capture is not complete."""


def capture_notes(opened: OpenedCaptures, facts: ReadingFacts) -> tuple[CaptureNote, ...]:
    """Return a note on each capture that was opened, then on each that could not be."""
    notes = [_capture_note(source, found) for source, found in zip(opened.sources, facts.files, strict=True)]
    for path, problem in opened.rejected:
        notes.append(
            CaptureNote(
                path=path, sha256=None, format="unknown", link_types=(), packets=0, bytes=0, first=None, last=None,
                complete=False, problems=(problem,),
            )
        )  # fmt: skip
    return tuple(notes)


def _capture_note(source: CaptureSource, found: FileFacts) -> CaptureNote:
    problems: tuple[Problem, ...] = (*source.problems, *found.problems)
    return CaptureNote(
        path=source.path,
        sha256=source.sha256,
        format=source.header.format,
        link_types=tuple(dict.fromkeys(link_type_name(number) for number in found.link_types)),
        packets=found.packets,
        bytes=source.octets,
        first=iso_time(found.first),
        last=iso_time(found.last),
        complete=found.complete and not any(problem.code in CUTTING for problem in problems),
        problems=problems,
    )
