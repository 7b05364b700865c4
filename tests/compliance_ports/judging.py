"""Judging made flows in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyser.compliance.attempts.judge import Demand, Judge
from analyser.model.finding import PortFinding
from tests.compliance_ports.made import observed

ANY = Demand(transport="tcp", port=443)
"""A rule that asks for nothing in particular."""
SNMP = Demand(transport="udp", port=161, services=("snmp",), silent=True)

Flow = dict[str, Any]


def judge(*flows: Flow, aliases: Mapping[str, frozenset[str]] | None = None, **facts: Any) -> Judge:
    """A judge over a capture of these flows; ``networks`` maps addresses to networks of the site."""
    networks: Mapping[str, str] = facts.pop("networks", {})
    probes: frozenset[str] = facts.pop("probes", frozenset())
    return Judge(observed(*flows, **facts), aliases=aliases or {}, network_of=networks.get, probes=probes)


def port_of(*attempts: Flow, beside: Sequence[Flow] = (), demand: Demand = ANY, **facts: Any) -> PortFinding:
    """The finding of the port on which ``attempts`` were made, in a capture that also has the flows ``beside``."""
    return judge(*attempts, *beside, **facts).port(range(len(attempts)), demand)


def told(finding: PortFinding) -> str:
    """State and cause in one word: "blocked/no-answer"."""
    return f"{finding.state}/{finding.cause}" if finding.cause else str(finding.state)
