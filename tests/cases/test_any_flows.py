"""Whatever flows, promises and lookups there are: naming cases raises nothing and leaves all else as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.compliance.check import judge_site
from analyser.compliance.judgement import Judgement
from analyser.model.site import Host, Network, Site
from analyser.policy.cases import load_cases
from analyser.policy.packs import load_pack
from analyser.tables import LOOKUPS
from tests.compliance_ports.made import at, flow, observed

PACK = load_pack("ysoft-safeq-6")
CASES = load_cases(PACK, PACK.id)
SERVER, CONTROLLER, DATABASE, PRINTER, XEROX, CLIENT = (
    "192.0.2.10", "192.0.2.11", "192.0.2.12", "198.51.100.21", "198.51.100.22", "203.0.113.5",
)  # fmt: skip
SITE = Site(
    name="cases",
    rules=(PACK.id,),
    path="site.toml",
    features=("mssql-named-instance", "ftp-scanning", "online-accounting", "workstation-client"),
    hosts=(
        Host(name="server", addresses=(SERVER,), roles=("management", "terminal-server", "spooler-controller")),
        Host(name="controller", addresses=(CONTROLLER,), roles=("spooler-controller", "flexispooler")),
        Host(name="database", addresses=(DATABASE,), roles=("mssql",)),
        Host(name="mfd", addresses=(PRINTER,), roles=("mfd",), vendor="konica-minolta", terminal="embedded"),
        Host(name="xerox", addresses=(XEROX,), roles=("mfd",), vendor="xerox", terminal="embedded"),
    ),
    networks=(Network(name="office", cidr="203.0.113.0/24", roles=("workstation",)),),
)
_ADDRESS = st.sampled_from([SERVER, CONTROLLER, DATABASE, PRINTER, XEROX, CLIENT, "203.0.113.6", "10.9.9.9"])
_COUNT = st.integers(0, 2)
_TIME = st.sampled_from([0, at(1), at(2), at(30), at(599)])
_FLOW = st.fixed_dictionaries(
    {
        "orig": _ADDRESS,
        "resp": _ADDRESS,
        "port": st.sampled_from([21, 80, 161, 443, 1434, 5015, 5022, 5555, 50001, 50003, 50010]),
        "sport": st.just(40000),
        "proto": st.sampled_from(["tcp", "tcp", "udp"]),
        "service": st.none() | st.sampled_from(["http", "tls", "snmp", "ftp"]),
        "basis": st.sampled_from([None, "payload", "port"]),
        "ts": _TIME,
        "last_t": _TIME,
        **dict.fromkeys(("orig_pkts", "resp_pkts", "orig_bytes", "resp_bytes"), _COUNT),
        **dict.fromkeys(("orig_nsyn", "resp_nsynack", "orig_nrst", "resp_nrst"), _COUNT),
        "tls_offered": st.sampled_from([None, "TLS 1.2", "TLS 1.3"]),
        "tls_version": st.sampled_from([None, "TLS 1.2", "TLS 1.3"]),
        "tls_alert": st.sampled_from([None, "unknown_ca", "handshake_failure"]),
        "tls_alert_from_orig": st.booleans(),
        "refused_code": st.sampled_from([None, None, "HTTP 401", "HTTP 403", "SNMP wrongDigests"]),
        **dict.fromkeys(("tls_client_hello_t", "tls_server_hello_t", "orig_syn_t", "resp_syn_t", "resp_rst_t"), _TIME),
    }
)  # fmt: skip
_PROMISE = st.fixed_dictionaries(
    {
        "control": st.integers(0, 8), "t": _TIME, "file": st.integers(0, 2), "frame": st.integers(0, 3),
        "kind": st.sampled_from(["ftp-active", "ftp-passive", "sql-browser"]),
        "initiator": _ADDRESS, "responder": _ADDRESS, "announced": _ADDRESS, "port": st.just(50010), "kept_by": st.none(),
    }
)  # fmt: skip
_NAME = st.sampled_from(
    [b"\x06server\x00", b"\x0acontroller\x07example\x00", b"\x03mfd\x00", b"\x00", b"", b"\x05other\x00"]
)
_LOOKUP = st.fixed_dictionaries(
    {
        "asker": _ADDRESS, "asker_port": st.just(50000), "server": _ADDRESS, "serial": st.integers(0, 8), "name": _NAME,
        "outcome": st.sampled_from(["found", "no-such-name", "server-failure", "refused", "no-answer"]),
        "address": st.none() | _ADDRESS, "t": _TIME, "last_t": _TIME, "file": st.integers(0, 2), "frame": st.integers(1, 3),
        "answer_file": st.integers(0, 2), "answer_frame": st.integers(0, 3), "times": st.integers(1, 3),
    }
)  # fmt: skip


def plain(judgement: Judgement) -> Judgement:
    """Return a judgement without the cases in it."""
    return replace(
        judgement,
        verdicts=tuple(replace(entry, case=None) for entry in judgement.verdicts),
        unexpected=tuple(replace(entry, case=None) for entry in judgement.unexpected),
    )


@settings(max_examples=25, deadline=None)
@given(
    flows=st.lists(_FLOW, max_size=10),
    promises=st.lists(_PROMISE, max_size=3),
    asked=st.lists(_LOOKUP, max_size=4),
)
def test_naming_cases_changes_nothing(
    flows: list[dict[str, Any]], promises: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    """No exception, and the judgement without its cases is the one that is made without any case known."""
    seen = observed(*(flow(**facts) for facts in flows), promises=promises)
    seen = replace(seen, lookups=pl.DataFrame(asked, schema=LOOKUPS))
    named = judge_site(seen, [PACK], SITE, cases=CASES)
    assert plain(named) == judge_site(seen, [PACK], SITE)
    told = [entry.case for entry in named.verdicts] + [entry.case for entry in named.unexpected]
    for case in told:
        assert case is None or "{" not in f"{case.title}{case.explanation}{case.first_step}{case.shows}"
