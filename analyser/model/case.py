"""Known cases: what supporters have met before, told by the facts of a finding and of what surrounds it.

Knows the words for such facts and when a case holds; must not know where facts come from. A fact has a set of words; one
that nobody knows has none, and then no case holds that asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from analyser.model.finding import Cause, Confidence, PortState, UnexpectedReason, Verdict
from analyser.model.vocabulary import VENDORS

FACTS: Final[dict[str, tuple[str, ...] | None]] = {
    "finding": ("verdict", "unexpected"),
    "rule": None,  # section/name; of an unexpected flow the nearest one
    "verdict": tuple(Verdict),
    "reason": tuple(UnexpectedReason),
    "transport": ("tcp", "udp"),
    "port": None,
    "state": tuple(PortState),
    "cause": tuple(Cause),
    "initiator_vendor": VENDORS,
    "responder_vendor": VENDORS,
    "by": ("initiator", "responder", "another"),  # who refused, blocked or sent the alert
    "alert": None,  # the fatal alert of TLS, as RFC 8446 names it
    "refusal": None,  # the application's code: "HTTP 401", "SNMP wrongDigests"
    "rhythm": ("regular",),  # three attempts or more, on average a second to a minute apart
    "answers": ("elsewhere",),  # the responder of a silent port answers on another one
    "noted": ("other-community", "cut-short"),
    # What other flows of the capture show, in the order of what it costs to look.
    "tls_offered": None,  # by the initiator, in the attempts that ended like this
    "tls_chosen": None,  # by the responder; none: no ServerHello
    "announced": (
        "peer",
        "elsewhere",
    ),  # where a control connection said the port is: at its own end, or at another address
    "open_beside": None,  # ports of the same responder that opened for the same initiator: "tcp 50001"
    "turned_away": ("three-times",),  # HTTP 401 without a success between, right before the attempts that failed
    "others": ("served", "failing"),  # how other initiators fared on this port since it failed
    "stand_in": ("answered",),  # another server of the same role and port, tried after the one that failed
    "lookup": ("no-such-name", "server-failure", "refused", "no-answer"),  # the last word on the other end's name
}
"""The facts that conditions may name, the cheapest first, with their words; None: any."""

OF_FLOWS: Final = frozenset(list(FACTS)[list(FACTS).index("tls_offered") :])
"""The facts that other flows of the capture show."""

PLACEHOLDERS: Final = ("initiator", "responder", "port")
"""What the texts of a case may leave open, between braces."""

_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")


class Facts(Protocol):
    """The words of each fact: a sheet that is written down, or one that looks for a fact when it is asked."""

    def get(self, fact: str, /) -> frozenset[str] | None:
        """Return the words of a fact, None or none where it is not known."""
        ...


Conditions = tuple[tuple[str, frozenset[str]], ...]
"""Facts with the words of which one must be there, in the order of ``FACTS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A sheet of facts that a case, called by its name, must accept or refuse. ``named``: the case that it is instead."""

    case: str
    title: str
    accept: bool
    facts: Mapping[str, frozenset[str]]
    named: str | None = None
    file: str = ""
    find_line: Callable[[], int] = field(default=lambda: 0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One known case. ``id`` is ``pack/name``.

    It holds where all facts of one of ``when`` do, and none of ``unless``; of several that hold the one written first is
    named. ``source``: where it is documented; ``shows``: what the capture shows of it; ``first`` and ``alternatives``: what to try.
    """

    id: str
    title: str
    source: str
    explanation: str
    shows: str
    first: str
    alternatives: tuple[str, ...]
    confidence: Confidence
    when: tuple[Conditions, ...]
    unless: Conditions
    file: str = ""
    find_line: Callable[[], int] = field(default=lambda: 0, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The last part of the id."""
        return self.id.rpartition("/")[2]

    @property
    def asks(self) -> frozenset[str]:
        """The facts that its conditions name."""
        return frozenset(fact for conditions in (*self.when, self.unless) for fact, _ in conditions)

    def may_be_about(self, rule: str | None) -> bool:
        """Say whether conditions leave room for a finding of this rule (section/name)."""
        named = [dict(conditions).get("rule") for conditions in self.when]
        return any(rules is None or rule in rules for rules in named)


def holds(case: Case, facts: Facts) -> bool:
    """Say whether a case holds; facts are asked for one by one, as long as it can."""
    return any(_all(conditions, facts) for conditions in case.when) and not any(
        _met(fact, words, facts) for fact, words in case.unless
    )


def _all(conditions: Conditions, facts: Facts) -> bool:
    return all(_met(fact, words, facts) for fact, words in conditions)


def _met(fact: str, words: frozenset[str], facts: Facts) -> bool:
    known = facts.get(fact)
    return known is not None and not known.isdisjoint(words)


def filled(text: str, words: Mapping[str, str]) -> str:
    """Return a text of a case with its placeholders replaced."""
    return _PLACEHOLDER.sub(lambda match: words[match[1]], text)


def placeholders(text: str) -> tuple[str, ...]:
    """Return what a text leaves open."""
    return tuple(_PLACEHOLDER.findall(text))
