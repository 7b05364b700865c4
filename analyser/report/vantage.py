"""What several capture points show together, as lines of a page: clocks, losses, delays.

Knows the report document; knows no flows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from analyser.model.finding import DelayNote, PointNote, VantageNote, WayNote
from analyser.report.page import Page
from analyser.report.phrases import BANG, DOT, count

_BARELY: Final = 0.000_001


def vantage_section(page: Page, note: VantageNote) -> None:
    """Add the points, and what happened on the ways between them."""
    page.line(("Between the capture points", "bold"))
    page.prose(_matched(note), first=f" {DOT} ")
    for point in note.points[1:]:
        page.prose(_clock(point, note.points[0].name), first=f" {DOT if point.clock_steady else BANG} ")
    leaks = {point.name for point in note.points if point.lacks_packets}
    for way in note.ways:
        page.prose(_way(way, leaks), first=f" {BANG if way.lost else DOT} ")
    page.blank()


def _matched(note: VantageNote) -> str:
    told = [f"{count(note.matched, 'flow')} seen at more than one point"]
    if note.translated:
        told.append(f"{note.translated:,} of them under translated addresses")
    if note.ambiguous:
        told.append(f"{note.ambiguous:,} times several fitted, and none was chosen")
    return ", ".join(told)


def _clock(point: PointNote, first: str) -> str:
    if point.clock_ahead is None:
        return f"clock of {point.name}: no packet seen at both tells how far it is from that of {first}; taken as right"
    ahead = f"{seconds(abs(point.clock_ahead))} {'behind' if point.clock_ahead < 0 else 'ahead of'} that of {first}"
    if not point.clock_steady:
        return f"clock of {point.name}: about {ahead}, and not steady: no delays are told"
    if point.clock_error is None:
        return f"clock of {point.name}: at most {ahead}, less the time on the way: packets of one direction only"
    gain = (
        f", and {'gains' if point.clock_gain > 0 else 'loses'} {abs(point.clock_gain):.1f} ppm"
        if point.clock_gain
        else ""
    )
    return f"clock of {point.name}: {ahead}{gain}, ± {seconds(point.clock_error)}"


def _way(way: WayNote, leaks: Collection[str]) -> str:
    told = [f"{way.origin} → {way.target}: {count(way.packets, 'packet')} of {count(way.flows, 'flow')}"]
    share = f" ({way.lost / way.packets:.2%})" if way.lost and way.packets else ""
    told.append(f"{way.lost:,} lost{share}" + (" or not caught there" if way.lost and way.target in leaks else ""))
    if way.unseen:
        told.append(f"{way.unseen:,} that {way.origin} does not show")
    if way.delay is not None:
        told.append(_delay(way.delay))
    return ", ".join(told)


def _delay(delay: DelayNote) -> str:
    spread = f"{seconds(delay.median)} on the way ({seconds(delay.shortest)} to {seconds(delay.longest)})"
    return spread if delay.error is None else f"{spread}, ± {seconds(delay.error)}"


def seconds(value: float) -> str:
    """Return seconds in the unit a person would choose: ``0.7 ms``, ``12 µs``, ``1.250 s``, ``3 h 0 min``."""
    if value < _BARELY:
        return "0 ms"
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.1f} ms"
    return f"{value:,.3f} s"
