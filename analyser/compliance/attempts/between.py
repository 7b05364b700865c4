"""What several capture points show together, laid over what an attempt came to at one of them.

Where a packet is proved to have been lost, or a reset to have been made, between two points, that is what the attempt came
to; everything else stays. Knows CROSSINGS, outcomes, and the words for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from analyser.compliance.attempts.outcomes import QUIET, Outcome
from analyser.model.crossing import Crossing
from analyser.tables import Observed

LOST: Final = "lost between them"

_LOST_FROM: Final = QUIET - {Outcome.PENDING, Outcome.HOST_SILENT}
"""Endings of which it is told that the request was lost: neither too early nor explained by a host that is not there."""
_UNHEARD_FROM: Final = _LOST_FROM | {Outcome.UNFINISHED, Outcome.OPEN, Outcome.INFERRED, Outcome.ONE_SIDED}
_RESET_FROM: Final = frozenset(Outcome) - {Outcome.NO_ATTEMPT, Outcome.RESET_IN_PATH}

_CHANGES: Final[dict[Crossing, tuple[frozenset[Outcome], Outcome]]] = {
    Crossing.REQUEST_LOST: (_LOST_FROM, Outcome.LOST_BETWEEN),
    Crossing.ANSWER_LOST: (_UNHEARD_FROM, Outcome.RETURN_PATH),
    Crossing.RESPONDER_RESET_MADE: (_RESET_FROM, Outcome.RESET_IN_PATH),
    Crossing.INITIATOR_RESET_MADE: (_RESET_FROM, Outcome.RESET_IN_PATH),
    Crossing.PAYLOAD_LOST: (frozenset({Outcome.DROPPED_AFTER_HANDSHAKE}), Outcome.DROPPED_AFTER_HANDSHAKE),
}
"""Which endings are another one in the light of what several points show, and which that is."""

_NOT_ARRIVED: Final = (Crossing.REQUEST_LOST, Crossing.ANSWER_LOST)

_WORDS: Final[dict[Crossing, str]] = {
    Crossing.REQUEST_LOST: f"seen at {{near}} and not at {{far}}: {LOST}",
    Crossing.REQUEST_PASSED: "it came as far as {far}",
    Crossing.ANSWER_LOST: f"answered at {{near}}, and no answer at {{far}}: {LOST}, on the way back",
    Crossing.RESPONDER_RESET_MADE: "reset seen at {near} and not at {far}: made between them; claims the responder",
    Crossing.INITIATOR_RESET_MADE: "reset seen at {near} and not at {far}: made between them; claims the initiator",
    Crossing.RESET_PASSED: "the reset passed {near} and {far}",
    Crossing.ERROR_MADE: "ICMP seen at {near} and not at {far}: sent between them",
    Crossing.PAYLOAD_LOST: f"payload seen at {{near}}, and not all of it at {{far}}: {LOST}",
}


def lay_over(attempts: pl.DataFrame, observed: Observed) -> pl.DataFrame:
    """Return ``attempts`` (``table.collect``) in the light of what points show together.

    Changes ``loud``, ``silent`` and ``arrived``; adds ``crossing`` (row of CROSSINGS, or null), ``between`` (0: points tell nothing
    of where, 1: perhaps, 2: for sure) and ``crossed`` (the outcome rests on it).
    """
    if observed.crossings is None:
        nothing = {"crossing": pl.lit(None, pl.UInt32), "between": pl.lit(0, pl.UInt8), "crossed": pl.lit(value=False)}
        return attempts.with_columns(**nothing)
    known = observed.crossings.with_row_index("crossing").select("crossing", "serial", "shown", "sure", "elsewhere")
    met = attempts.join(known, on="serial", how="left", maintain_order="left")
    changed = {name: _changed(name) for name in ("loud", "silent")}
    return met.with_columns(
        **{name: pl.coalesce(change, name) for name, change in changed.items()},
        arrived=pl.col("arrived")
        & ~pl.col("elsewhere").fill_null(value=False)
        & ~pl.col("shown").is_in([int(crossing) for crossing in _NOT_ARRIVED]).fill_null(value=False),
        between=pl.when(pl.col("shown").fill_null(0) > 0)
        .then(1 + pl.col("sure").cast(pl.UInt8))
        .otherwise(0)
        .cast(pl.UInt8),
        crossed=pl.coalesce(changed["loud"], changed["silent"]).is_not_null(),
    ).drop("shown", "sure", "elsewhere")


def _changed(name: str) -> pl.Expr:
    """Return the outcome that takes the place of the one in column ``name``, null where that one stays."""
    change: pl.Expr = pl.lit(None, pl.UInt8)
    for crossing, (whence, outcome) in _CHANGES.items():
        fits = (pl.col("shown") == int(crossing)) & pl.col(name).is_in([int(code) for code in whence])
        change = pl.when(fits).then(pl.lit(int(outcome), pl.UInt8)).otherwise(change)
    passed = (pl.col("shown") == int(Crossing.RESET_PASSED)) & pl.col("sure")
    genuine = passed & (pl.col(name) == int(Outcome.REFUSED_UNCOMPARED))
    return pl.when(genuine).then(pl.lit(int(Outcome.REFUSED), pl.UInt8)).otherwise(change)


def told_between(crossing: Mapping[str, Any], points: tuple[str, ...]) -> str | None:
    """Return what a row of CROSSINGS says, as facts for a detail."""
    words = _WORDS.get(Crossing(crossing["shown"]))
    facts = [words.format(near=_named(points[crossing["near"]]), far=_named(points[crossing["far"]]))] if words else []
    if crossing["seen_as"] is not None:
        facts.append(f"at {_named(points[crossing['seen_at']])} as {crossing['seen_as']}")
    return "; ".join(facts) or None


def another_way(crossing: Mapping[str, Any], points: tuple[str, ...]) -> str | None:
    """Return what else may explain that a point did not see something; None where packets between both hosts rule it out."""
    far = _named(points[crossing["far"]])
    return None if crossing["sure"] else f"another way past {far}, or a packet that it did not catch"


def _named(point: str) -> str:
    """Return the name of a point without what separates facts of a detail."""
    return point.replace(";", ",")
