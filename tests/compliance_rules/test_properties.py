"""Whatever the flows: a judgement, ids of their own, and every flow accounted for."""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.compliance.applying import apply_rules
from analyser.compliance.attempts.judge import Judge
from analyser.compliance.check import judge_site
from analyser.compliance.locating import locate, shared_origins
from analyser.compliance.matching import match_ports
from analyser.compliance.negotiated import match_promises
from analyser.compliance.parties import Directory
from analyser.compliance.unexpected.infrastructure import answers_to_groups
from analyser.model.finding import Severity, Verdict
from analyser.model.flow import ConnState
from analyser.model.rule import RulePack
from analyser.model.service import Service
from analyser.model.site import Group, Host, Network, Site
from analyser.model.vocabulary import FEATURES
from analyser.policy.packs import load_pack
from analyser.tables import Observed
from tests.compliance_ports.made import at, flow, observed

_SITE = Site(
    name="everything",
    rules=("ysoft-safeq-6", "infrastructure"),
    features=FEATURES,
    settings={"nearRoamingMulticast": "239.1.2.3:45588"},
    hosts=(
        Host(
            name="one",
            addresses=("192.0.2.10", "2001:db8::10"),
            roles=("management", "spooler-controller", "terminal-server", "flexispooler", "etcd", "wps", "ims"),
            group="g",
        ),
        Host(
            name="two",
            addresses=("192.0.2.11",),
            roles=("spooler-controller", "terminal-server", "flexispooler", "ims-proxy", "etcd"),
            group="g",
        ),
        Host(name="mig", addresses=("192.0.2.12",), roles=("mig", "mobile-print", "payment", "mail", "ldap", "mssql")),
        Host(name="ricoh", addresses=("198.51.100.21",), roles=("mfd",), vendor="ricoh", terminal="embedded"),
        Host(name="pro", addresses=("198.51.100.30",), roles=("terminal-professional", "terminal-pro-4")),
    ),
    networks=(
        Network(name="office", cidr="203.0.113.0/25", roles=("workstation",), nat=("192.0.2.1",)),
        Network(name="phones", cidr="203.0.113.128/25", roles=("mobile-client",), nat=("192.0.2.1",)),
        Network(name="printers", cidr="198.51.100.0/24", roles=("mfd",), vendor="hp", terminal="native"),
    ),
    groups=(Group(name="g", members=("one", "two"), virtual=("192.0.2.100",), probes=("192.0.2.101",)),),
)
_ADDRESSES = st.sampled_from(
    [
        "192.0.2.10",
        "192.0.2.11",
        "192.0.2.12",
        "192.0.2.1",
        "192.0.2.100",
        "192.0.2.101",
        "198.51.100.21",
        "198.51.100.30",
        "198.51.100.77",
        "203.0.113.5",
        "203.0.113.6",
        "203.0.113.200",
        "2001:db8::10",
        "2001:db8::99",
        "10.9.9.9",
        "127.0.0.1",
        "::1",
        "224.0.0.251",
        "239.1.2.3",
        "255.255.255.255",
        "203.0.113.127",
        "not-an-address",
    ]
)
_PORTS = st.sampled_from(
    [
        21,
        22,
        25,
        37,
        53,
        80,
        137,
        138,
        161,
        389,
        443,
        445,
        515,
        1434,
        4000,
        4099,
        5022,
        5353,
        5555,
        5557,
        9000,
        9100,
        45588,
        50010,
        51443,
        64099,
        7,
        0,
        65535,
    ]
)
_COUNT = st.integers(0, 3)
_TIME = st.sampled_from([0, at(0), at(1), at(2.5), at(599)])
_FLOW = st.fixed_dictionaries(
    {
        "orig": _ADDRESSES,
        "resp": _ADDRESSES,
        "port": _PORTS,
        "sport": _PORTS,
        "proto": st.sampled_from(["tcp", "tcp", "tcp", "udp", "udp", "icmp", "icmp6", "igmp", "ip-47"]),
        "conn_state": st.sampled_from([str(state) for state in ConnState]),
        "service": st.none() | st.sampled_from([str(service) for service in Service]),
        "basis": st.sampled_from([None, "payload", "port", "negotiated"]),
        "loopback": st.booleans(),
        "ts": _TIME,
        "last_t": _TIME,
        "orig_pkts": _COUNT,
        "resp_pkts": _COUNT,
        "orig_bytes": _COUNT,
        "resp_bytes": _COUNT,
        "orig_nsyn": _COUNT,
        "resp_nsynack": _COUNT,
        "orig_nrst": _COUNT,
        "resp_nrst": _COUNT,
        "tls_client_hello_t": _TIME,
        "orig_syn_t": _TIME,
        "resp_syn_t": _TIME,
        "orig_data_t": _TIME,
        "resp_data_t": _TIME,
    }
)
_PROMISE = st.fixed_dictionaries(
    {
        "control": st.integers(0, 12),
        "t": _TIME,
        "file": st.just(0),
        "frame": st.just(1),
        "kind": st.sampled_from(["ftp-active", "ftp-passive", "sql-browser"]),
        "initiator": _ADDRESSES,
        "responder": _ADDRESSES,
        "announced": _ADDRESSES,
        "port": _PORTS,
        "kept_by": st.none() | st.integers(0, 12),
    }
)


