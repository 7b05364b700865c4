"""Findings that somebody answers for: which waiver of the site covers one, and what became of those that ran out.

Knows waivers and names; no flows, no rules' contents and no clock: today's date is an argument.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from analyser.model.finding import WaiverNote
from analyser.model.site import Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What the waivers say of one finding: the one in force, or else the ones that have expired."""

    note: WaiverNote | None = None
    expired: tuple[Waiver, ...] = ()


class Waivers:
    """The waivers of a site on one day. A waiver holds through the day on which it expires."""

    def __init__(self, waivers: Iterable[Waiver], today: dt.date) -> None:
        self._waivers = tuple(waivers)
        self._today = today
        self._missed: dict[str, Waiver] = {}

    def cover(
        self,
        subjects: Iterable[str | None],
        *,
        initiator: Iterable[str],
        responder: Iterable[str],
        ports: Iterable[int | None],
    ) -> Covered:
        """Return what covers a finding.

        ``subjects`` are what a waiver may name: the rule's full id, the unexpected reason. ``initiator`` and
        ``responder`` hold every name by which that end goes (host, network, addresses). ``ports`` are those that
        the finding is about; a waiver of one port does not cover a finding about others too.
        """
        named = {word for word in subjects if word}
        ends = (frozenset(initiator), frozenset(responder))
        concerned = frozenset(ports)
        expired = []
        for waiver in self._waivers:
            if waiver.rule not in named or not _same_ends(waiver, ends) or not _same_port(waiver, concerned):
                continue
            if waiver.expires is None or waiver.expires >= self._today:
                return Covered(note=_note(waiver))
            expired.append(waiver)
        self._missed.update({waiver.id: waiver for waiver in expired})
        return Covered(expired=tuple(expired))

    def notices(self) -> tuple[str, ...]:
        """Return one sentence for each expired waiver that would have covered a finding asked about so far."""
        return tuple(
            f"waiver {waiver.id} ({waiver.reason}) expired on {waiver.expires}; what it covered counts again"
            for waiver in self._missed.values()
        )


def _same_ends(waiver: Waiver, ends: tuple[frozenset[str], frozenset[str]]) -> bool:
    initiator, responder = ends
    return (waiver.initiator is None or waiver.initiator in initiator) and (
        waiver.responder is None or waiver.responder in responder
    )


def _same_port(waiver: Waiver, ports: frozenset[int | None]) -> bool:
    return waiver.port is None or ports == {waiver.port}


def _note(waiver: Waiver) -> WaiverNote:
    return WaiverNote(
        id=waiver.id,
        reason=waiver.reason,
        owner=waiver.owner,
        expires=None if waiver.expires is None else waiver.expires.isoformat(),
    )
