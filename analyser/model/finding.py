"""What a report says: port states, causes, verdicts, evidence, and the report document itself.

The dataclasses from :class:`Report` downwards *are* the JSON document ``analyser/report/1`` of the
contract: a field here is a key there. ``None`` means "not known"; nothing is invented.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from analyser.model.capture import CaptureNote


class PortState(StrEnum):
    """What the capture says of one port of an expectation."""

    BLOCKED = "blocked"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    FAILING = "failing"
    WRONG_PROTOCOL = "wrong-protocol"
    INTERMITTENT = "intermittent"
    NOT_ATTEMPTED = "not-attempted"
    PROBE_ONLY = "probe-only"
    ONE_SIDED = "one-sided"
    PENDING = "pending"
    NOT_OBSERVABLE = "not-observable"
    OPEN = "open"


class Cause(StrEnum):
    """Why a port is not open."""

    NO_ANSWER = "no-answer"
    RETURN_PATH = "return-path"
    ICMP_ADMIN_PROHIBITED = "icmp-admin-prohibited"
    ICMP_HOST_UNREACHABLE = "icmp-host-unreachable"
    ICMP_NET_UNREACHABLE = "icmp-net-unreachable"
    ICMP_PORT_UNREACHABLE = "icmp-port-unreachable"
    ICMP_OTHER = "icmp-other"
    RESET_IN_PATH = "reset-in-path"
    DROPPED_AFTER_HANDSHAKE = "dropped-after-handshake"
    RESET_BY_RESPONDER = "reset-by-responder"
    HOST_SILENT = "host-silent"
    TLS_ALERT = "tls-alert"
    TLS_STALLED = "tls-stalled"
    CLOSED_WITHOUT_DATA = "closed-without-data"
    APPLICATION_REFUSED = "application-refused"


class Verdict(StrEnum):
    """What the port states mean for a rule, in the order of the report."""

    BLOCKED = "blocked"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    FAILING = "failing"
    WRONG_PROTOCOL = "wrong-protocol"
    INTERMITTENT = "intermittent"
    MISSING = "missing"
    INCONCLUSIVE = "inconclusive"
    SATISFIED = "satisfied"
    UNUSED = "unused"
    NOT_APPLICABLE = "not-applicable"


REPORT_ORDER: Final[tuple[Verdict, ...]] = tuple(Verdict)


FAILING_VERDICTS: Final[frozenset[Verdict]] = frozenset(
    {
        Verdict.BLOCKED,
        Verdict.REFUSED,
        Verdict.UNANSWERED,
        Verdict.FAILING,
        Verdict.WRONG_PROTOCOL,
        Verdict.INTERMITTENT,
    }
)
"""Verdicts that say: somebody tried, and it did not (always) work."""


class UnexpectedReason(StrEnum):
    """Why a flow that no rule explains is reported; the first that fits, in this order."""

    LOCALHOST_ONLY = "localhost-only"
    INTO_WORKSTATION = "into-workstation"
    OUTSIDE_SITE = "outside-site"
    UNANNOUNCED_DYNAMIC_PORT = "unannounced-dynamic-port"
    WRONG_DIRECTION = "wrong-direction"
    WRONG_ROLE = "wrong-role"
    NOT_IN_MATRIX = "not-in-matrix"


class Severity(StrEnum):
    """How much a finding weighs, the heaviest first."""

    VIOLATION = "violation"
    WARNING = "warning"
    NOTICE = "notice"
    OK = "ok"


class Confidence(StrEnum):
    """How far the evidence carries a cause."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a finding can be looked at: capture path, frame numbers from 1, Wireshark filter, Community ID."""

    capture: str
    frames: tuple[int, ...]
    filter: str
    community_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """How many addresses of a network were seen in a role, and how they fared."""

    seen: int
    open: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of an expectation: a host, a network, a multicast destination, or nobody yet (all ``None``)."""

    name: str | None
    address: str | None
    roles: tuple[str, ...]
    clients: Clients | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverNote:
    """The waiver that covers a finding."""

    id: str
    reason: str
    owner: str | None
    expires: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortFinding:
    """The state of one port of an expectation and everything that supports it.

    Times are ISO 8601 in UTC. ``by`` is the address that refused or blocked.
    """

    transport: str
    port: int | None
    state: PortState
    cause: Cause | None = None
    detail: str | None = None
    by: str | None = None
    confidence: Confidence | None = None
    other_explanation: str | None = None
    service: str | None = None
    basis: str | None = None
    attempts: int = 0
    answered: int = 0
    first: str | None = None
    last: str | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCase:
    """What supporters have met before and this finding looks like: an explanation beside it, which changes nothing of it.

    ``shows`` says what of it the capture shows, ``seen`` in which numbers and names of this site; ``first_step`` what to try first.
    """

    id: str
    title: str
    explanation: str
    shows: str
    seen: str | None
    first_step: str
    alternatives: tuple[str, ...]
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictEntry:
    """One rule applied to one pair of ends."""

    id: str
    rule: str
    section: str
    requirement: str
    verdict: Verdict
    severity: Severity
    sentence: str
    remedy: str | None
    initiator: End | None
    responder: End | None
    more_ports: int = 0
    ports: tuple[PortFinding, ...] = ()
    waiver: WaiverNote | None = None
    case: KnownCase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One initiator that touched more than twenty hosts or ports, summed up."""

    hosts: int
    ports: int
    host_list: tuple[str, ...]
    port_list: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedEntry:
    """Flows that no rule explains, grouped by initiator, responder, transport and port."""

    id: str
    reason: UnexpectedReason
    rule: str | None
    severity: Severity
    sentence: str
    initiator: End
    responder: End | None
    transport: str
    port: int | None
    state: PortState
    cause: Cause | None
    service: str | None
    basis: str | None
    flows: int
    bytes: int
    first: str | None
    last: str | None
    evidence: tuple[Evidence, ...]
    waiver: WaiverNote | None = None
    scan: Scan | None = None
    case: KnownCase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecoded:
    """Packets that were counted but not understood, by name."""

    what: str
    packets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfScope:
    """Flows of which neither end is in the site."""

    flows: int
    packets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the captures could and could not show. ``link_layer`` is named traffic below IP (ARP, LLDP …)."""

    hosts_seen: int
    two_sided_hosts: int
    duplicates_removed: int
    dropped_by_capture: int | None
    snaplen: int | None
    decapsulated: int
    undecoded: tuple[Undecoded, ...]
    link_layer: tuple[Undecoded, ...]
    out_of_scope: OutOfScope
    watched_overflow: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InfrastructureNote:
    """Traffic that keeps any network alive: counted, never judged."""

    service: str
    flows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PointNote:
    """One of several capture points. Times are told by the clock of the point that was named first.

    ``clock_ahead``: seconds that its own clock is ahead of that one when the point's first packet comes, None where no packet was
    seen at both; ``clock_gain``: how much it gains, in parts per million; ``clock_error``: seconds by which it can be wrong, None
    where packets of one direction only bound it. ``clock_steady``: these fit all packets. ``lacks_packets``: it did not catch all that passed it, so that a packet or two prove nothing.
    """

    name: str
    captures: tuple[str, ...]
    packets: int
    flows: int
    first: str | None
    last: str | None
    clock_ahead: float | None
    clock_gain: float
    clock_error: float | None
    clock_steady: bool
    lacks_packets: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayNote:
    """How long packets took from one capture point to another: seconds, each wrong by ``error`` at most (None: unknown)."""

    shortest: float
    median: float
    longest: float
    error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WayNote:
    """What went from one capture point to another, of conversations in which absence can be told from not looking.

    ``packets`` were seen at ``origin``; ``lost`` of them not at ``target``; ``unseen`` were seen at ``target`` only, so that ``origin``
    lost them in capturing. ``delay``: None where clocks cannot be compared, or no packet tells.
    """

    origin: str
    target: str
    flows: int
    packets: int
    lost: int
    unseen: int
    delay: DelayNote | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageNote:
    """Several capture points together: flows seen at more than one, under other addresses, or matched with none in doubt."""

    points: tuple[PointNote, ...]
    ways: tuple[WayNote, ...]
    matched: int
    translated: int
    ambiguous: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolNote:
    """Which analyser made the report."""

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesNote:
    """Which rule pack was applied; or which signatures beside those that come with us, whose ``version`` says so."""

    id: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNote:
    """Which site file was applied."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole report in one object."""

    compliant: bool | None
    verdicts: dict[str, int]
    severities: dict[str, int]
    unexpected: int
    exit_code: int
    reasons: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDocument:
    """The document ``analyser check --json`` prints."""

    schema: str
    tool: ToolNote
    rules: tuple[RulesNote, ...]
    site: SiteNote
    generated_at: str
    captures: tuple[CaptureNote, ...]
    coverage: Coverage
    verdicts: tuple[VerdictEntry, ...]
    unexpected: tuple[UnexpectedEntry, ...]
    infrastructure: tuple[InfrastructureNote, ...]
    summary: Summary
    vantage: VantageNote | None = None
