"""Rules: one row of the vendor's matrix, as data (``rules/<pack>/<section>.toml``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from analyser.model.flow import Transport


class Requirement(StrEnum):
    """What the vendor's page asks for. Conditions decide whether a rule applies; they are not a level."""

    MANDATORY = "mandatory"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"
    FORBIDDEN = "forbidden"


class Scope(StrEnum):
    """Where the traffic of a rule lives."""

    NETWORK = "network"
    LOCALHOST = "localhost"
    SUBNET = "subnet"
    MULTICAST = "multicast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of a rule: exactly one of ``any`` (alternatives), ``all`` (a set), or a negotiated range.

    ``negotiated_by`` names the rule (``section/id``) in whose traffic the port is announced; ``range`` is
    ``(first, last)``. ``any == ()`` with no range means "every port" (the forbidden row) or "a setting
    that has no default" (the roaming group's address).
    """

    any: tuple[int, ...] | None = None
    all: tuple[int, ...] | None = None
    negotiated_by: str | None = None
    range: tuple[int, int] | None = None

    @property
    def listed(self) -> tuple[int, ...]:
        """Every port named one by one, in the order of the page."""
        return self.all if self.all is not None else (self.any or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The conditions of a row; all must hold. An empty one always holds.

    ``feature``: any of these site features. The rest are attributes that the host at that end must have
    (any of the listed values): ``initiator_vendor``, ``initiator_terminal``, ``responder_vendor``,
    ``responder_terminal``; ``*_not_vendor`` excludes hosts of these vendors, ``*_not_native_vendor`` those of these
    vendors whose terminal is ``native`` (all read by ``vocabulary.device_matches``).
    ``build_from``: the site's build is at least this (dotted numbers).
    """

    feature: tuple[str, ...] = ()
    initiator_vendor: tuple[str, ...] = ()
    initiator_terminal: tuple[str, ...] = ()
    initiator_not_vendor: tuple[str, ...] = ()
    initiator_not_native_vendor: tuple[str, ...] = ()
    responder_vendor: tuple[str, ...] = ()
    responder_terminal: tuple[str, ...] = ()
    responder_not_vendor: tuple[str, ...] = ()
    responder_not_native_vendor: tuple[str, ...] = ()
    build_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the matrix for one transport.

    ``id`` is full: ``pack/section/name``. ``initiator`` and ``responder`` are roles as written (with short
    names and ``role@server`` forms). ``subject`` is ``"initiator"`` or ``"responder"``: the end that needs
    one host of the other. ``one_of`` names a group of alternatives across rules: one that works satisfies the subject.
    ``silent``: a UDP service that may stay silent by design. ``one_way``: it never answers.
    ``opened_by``: the site feature with which a ``localhost`` rule is allowed between hosts too.
    ``setting``: the product's property that moves the port. ``file`` and ``line`` say where the rule is written; the line is
    looked up when somebody asks, for only a reader of mistakes does.
    """

    id: str
    pack: str
    section: str
    row: int
    title: str
    requirement: Requirement
    transport: Transport
    ports: Ports
    initiator: tuple[str, ...]
    responder: tuple[str, ...]
    service: tuple[str, ...]
    subject: str
    when: When = When()
    scope: Scope = Scope.NETWORK
    each: bool = False
    one_of: str | None = None
    silent: bool = False
    one_way: bool = False
    opened_by: str | None = None
    setting: str | None = None
    volume: str | None = None
    note: str | None = None
    file: str = ""
    find_line: Callable[[], int] = field(default=lambda: 0, compare=False, repr=False)

    @property
    def line(self) -> int:
        """The line of ``file`` where the rule begins."""
        return self.find_line()


@dataclass(frozen=True, slots=True, kw_only=True)
class Infrastructure:
    """Traffic that keeps any network alive: explained by its port and, where given, the responder's role.

    ``responder`` empty means anyone. ``transport`` may also be a protocol name of the flow table (``icmp``, ``igmp``).
    """

    id: str
    service: str
    transport: str
    ports: tuple[int, ...]
    responder: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePack:
    """A folder of rules. ``sha256`` covers its files in name order; ``source`` says what it paraphrases.

    ``installation``: ids of the rules that a terminal needs while it is installed, in the order in which they are used.
    """

    id: str
    version: str
    source: str
    sha256: str
    rules: tuple[Rule, ...] = ()
    infrastructure: tuple[Infrastructure, ...] = ()
    installation: tuple[str, ...] = ()
