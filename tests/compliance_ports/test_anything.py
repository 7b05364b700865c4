"""Whatever stands in the columns, every flow gets a state and every port a finding."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analyser.compliance.attempts.judge import Demand, Judge
from analyser.compliance.attempts.wording import explain_state, remedy
from analyser.model.finding import Cause, PortFinding, PortState
from analyser.tables import FLOWS, ICMP_ERRORS, LABELS, NEIGHBOURS, PATHS, PROMISES, REQUESTS, Observed
from tests.compliance_ports.made import T0, table

ADDRESSES = st.sampled_from(
    [
        "192.0.2.10",
        "192.0.2.11",
        "198.51.100.21",
        "203.0.113.5",
        "239.1.1.1",
        "255.255.255.255",
        "127.0.0.1",
        "2001:db8::1",
        "fe80::1%eth0",
        "ff02::fb",
        "",
        "not an address",
        "1.2.3.4.5",
        ":",
    ]
)
LABELS_SEEN = st.sampled_from([None, "", "http", "tls", "snmp", "raw-print", "opaque", "no such service"])
TIMES = st.one_of(
    st.sampled_from([0, T0, T0 + 1, T0 + 10**9, T0 + 7 * 10**9, -(2**63), 2**63 - 1]),
    st.integers(T0, T0 + 700 * 10**9),
)
BITS: dict[Any, int] = {pl.UInt8: 8, pl.UInt16: 16, pl.UInt32: 32, pl.UInt64: 64}


def values(name: str, kind: Any, *, nullable: bool) -> st.SearchStrategy[Any]:
    if name.endswith("_h") or name in ("asker", "target", "sender", "icmp_sender", "initiator", "responder"):
        return ADDRESSES
    if name == "proto":
        return st.sampled_from(["tcp", "tcp", "tcp", "udp", "icmp", "igmp", "ip-200", ""])
    if name == "service":
        return LABELS_SEEN
    if name == "basis":
        return st.sampled_from([None, "payload", "port", "negotiated", "?"])
    if name.endswith("path"):
        return st.integers(0, 3)
    if name.endswith("_file") or name == "file":
        return st.sampled_from([0, 1, 65535])
    if kind == pl.Int64:
        found: st.SearchStrategy[Any] = TIMES
    elif kind == pl.Boolean:
        found = st.booleans()
    elif kind == pl.String:
        found = st.sampled_from(["", "x", "\x1b[31m", "HTTP 401", "unknown_ca"])
    elif kind == pl.Binary:
        found = st.binary(max_size=4)
    elif kind == pl.Float64:
        found = st.floats()
    else:
        top = 2 ** BITS[type(kind)] - 1
        found = st.one_of(st.integers(0, 4), st.integers(0, top))
    return st.none() | found if nullable else found


def rows(schema: dict[str, pl.DataType], most: int, **given_: st.SearchStrategy[Any]) -> Any:
    nullable = schema is LABELS
    columns = {name: values(name, kind, nullable=nullable) for name, kind in schema.items()}
    return st.lists(st.fixed_dictionaries({**columns, **given_}), max_size=most)


FLOW = {**FLOWS, **LABELS}
FLOW_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            **{name: values(name, kind, nullable=name in LABELS or name == "rtt") for name, kind in FLOW.items()},
            "serial": st.just(0),
        }
    ),
    min_size=1,
    max_size=5,
)
OF_A_FLOW = {"serial": st.integers(0, 6)}
DEMANDS = st.builds(
    Demand,
    transport=st.sampled_from(["tcp", "udp", "any"]),
    port=st.none() | st.integers(0, 65535),
    services=st.lists(st.sampled_from(["http", "https", "ymq", "raw-print", "snmp"]), max_size=2).map(tuple),
    silent=st.booleans(),
    one_way=st.booleans(),
    localhost=st.booleans(),
)


# Shrinking a flow of 150 columns takes minutes and leaves it as long as before.
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(
    flows=FLOW_ROWS,
    neighbours=rows(NEIGHBOURS, 3),
    errors=rows(ICMP_ERRORS, 3, **OF_A_FLOW),
    requests=rows(REQUESTS, 3, **OF_A_FLOW),
    paths=rows(PATHS, 3),
    demand=DEMANDS,
    ended=TIMES,
    network=st.none() | st.just("192.0.2.0/24"),
)
def test_any_values_give_some_finding(
    flows: list[dict[str, Any]],
    neighbours: list[dict[str, Any]],
    errors: list[dict[str, Any]],
    requests: list[dict[str, Any]],
    paths: list[dict[str, Any]],
    demand: Demand,
    ended: int,
    network: str | None,
) -> None:
    observed = Observed(
        flows=table(FLOW, [{**row, "serial": number} for number, row in enumerate(flows)]),
        paths=table(PATHS, paths),
        neighbours=table(NEIGHBOURS, neighbours),
        icmp_errors=table(ICMP_ERRORS, errors),
        promises=table(PROMISES, []),
        requests=table(REQUESTS, requests),
        capture_paths=("a", "b"),
        started=0,
        ended=ended,
    )
    aliases = dict.fromkeys(("192.0.2.10", "192.0.2.11"), frozenset({"192.0.2.10", "192.0.2.11"}))
    judge = Judge(observed, aliases=aliases, network_of=lambda _: network)

    states = judge.states
    assert states["serial"].to_list() == list(range(len(flows)))
    assert set(states["state"].to_list()) <= {str(state) for state in PortState}
    assert set(states["cause"].drop_nulls().to_list()) <= {str(cause) for cause in Cause}
    assert states.select("state", "attempt", "probe").null_count().sum_horizontal().item() == 0
    finding = judge.port(range(len(flows)), demand)
    assert isinstance(finding, PortFinding)
    lists = [[number] for number in range(len(flows))] + [list(range(len(flows)))]
    together = judge.outlines(pl.Series(lists, dtype=pl.List(pl.UInt64)), [demand] * len(lists))
    assert [outline.tell() for outline in together] == [judge.port(serials, demand) for serials in lists]
    assert [outline.state for outline in together] == [outline.tell().state for outline in together]
    for number in range(len(flows)):
        alone = judge.port([number], demand)
        assert explain_state(alone)
        assert remedy(alone, "a", "b") != ""
        assert all(piece.frames and len(piece.frames) <= 8 for piece in alone.evidence)
    judge.absent([flows[0]["id.orig_h"]], [flows[0]["id.resp_h"]], demand)
    judge.evidence(range(len(flows)), limit=3)
