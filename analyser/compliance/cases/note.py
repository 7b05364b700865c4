"""What shows a fact: the small thing that finders of facts and tellers of cases share."""

from __future__ import annotations

from dataclasses import dataclass

from analyser.model.finding import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What shows a fact: words about it, flows by serial, evidence."""

    text: str | None = None
    serials: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
