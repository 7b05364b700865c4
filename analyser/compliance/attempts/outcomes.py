"""How one attempt can end, and what each ending means: the table behind every port state.

Knows words only. Which ending an attempt has is decided in ``attempts`` (what the flow shows) and
``silence`` (what it means that nothing came back).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum, auto
from typing import Final

from analyser.model.finding import Cause, Confidence, PortState


class By(StrEnum):
    """Whose address a finding names as the one that refused or blocked."""

    NOBODY = "nobody"
    RESPONDER = "responder"
    ICMP_SENDER = "icmp-sender"
    ALERT_SENDER = "alert-sender"


class Outcome(IntEnum):
    """The endings of an attempt. Numbers have no meaning outside one run."""

    NO_ATTEMPT = 0
    OPEN = auto()
    MID_STREAM = auto()
    INFERRED = auto()
    SENT = auto()
    PROBE = auto()
    ONE_SIDED = auto()
    UNFINISHED = auto()
    NO_WITNESS = auto()
    PENDING = auto()
    RESET_IN_PATH = auto()
    RESET_PERHAPS_IN_PATH = auto()
    ICMP_ADMIN_PROHIBITED = auto()
    ICMP_HOST_UNREACHABLE = auto()
    ICMP_NET_UNREACHABLE = auto()
    ICMP_PORT_UNREACHABLE = auto()
    ICMP_PORT_UNREACHABLE_OWN = auto()
    ICMP_OTHER = auto()
    REFUSED = auto()
    REFUSED_UNCOMPARED = auto()
    RETURN_PATH = auto()
    DROPPED_AFTER_HANDSHAKE = auto()
    TLS_ALERT = auto()
    TLS_STALLED = auto()
    CLOSED_BY_FIN = auto()
    CLOSED_BY_RESET = auto()
    CLOSED_BY_UNCOMPARED_RESET = auto()
    APPLICATION_REFUSED = auto()
    WRONG_PROTOCOL = auto()
    NO_ANSWER_TO_US = auto()
    NO_ANSWER_THOUGH_ALIVE = auto()
    NO_ANSWER_TO_KNOWN_REQUEST = auto()
    NOTHING_HEARD = auto()
    HOST_SILENT = auto()
    SILENT = auto()
    SILENT_OTHER_CREDENTIAL = auto()
    LOST_BETWEEN = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an ending says: state, cause, how sure, who did it, what else it could be."""

    state: PortState
    cause: Cause | None = None
    confidence: Confidence | None = None
    by: By = By.NOBODY
    other: str | None = None


_DEVICE: Final = "a device in the path"


def _icmp(cause: Cause, state: PortState = PortState.BLOCKED) -> Meaning:
    return Meaning(state, cause, Confidence.HIGH, By.ICMP_SENDER)


def _failing(cause: Cause, by: By = By.RESPONDER) -> Meaning:
    return Meaning(PortState.FAILING, cause, Confidence.HIGH, by)


