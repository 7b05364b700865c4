"""Little sites and rules for tests: as few words as a test needs, everything else filled in.

``judged`` runs the whole stage on made flows; ``only`` picks the verdicts of one rule as short tuples.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from analyser.compliance.check import judge_site
from analyser.compliance.judgement import Judgement
from analyser.model.finding import End, VerdictEntry
from analyser.model.flow import Transport
from analyser.model.rule import Infrastructure, Ports, Requirement, Rule, RulePack, Scope, When
from analyser.model.site import Group, Host, Network, Site, Waiver
from tests.compliance_ports.made import observed

TODAY: Final = dt.date(2026, 3, 2)
A: Final = "192.0.2.10"
B: Final = "192.0.2.11"
C: Final = "192.0.2.12"
V: Final = "192.0.2.100"
MFD: Final = "198.51.100.21"
MFD2: Final = "198.51.100.22"
OUTSIDE: Final = "203.0.113.200"


def rule(name: str = "r", **facts: Any) -> Rule:
    """A mandatory TCP rule: terminal-server → mfd, port 443, any service, for each mfd."""
    ports = facts.pop("ports", (443,))
    words = {
        key: (value,) if isinstance(value, str) else value
        for key in ("initiator", "responder", "service")
        if (value := facts.pop(key, None)) is not None
    }
    given = {
        "requirement": Requirement.MANDATORY,
        "transport": Transport.TCP,
        "ports": ports if isinstance(ports, Ports) else Ports(any=tuple(ports)),
        "initiator": ("terminal-server",),
        "responder": ("mfd",),
        "service": (),
        "subject": "responder",
        **words,
        **facts,
    }
    return Rule(id=f"p/s/{name}", pack="p", section="s", row=1, title=f"Row {name}", **given)


def every(*ports: int) -> Ports:
    """Ports each of which is needed."""
    return Ports(all=ports)


def host(name: str, address: str | Sequence[str], *roles: str, **facts: Any) -> Host:
    """A host."""
    addresses = (address,) if isinstance(address, str) else tuple(address)
    return Host(name=name, addresses=addresses, roles=roles, **facts)


def net(name: str, cidr: str, *roles: str, **facts: Any) -> Network:
    """A network."""
    return Network(name=name, cidr=cidr, roles=roles, **facts)


SERVER: Final = host("server", A, "terminal-server")
PRINTER: Final = host("printer", MFD, "mfd")


def site(*entries: Host | Network | Group | Waiver, **facts: Any) -> Site:
    """A site of these hosts, networks, groups and waivers; without any, one server and one printer."""
    given = entries or (SERVER, PRINTER)
    return Site(
        name="made",
        rules=("p",),
        hosts=tuple(entry for entry in given if isinstance(entry, Host)),
        networks=tuple(entry for entry in given if isinstance(entry, Network)),
        groups=tuple(entry for entry in given if isinstance(entry, Group)),
        waivers=tuple(entry for entry in given if isinstance(entry, Waiver)),
        **facts,
    )


def judged(
    flows: Sequence[dict[str, Any]],
    rules: Sequence[Rule] = (),
    place: Site | None = None,
    *,
    infrastructure: Sequence[Infrastructure] = (),
    today: dt.date = TODAY,
    **tables: Any,
) -> Judgement:
    """The judgement of ``flows`` under ``rules``."""
    pack = RulePack(id="p", version="1", source="", sha256="", rules=tuple(rules), infrastructure=tuple(infrastructure))
    return judge_site(observed(*flows, **tables), [pack], place or site(), today=today)


def called(end: End | None) -> str | None:
    """The name of an end, else its address."""
    return None if end is None else end.name or end.address


def only(judgement: Judgement, name: str = "r") -> list[tuple[str | None, str | None, str]]:
    """Initiator, responder and verdict of one rule, sorted by ends."""
    found = [(called(v.initiator), called(v.responder), str(v.verdict)) for v in entries(judgement, name)]
    return sorted(found, key=lambda row: tuple(word or "" for word in row))


def entries(judgement: Judgement, name: str = "r") -> list[VerdictEntry]:
    """The verdict entries of one rule, in report order."""
    return [entry for entry in judgement.verdicts if entry.rule == f"p/s/{name}"]


def states(entry: VerdictEntry) -> dict[int | None, str]:
    """The state of each port of a verdict."""
    return {finding.port: str(finding.state) for finding in entry.ports}


__all__ = [
    "MFD",
    "MFD2",
    "OUTSIDE",
    "PRINTER",
    "SERVER",
    "TODAY",
    "A",
    "B",
    "C",
    "Group",
    "Infrastructure",
    "Ports",
    "Requirement",
    "Scope",
    "Transport",
    "V",
    "Waiver",
    "When",
    "called",
    "entries",
    "every",
    "host",
    "judged",
    "net",
    "only",
    "rule",
    "site",
    "states",
]
