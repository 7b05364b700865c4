"""What a survey of flows tells without their tables is what the tables say."""

from __future__ import annotations

from contextlib import closing

import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st

from analyser.flows.memory import Limits
from analyser.flows.reader import read_captures
from analyser.tables import sights_of
from tests.flows_properties.compare import MemorySource, kernel_reads
from tests.flows_properties.test_invariance import SLOW
from tests.flows_properties.traffic import PORTS, Timed, pcap, traffic

KEY = ["id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "orig_pkts", "resp_pkts"]


@SLOW
@given(traffic(link=1), st.sampled_from(["0", "2", "4", "6"]))
def test_survey_and_tables_agree(frames: Timed, last: str) -> None:
    """Who was seen where, which flows belong to an address, and how many others there are: as the tables of all flows say."""
    data = pcap(frames, 1)
    flows = kernel_reads([data], PORTS)[0].flows

    def belongs(address: str) -> bool:
        return address.endswith(last)

    reading = read_captures(
        [MemorySource(data)], ports=PORTS, limits=Limits(batch=1, live_flows=2, together=8), workers=1
    )
    with closing(reading):
        assume(reading.in_parts)
        survey = reading.survey(belongs)
        seen = pl.concat([sights for sights, _ in survey.steps()]).unique()
        wanted = pl.concat([tables.flows for tables in survey.wanted()])
    assert seen.sort(pl.all()).equals(sights_of(flows).sort(pl.all()))
    mine = (
        pl.any_horizontal(pl.col("id.orig_h", "id.resp_h").map_elements(belongs, return_dtype=pl.Boolean))
        | pl.col("loopback")
    )  # fmt: skip
    assert wanted.select(KEY).sort(pl.all()).equals(flows.filter(mine).select(KEY).sort(pl.all()))
    others = flows.filter(~mine)
    assert survey.left == (others.height, sum(others["orig_pkts"].to_list() + others["resp_pkts"].to_list()))
