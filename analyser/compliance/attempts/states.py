"""What each flow came to when no rule asks anything of it: the whole table at once."""

from __future__ import annotations

import polars as pl

from analyser.compliance.attempts.ledger import CODES, IS_FAILED, IS_OPEN, STATE_RANK, Ledger, Numbers
from analyser.compliance.attempts.outcomes import MEANINGS, Outcome
from analyser.model.finding import PortState

_WORDS = {code: str(MEANINGS[Outcome(code)].state) for code in CODES}
_CAUSES = {code: cause and str(cause) for code in CODES for cause in [MEANINGS[Outcome(code)].cause]}


def _members(which: Numbers) -> list[int]:
    return [code for code in CODES if which[code]]


def flow_states(ledger: Ledger, flows: pl.DataFrame, probes: frozenset[str]) -> pl.DataFrame:
    """Return one row per flow, in the order of FLOWS.

    ``serial``; ``state`` and ``cause`` (words of PortState and Cause); ``attempt``: false for a lone FIN or RST;
    ``probe``: a health probe by its shape, or sent from an address in ``probes``.
    """
    outcome = pl.col("outcome")
    facts = pl.LazyFrame({"serial": ledger.frame["serial"], "outcome": ledger.unasked}).with_columns(
        rank=outcome.replace_strict(dict(enumerate(STATE_RANK.tolist())), return_dtype=pl.UInt8)
    )
    failed, opened = outcome.is_in(_members(IS_FAILED)), outcome.is_in(_members(IS_OPEN))
    # Most flows are one attempt; only flows of several requests need to be summed up.
    several = pl.len().over("serial") > 1
    summed = (
        facts.filter(several)
        .sort("rank")
        .group_by("serial")
        .agg(
            mixed=failed.any() & opened.any(),
            outcome=pl.coalesce(outcome.filter(failed).first(), outcome.filter(opened).first(), outcome.first()),
        )
    )
    single = facts.filter(~several).select("serial", pl.lit(value=False).alias("mixed"), "outcome")
    state = outcome.replace_strict(_WORDS, return_dtype=pl.String)
    named = pl.concat([single, summed]).select(
        "serial",
        state=pl.when("mixed").then(pl.lit(str(PortState.INTERMITTENT))).otherwise(state),
        cause=outcome.replace_strict(_CAUSES, return_dtype=pl.String),
        attempt=outcome != int(Outcome.NO_ATTEMPT),
        shaped=outcome == int(Outcome.PROBE),
    )
    asked = flows.lazy().select("serial", from_probe=pl.col("id.orig_h").is_in(list(probes)))
    return (
        asked.join(named, on="serial", how="left", maintain_order="left")
        .select("serial", "state", "cause", "attempt", probe=pl.col("shaped") | pl.col("from_probe"))
        .collect()
    )
