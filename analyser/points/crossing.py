"""Between which points packets were lost, resets made and errors sent: for each conversation that is in doubt.

Absence at a point counts only with a witness that the packet would have been seen there, and only where it is known which
point comes first. Knows groups of flows, order and witnesses; what follows for a port is for others to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from analyser.model.crossing import Crossing
from analyser.points.order import KEY, Order
from analyser.points.sides import network
from analyser.points.weighing import RESTS_ON, weigh
from analyser.points.witness import SURE, Witnesses
from analyser.tables import CROSSINGS

_NEAR: Final = 2_000_000_000
"""Nanoseconds around a request within which a stranger on the same port may be the same request."""

_STUCK: Final = 2
"""Times that payload is sent again without an acknowledgement before it counts as lost."""


class Crossings:
    """What points show together of conversations.

    ``flows``: FLOWS of all points with ``point``, ``group``, ``travels`` and ``translated``, each group told from one initiator.
    """

    def __init__(self, flows: pl.DataFrame, order: Order, witnesses: Witnesses, near: pl.DataFrame) -> None:
        self._order = order
        self._near = near
        self._witnesses = witnesses
        tcp = pl.col("proto") == "tcp"
        self._facts = flows.select(
            "group", "point", "proto", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "travels", "translated",
            asked=pl.col("orig_pkts") > 0,
            opened=~tcp | (pl.col("orig_nsyn") > 0),
            answer=pl.when(tcp).then(pl.col("resp_nsynack") > 0).otherwise(pl.col("resp_pkts") > 0),
            resp_reset=tcp & (pl.col("resp_nrst") > 0),
            orig_reset=tcp & (pl.col("orig_nrst") > 0),
            closed=(pl.col("orig_nfin") > 0) & (pl.col("resp_nfin") > 0),
            heard=tcp & (pl.col("orig_acks") | (pl.col("orig_bytes") > 0) | (pl.col("orig_nrst") > 0)),
            spoke=pl.col("resp_pkts") > 0,
            error=(pl.col("icmp_errors") > 0) & pl.col("icmp_about_orig"),
            first="orig_first_t", last=pl.max_horizontal("orig_syn_last_t", "orig_data_last_t", "orig_first_t"),
            resp_first="resp_first_t", resp_last=pl.max_horizontal("resp_syn_last_t", "resp_data_last_t", "resp_first_t"),
            orig_stuck=tcp & (pl.col("orig_stuck") >= _STUCK),
            resp_stuck=tcp & (pl.col("resp_stuck") >= _STUCK),
            orig_bytes="orig_bytes",
            resp_bytes="resp_bytes",
            **{name: pl.col(name).cast(pl.UInt64) for name in RESTS_ON.values()},
            resp_rst_t="resp_rst_t", orig_rst_t="orig_rst_t", icmp_t="icmp_t",
        ).filter("travels")  # fmt: skip
        self._groups = self._facts.group_by("group", maintain_order=True).agg(
            pl.first("proto", "id.orig_h", "id.resp_h", "id.resp_p"),
            pl.any("asked", "opened", "answer", "resp_reset", "orig_reset", "closed", "heard", "spoke", "error", "translated", "orig_stuck", "resp_stuck"),
        )  # fmt: skip

    def told(self, leaks: Sequence[int]) -> pl.DataFrame:
        """Return CROSSINGS by ``group`` instead of ``serial``: of each conversation what weighs most.

        ``leaks``: points that lack packets which passed them.
        """
        groups = self._groups
        quiet = groups.filter("asked", "opened", ~pl.col("spoke"))
        unheard = groups.filter("answer", ~pl.col("heard"))
        found = [
            self._made(groups.filter("resp_reset", ~pl.col("closed")), "resp", Crossing.RESPONDER_RESET_MADE),
            self._made(groups.filter("orig_reset", ~pl.col("closed")), "orig", Crossing.INITIATOR_RESET_MADE),
            self._lost(unheard, "answer", ("resp_first", "resp_last"), Crossing.ANSWER_LOST, forward=False),
            self._short(groups, "orig"),
            self._short(groups, "resp"),
            self._lost(quiet.filter("error"), "error", ("icmp_t",), Crossing.ERROR_MADE, forward=True),
            self._lost(quiet, "asked", ("first", "last"), Crossing.REQUEST_LOST, forward=True),
            self._passed(quiet, "asked", Crossing.REQUEST_PASSED),
            self._passed(
                groups.filter("resp_reset", ~pl.col("closed")), "resp_reset", Crossing.RESET_PASSED, forward=False
            ),
        ]
        return weigh(pl.concat(found), self._facts, leaks).unique("group", keep="first", maintain_order=True)

    def _ends(self, groups: pl.DataFrame, *, forward: bool) -> pl.DataFrame:
        """Add KEY: between whom the packets in question went."""
        source, target = ("id.orig_h", "id.resp_h") if forward else ("id.resp_h", "id.orig_h")
        ends = groups.with_columns(from_h=source, to_h=target)
        addresses = pl.concat([ends["from_h"], ends["to_h"].alias("from_h")]).unique()
        names = pl.Series([network(address) for address in addresses.to_list()], dtype=pl.String)
        return ends.with_columns(
            pl.col(f"{end}_h").replace_strict(addresses, names, return_dtype=pl.String).alias(f"{end}_n")
            for end in ("from", "to")
        )

    def _seen(self, groups: pl.DataFrame, fact: str) -> pl.DataFrame:
        return self._facts.filter(fact).join(groups.select("group"), on="group", how="semi")

    def _absent(self, groups: pl.DataFrame, seen: pl.DataFrame, *moments: str) -> pl.DataFrame:
        """Points that show nothing of what others saw, although they would have: ``group``, ``point``, ``witness``, ``rank``.

        ``seen`` has ``moments``: one of them must lie in what the point captured.
        """
        times = seen.group_by("group").agg(pl.col(moments[0]).min(), *(pl.col(name).max() for name in moments[1:]))
        every = self._order.ranks(groups)
        asked = groups.select("group", *KEY).join(every, on=KEY).join(seen, on=["group", "point"], how="anti")
        asked = self._as_shown_there(asked.join(times, on="group", how="inner"), groups)
        asked = self._witnesses.level(asked).filter(pl.col("witness") > 0)
        return asked.filter(self._witnesses.watching(asked, *moments))

    def _as_shown_there(self, asked: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
        """Put the addresses that a point shows of a translated conversation in place of those that another shows."""
        translated = groups.filter("translated").select("group")
        if translated.is_empty():
            return asked
        forward = groups["from_h"][0] == groups["id.orig_h"][0]
        there = self._ends(
            self._facts.join(translated, on="group", how="semi").select("group", "point", "id.orig_h", "id.resp_h"), forward=forward
        ).select("group", "point", *(pl.col(name).alias(f"{name}_there") for name in KEY))  # fmt: skip
        met = asked.join(there, on=["group", "point"], how="left", maintain_order="left")
        return met.with_columns(pl.coalesce(f"{name}_there", name).alias(name) for name in KEY).drop(
            f"{name}_there" for name in KEY
        )

    def _behind(self, rows: pl.DataFrame, groups: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
        """Return rows of which it is known that packets of the group pass point ``first`` before point ``second``."""
        known = self._order.between(groups).filter(pl.col("before") == 1)
        ways = groups.select("group", *KEY).join(known, on=KEY).select("group", "point", "point_2")
        return rows.join(ways, left_on=["group", first, second], right_on=["group", "point", "point_2"], how="semi")

    def _lost(
        self, groups: pl.DataFrame, fact: str, moments: tuple[str, ...], shown: Crossing, *, forward: bool
    ) -> pl.DataFrame:
        """What the last point that it reached saw, and the next one did not."""
        if groups.is_empty():
            return _none()
        groups = self._ends(groups, forward=forward)
        seen = self._seen(groups, fact)
        ranks = self._order.ranks(groups)
        reached = (
            groups.select("group", *KEY)
            .join(ranks, on=KEY)
            .join(seen.select("group", "point"), on=["group", "point"], how="semi")
        )
        reached = reached.sort("rank", "point", descending=[True, False]).unique(
            "group", keep="first", maintain_order=True
        )
        beyond = self._absent(groups, seen, *moments).join(reached.select("group", near="point"), on="group")
        beyond = self._behind(beyond, groups, "near", "point")
        beyond = self._without_rivals(beyond) if shown is Crossing.REQUEST_LOST else beyond
        beyond = beyond.sort("rank", "point").unique("group", keep="first", maintain_order=True)
        return _told(beyond, shown, far="point")

    def _without_rivals(self, beyond: pl.DataFrame) -> pl.DataFrame:
        """Leave out what may have passed and not been known again: something that other points know nothing of, at the same time.

        Between the same ends; or, where only others prove that it would have been seen, on the same port, under whatever address.
        """
        if beyond.is_empty():
            return beyond
        ends = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
        alone = self._facts.filter(pl.col("point").n_unique().over("group") == 1).select(
            "point", "proto", *ends, began="first"
        )
        own = self._facts.group_by("group").agg(pl.first("proto", *ends), pl.col("first").min(), pl.col("last").max())
        asked = beyond.select("group", "point", "witness").join(own, on="group")
        rivals = [
            _began_meanwhile(asked, alone, ["point", "proto", *ends]),
            _began_meanwhile(asked.filter(pl.col("witness") < SURE), alone, ["point", "proto", "id.resp_p"]),
        ]
        return beyond.join(pl.concat(rivals), on=["group", "point"], how="anti")

    def _made(self, groups: pl.DataFrame, side: str, shown: Crossing) -> pl.DataFrame:
        """Resets that a point saw, and the point before it, nearer their pretended sender, did not."""
        if groups.is_empty():
            return _none()
        groups = self._ends(groups, forward=side == "orig")
        seen = self._seen(groups, f"{side}_reset")
        ranks = self._order.ranks(groups)
        first = (
            groups.select("group", *KEY)
            .join(ranks, on=KEY)
            .join(seen.select("group", "point"), on=["group", "point"], how="semi")
        )
        first = first.sort("rank", "point").unique("group", keep="first", maintain_order=True)
        before = self._absent(groups, seen, f"{side}_rst_t").join(first.select("group", near="point"), on="group")
        before = self._behind(before, groups, "point", "near")
        before = before.sort("rank", "point", descending=[True, False]).unique(
            "group", keep="first", maintain_order=True
        )
        return _told(before, shown, far="point")

    def _short(self, groups: pl.DataFrame, side: str) -> pl.DataFrame:
        """Payload that was sent again and again at one point, of which the next one shows less."""
        groups = groups.filter(f"{side}_stuck")
        if groups.is_empty():
            return _none()
        groups = self._ends(groups, forward=side == "orig")
        octets, last = f"{side}_bytes", "last" if side == "orig" else "resp_last"
        placed = groups.select("group", *KEY).join(self._order.ranks(groups), on=KEY)
        placed = placed.join(self._facts.select("group", "point", f"{side}_stuck", octets, last), on=["group", "point"])
        stuck = placed.filter(f"{side}_stuck").sort("rank", "point", descending=[True, False])
        stuck = stuck.unique("group", keep="first", maintain_order=True)
        beyond = placed.filter(~pl.col(f"{side}_stuck")).join(
            stuck.select("group", near="point", sent=octets, until=last), on="group"
        )
        beyond = self._behind(beyond.filter(pl.col(octets) < pl.col("sent")), groups, "near", "point")
        beyond = beyond.filter(self._witnesses.watching(beyond, "until")).sort("rank", "point")
        beyond = beyond.unique("group", keep="first", maintain_order=True).with_columns(witness=pl.lit(SURE))
        return _told(beyond, Crossing.PAYLOAD_LOST, far="point")

    def _passed(self, groups: pl.DataFrame, fact: str, shown: Crossing, *, forward: bool = True) -> pl.DataFrame:
        """What several points saw: ``near`` is the first of them, ``far`` the last."""
        if groups.is_empty():
            return _none()
        groups = self._ends(groups, forward=forward)
        seen = self._seen(groups, fact)
        ranks = self._order.ranks(groups)
        along = (
            groups.select("group", *KEY)
            .join(ranks, on=KEY)
            .join(seen.select("group", "point"), on=["group", "point"], how="semi")
        )
        ends = along.sort("rank", "point").group_by("group", maintain_order=True).agg(
            near=pl.col("point").first(), far=pl.col("point").last(), n=pl.len(), apart=pl.col("rank").last() - pl.col("rank").first()
        )  # fmt: skip
        ends = ends.filter(pl.col("n") > 1, pl.col("apart") > 0).with_columns(witness=pl.lit(SURE))
        if shown is Crossing.RESET_PASSED:
            at_home = groups.select("group", host="from_h").join(ends.select("group", point="near"), on="group")
            at_home = at_home.join(self._near, on=["point", "host"], how="semi").select(
                "group", pl.lit(SURE).alias("home")
            )
            ends = ends.join(at_home, on="group", how="left").with_columns(witness=pl.col("home").fill_null(0))
        return _told(ends, shown, far="far")


def _began_meanwhile(asked: pl.DataFrame, others: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return ``group`` and ``point`` of requests beside which one of ``others`` that agrees on ``key`` began."""
    since = asked.select("group", "point", *key[1:], since=pl.col("first") - _NEAR, until=pl.col("last") + _NEAR)
    met = since.sort("since").join_asof(
        others.select(*key, "began").sort("began"),
        left_on="since", right_on="began", by=key, strategy="forward", check_sortedness=False,
    )  # fmt: skip
    return met.filter(pl.col("began") <= pl.col("until")).select("group", "point")


def _told(found: pl.DataFrame, shown: Crossing, *, far: str) -> pl.DataFrame:
    return found.select(
        "group",
        shown=pl.lit(int(shown), pl.UInt8),
        near=pl.col("near").cast(pl.UInt32),
        far=pl.col(far).cast(pl.UInt32),
        sure=pl.col("witness") >= SURE,
    )


def _none() -> pl.DataFrame:
    return pl.DataFrame(
        schema={"group": pl.Int64()} | {name: CROSSINGS[name] for name in ("shown", "near", "far", "sure")}
    )