MEANINGS: Final[dict[Outcome, Meaning]] = {
    Outcome.NO_ATTEMPT: Meaning(PortState.NOT_ATTEMPTED),
    Outcome.OPEN: Meaning(PortState.OPEN, confidence=Confidence.HIGH),
    Outcome.MID_STREAM: Meaning(PortState.OPEN, confidence=Confidence.HIGH),
    Outcome.INFERRED: Meaning(PortState.OPEN, confidence=Confidence.MEDIUM),
    Outcome.SENT: Meaning(PortState.OPEN, confidence=Confidence.LOW, other="lost on the way"),
    Outcome.PROBE: Meaning(PortState.PROBE_ONLY, confidence=Confidence.HIGH),
    Outcome.ONE_SIDED: Meaning(PortState.ONE_SIDED),
    Outcome.UNFINISHED: Meaning(PortState.ONE_SIDED),
    Outcome.NO_WITNESS: Meaning(PortState.ONE_SIDED),
    Outcome.PENDING: Meaning(PortState.PENDING),
    Outcome.RESET_IN_PATH: Meaning(PortState.BLOCKED, Cause.RESET_IN_PATH, Confidence.HIGH),
    Outcome.RESET_PERHAPS_IN_PATH: Meaning(
        PortState.BLOCKED,
        Cause.RESET_IN_PATH,
        Confidence.MEDIUM,
        other="the end itself, on another route or with another initial TTL",
    ),
    Outcome.ICMP_ADMIN_PROHIBITED: _icmp(Cause.ICMP_ADMIN_PROHIBITED),
    Outcome.ICMP_HOST_UNREACHABLE: _icmp(Cause.ICMP_HOST_UNREACHABLE),
    Outcome.ICMP_NET_UNREACHABLE: _icmp(Cause.ICMP_NET_UNREACHABLE),
    Outcome.ICMP_PORT_UNREACHABLE: _icmp(Cause.ICMP_PORT_UNREACHABLE),
    Outcome.ICMP_PORT_UNREACHABLE_OWN: _icmp(Cause.ICMP_PORT_UNREACHABLE, PortState.REFUSED),
    Outcome.ICMP_OTHER: _icmp(Cause.ICMP_OTHER),
    Outcome.REFUSED: Meaning(PortState.REFUSED, Cause.RESET_BY_RESPONDER, Confidence.HIGH, By.RESPONDER),
    Outcome.REFUSED_UNCOMPARED: Meaning(
        PortState.REFUSED, Cause.RESET_BY_RESPONDER, Confidence.LOW, By.RESPONDER, _DEVICE
    ),
    Outcome.RETURN_PATH: Meaning(PortState.BLOCKED, Cause.RETURN_PATH, Confidence.HIGH),
    Outcome.DROPPED_AFTER_HANDSHAKE: Meaning(
        PortState.BLOCKED, Cause.DROPPED_AFTER_HANDSHAKE, Confidence.MEDIUM, other="the other end stopped working"
    ),
    Outcome.TLS_ALERT: _failing(Cause.TLS_ALERT, By.ALERT_SENDER),
    Outcome.TLS_STALLED: _failing(Cause.TLS_STALLED, By.NOBODY),
    Outcome.CLOSED_BY_FIN: _failing(Cause.CLOSED_WITHOUT_DATA),
    Outcome.CLOSED_BY_RESET: _failing(Cause.CLOSED_WITHOUT_DATA),
    Outcome.CLOSED_BY_UNCOMPARED_RESET: Meaning(
        PortState.FAILING, Cause.CLOSED_WITHOUT_DATA, Confidence.LOW, By.RESPONDER, _DEVICE
    ),
    Outcome.APPLICATION_REFUSED: _failing(Cause.APPLICATION_REFUSED),
    Outcome.WRONG_PROTOCOL: Meaning(PortState.WRONG_PROTOCOL, confidence=Confidence.HIGH),
    Outcome.NO_ANSWER_TO_US: Meaning(PortState.BLOCKED, Cause.NO_ANSWER, Confidence.HIGH),
    Outcome.NO_ANSWER_THOUGH_ALIVE: Meaning(PortState.BLOCKED, Cause.NO_ANSWER, Confidence.MEDIUM),
    Outcome.NO_ANSWER_TO_KNOWN_REQUEST: Meaning(
        PortState.BLOCKED, Cause.NO_ANSWER, Confidence.MEDIUM, other="access list on the device"
    ),
    Outcome.NOTHING_HEARD: Meaning(
        PortState.UNANSWERED,
        Cause.NO_ANSWER,
        Confidence.LOW,
        other="a filter, or the host is off or has another address",
    ),
    Outcome.HOST_SILENT: Meaning(PortState.UNANSWERED, Cause.HOST_SILENT, Confidence.HIGH),
    Outcome.SILENT: Meaning(PortState.UNANSWERED, Cause.NO_ANSWER, Confidence.LOW),
    Outcome.SILENT_OTHER_CREDENTIAL: Meaning(PortState.UNANSWERED, Cause.NO_ANSWER, Confidence.LOW),
    Outcome.LOST_BETWEEN: Meaning(PortState.BLOCKED, Cause.NO_ANSWER, Confidence.HIGH),
}
"""Every ending and what it means; the causes and states are the contract's."""

STATE_ORDER: Final = tuple(PortState)
"""Port states from the worst to the best, then those that say nothing of success; ``PortState`` is written so."""

WITHOUT_OUTCOME: Final = frozenset({PortState.PROBE_ONLY, PortState.ONE_SIDED, PortState.PENDING})
"""States that do not count beside an attempt with an outcome."""

FAILED: Final = frozenset(
    {
        PortState.BLOCKED,
        PortState.REFUSED,
        PortState.UNANSWERED,
        PortState.FAILING,
        PortState.WRONG_PROTOCOL,
    }
)
"""States of an attempt that had an outcome and was not open."""

QUIET: Final = frozenset(
    {
        Outcome.NO_WITNESS,
        Outcome.PENDING,
        Outcome.NO_ANSWER_TO_US,
        Outcome.NO_ANSWER_THOUGH_ALIVE,
        Outcome.NO_ANSWER_TO_KNOWN_REQUEST,
        Outcome.NOTHING_HEARD,
        Outcome.HOST_SILENT,
        Outcome.SILENT,
        Outcome.SILENT_OTHER_CREDENTIAL,
        Outcome.LOST_BETWEEN,
    }
)
"""Endings of an attempt to which nothing at all came back."""
