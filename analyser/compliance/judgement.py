"""What compliance hands on: verdicts, unexpected flows, and how much of the site the captures showed."""

from __future__ import annotations

from dataclasses import dataclass

from analyser.model.finding import InfrastructureNote, OutOfScope, UnexpectedEntry, VerdictEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The outcome for one site. ``verdicts`` and ``unexpected`` are in report order.

    ``hosts_seen``: hosts of the site (clients of a network one by one) that sent a packet; ``two_sided_hosts``:
    those of them that were sent one too. ``uncounted``: ids of verdicts about loopback that no capture of a wire
    can show, which never weigh against compliance. ``notices``: sentences about the judging itself, such as
    waivers that have run out.
    """

    verdicts: tuple[VerdictEntry, ...]
    unexpected: tuple[UnexpectedEntry, ...]
    infrastructure: tuple[InfrastructureNote, ...]
    out_of_scope: OutOfScope
    hosts_seen: int
    two_sided_hosts: int
    uncounted: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
