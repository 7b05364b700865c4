"""A site: which address plays which role, what is switched on, and what was waived."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine with one or more addresses. ``roles`` are expanded: no short names."""

    name: str
    addresses: tuple[str, ...]
    roles: tuple[str, ...]
    vendor: str | None = None
    terminal: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A range of addresses whose clients play the same roles. ``nat``: it appears as these addresses."""

    name: str
    cidr: str
    roles: tuple[str, ...]
    vendor: str | None = None
    terminal: str | None = None
    group: str | None = None
    nat: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Servers that stand in for one another behind ``virtual`` addresses, probed from ``probes``."""

    name: str
    members: tuple[str, ...]
    virtual: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding that somebody answers for. Names a rule or an unexpected reason (``rule`` holds either)."""

    id: str
    rule: str
    reason: str
    initiator: str | None = None
    responder: str | None = None
    port: int | None = None
    owner: str | None = None
    expires: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The inventory. ``features`` is final: derived (contract, "Features") where ``features_given`` is false.

    ``signatures``: folders or files with signatures of this site's own, its own file among them if it holds some.
    """

    name: str
    rules: tuple[str, ...]
    build: str | None = None
    features: tuple[str, ...] = ()
    features_given: bool = False
    settings: dict[str, int | str] = field(default_factory=dict)
    hosts: tuple[Host, ...] = ()
    networks: tuple[Network, ...] = ()
    groups: tuple[Group, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    signatures: tuple[str, ...] = ()
    path: str = ""
    sha256: str = ""