@cache
def _packs() -> tuple[RulePack, ...]:
    return load_pack("ysoft-safeq-6"), load_pack("infrastructure")


def _explained(seen: Observed, capture_host: str | None) -> int:
    """The number of flows that a rule explains, found with the parts of the stage."""
    directory = Directory(_SITE, capture_host)
    policy = apply_rules(_packs(), _SITE, directory)
    judge = Judge(seen, aliases=directory.aliases, network_of=directory.segment, probes=directory.probes)
    located = locate(seen.flows, directory)
    fits = match_ports(located, policy.applied, shared_origins(directory, located))
    promised = match_promises(seen.promises, located, seen.flows, fits, judge.states, policy.applied, directory)
    return pl.concat([fits["serial"], promised.explained, answers_to_groups(located, fits)["serial"]]).n_unique()


@settings(max_examples=15, deadline=None)
@given(
    flows=st.lists(_FLOW, max_size=12),
    promises=st.lists(_PROMISE, max_size=4),
    capture_host=st.sampled_from([None, "one", "203.0.113.5", "nobody"]),
)
def test_any_flows_give_a_judgement_in_which_nothing_is_lost(
    flows: list[dict[str, Any]], promises: list[dict[str, Any]], capture_host: str | None
) -> None:
    """No exception, ids unique, and each flow is explained, infrastructure, unexpected, or out of scope."""
    seen = observed(*(flow(**facts) for facts in flows), promises=promises, capture_host=capture_host)
    judgement = judge_site(seen, _packs(), _SITE)
    ids = [entry.id for entry in judgement.verdicts] + [entry.id for entry in judgement.unexpected]
    assert len(ids) == len(set(ids))
    unexplained = sum(entry.flows for entry in judgement.unexpected)
    quiet = sum(note.flows for note in judgement.infrastructure)
    assert _explained(seen, capture_host) + unexplained + quiet + judgement.out_of_scope.flows == len(flows)


@settings(max_examples=6, deadline=None)
@given(flows=st.lists(_FLOW, max_size=12))
def test_every_rule_of_the_matrix_is_answered(flows: list[dict[str, Any]]) -> None:
    """Each rule but the forbidden one has a verdict, each entry a sentence, and ends unless it does not apply."""
    judgement = judge_site(observed(*(flow(**facts) for facts in flows)), _packs(), _SITE)
    rules = {rule.id for pack in _packs() for rule in pack.rules if rule.requirement != "forbidden"}
    assert {entry.rule for entry in judgement.verdicts} == rules
    for entry in judgement.verdicts:
        assert entry.sentence.endswith(".")
        assert (entry.verdict is Verdict.NOT_APPLICABLE) == (entry.initiator is None) == (entry.ports == ())
    for flow_entry in judgement.unexpected:
        assert flow_entry.severity is not Severity.OK


def test_an_empty_capture_is_judged_too() -> None:
    """No flow at all: every rule has its entry, nothing is satisfied, nothing unexpected."""
    judgement = judge_site(observed(), _packs(), _SITE)
    assert judgement.unexpected == ()
    assert {str(entry.verdict) for entry in judgement.verdicts} <= {
        "inconclusive",
        "unused",
        "not-applicable",
        "missing",
    }
