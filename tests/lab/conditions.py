"""What happens to the traffic of a case, as data: what the firewall does, who listens, who asks; and what a capture must then say.

The truth is written here beside its cause, in the words of the contract, for three places to capture at: the initiator's side of
the router, the responder's side, and both. Nothing of the analyser takes part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

View = Literal["initiator", "responder", "both", "points"]
VIEWS: Final[tuple[View, ...]] = ("initiator", "responder", "both")
"""Where the lab is recorded. "points" are both recordings, known to be two points (``--vantage``): as ``both`` where nothing else is said."""


class Told(NamedTuple):
    """What is said of a port: its state, its cause, and who is named as the reason ("router", "responder", None)."""

    state: str
    cause: str | None = None
    by: str | None = None


class Other(NamedTuple):
    """What is said of another rule of the same two hosts: the verdict; ``turned`` if its initiator is this rule's responder."""

    rule: str
    told: Told
    views: tuple[View, ...]
    turned: bool = False

    def seen_at(self, view: View) -> bool:
        """Say whether a view shows it."""
        return view in self.views or (view == "points" and "both" in self.views)


UNSEEN: Final = Told("not-attempted")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing that can be done to a rule's traffic.

    ``forward``, ``host``: the chain (``firewall.CHAINS``) that the router, or the responder's own firewall, sends its packets
    through, ``backward`` that of the answers. ``lost``: the router drops the answers. ``freed_after``: seconds after which the way
    is free. ``asked_after``: when clients begin, once or more. ``inject``: a device that only listens sends resets to both ends. ``listens`` and ``asks`` are manners of ``speakers`` (None: nobody does).
    ``witness``: the responder answers an echo request. ``truth``: what is to be said at each view, the right words first, then
    weaker ones that are still honest; ``udp``: where datagrams differ. ``detail``: words that must be in the detail of each port of
    which the right words are said. ``others``: what is said of further rules of the pair.
    """

    name: str
    truth: dict[View, tuple[Told, ...]]
    udp: dict[View, tuple[Told, ...]] = field(default_factory=dict)
    silent: dict[View, tuple[Told, ...]] = field(default_factory=dict)
    forward: str | None = None
    host: str | None = None
    lost: bool = False
    listens: str | None = "service"
    asks: str | None = "service"
    witness: bool = True
    off: bool = False
    backward: str | None = None
    freed_after: float | None = None
    asked_after: tuple[float, ...] = (0.0,)
    inject: bool = False
    detail: str | None = None
    others: tuple[Other, ...] = ()
    transports: tuple[str, ...] = ("tcp", "udp")
    version: int = 4

    def told(self, view: View, transport: str, *, silent: bool) -> tuple[Told, ...]:
        """Return what may be said at a view, the right words first."""
        special = (self.silent if silent else {}) or (self.udp if transport == "udp" else {})
        chosen = special or self.truth
        return chosen.get(view) or chosen["both" if view == "points" else view]


def same(*told: Told) -> dict[View, tuple[Told, ...]]:
    """The same is to be said wherever the capture is taken."""
    return dict.fromkeys(VIEWS, told)


def _before(*told: Told) -> dict[View, tuple[Told, ...]]:
    """Stopped at the router: at the responder's side nothing was ever seen."""
    return {"initiator": told, "both": told, "responder": (UNSEEN,)}


def _located(truth: dict[View, tuple[Told, ...]], told: Told) -> dict[View, tuple[Told, ...]]:
    """Two points show between them what one can only suppose."""
    return {**truth, "points": (told,)}


_OPEN: Final = Told("open")
_NO_ANSWER: Final = Told("blocked", "no-answer")
_UNANSWERED: Final = Told("unanswered", "no-answer")
_BACK: Final = Told("blocked", "return-path")

PLAIN: Final = (
    Condition(name="open", truth=same(_OPEN)),
    Condition(name="dropped", forward="dropped", truth=_before(_NO_ANSWER), silent=_located(_before(_UNANSWERED), _NO_ANSWER)),
    Condition(name="dropped-unknown-host", forward="dropped", witness=False, truth=_located(_before(_UNANSWERED), _NO_ANSWER)),
    Condition(
        name="answer-dropped", lost=True,
        truth={"initiator": (_NO_ANSWER,), "responder": (_BACK,), "both": (_BACK,)},
        silent={"initiator": (_UNANSWERED,), "responder": (_BACK,), "both": (_BACK,)},
    ),
    *(
        Condition(name=f"icmp-{code}", forward=f"icmp-{code}", truth=_before(Told("blocked", cause, "router")))
        for code, cause in (
            (0, "icmp-net-unreachable"), (1, "icmp-host-unreachable"), (3, "icmp-port-unreachable"),
            (9, "icmp-admin-prohibited"), (10, "icmp-admin-prohibited"), (13, "icmp-admin-prohibited"),
        )
    ),
    Condition(name="reset-by-router", forward="reset", transports=("tcp",), truth=_before(Told("blocked", "reset-in-path"))),
    Condition(
        name="reset-by-router-uncompared", forward="reset", witness=False, transports=("tcp",),
        # Nothing genuine of the responder was seen, so that a reset looks like its own; the report says so with low confidence.
        truth=_located(
            _before(Told("refused", "reset-by-responder", "responder"), Told("blocked", "reset-in-path")),
            Told("blocked", "reset-in-path"),
        ),
    ),
    Condition(
        name="refused", listens=None,
        truth=same(Told("refused", "reset-by-responder", "responder")),
        udp=same(Told("refused", "icmp-port-unreachable", "responder")),
    ),
    Condition(name="own-firewall", host="icmp-13", truth=same(Told("blocked", "icmp-admin-prohibited", "responder"))),
    Condition(name="never", asks=None, witness=False, truth=same(UNSEEN)),
    Condition(
        name="wrong-protocol", listens="other", asks="other", transports=("tcp",), truth=same(Told("wrong-protocol")),
    ),
    Condition(
        name="switched-off", off=True, listens=None, witness=False,
        truth=_before(Told("blocked", "icmp-host-unreachable", "router")),
    ),
)  # fmt: skip
"""What every rule goes through."""

SIX: Final = (
    Condition(name="open", version=6, truth=same(_OPEN)),
    Condition(
        name="dropped", version=6, forward="dropped", truth=_before(_NO_ANSWER), silent=_located(_before(_UNANSWERED), _NO_ANSWER),
    ),
    Condition(
        name="refused", version=6, listens=None,
        truth=same(Told("refused", "reset-by-responder", "responder")),
        udp=same(Told("refused", "icmp-port-unreachable", "responder")),
    ),
    *(
        Condition(name=f"icmp6-{name}", version=6, forward=f"icmp6-{name}", truth=_before(Told("blocked", cause, "router")))
        for name, cause in (
            ("no-route", "icmp-net-unreachable"), ("admin-prohibited", "icmp-admin-prohibited"),
            ("addr-unreachable", "icmp-host-unreachable"), ("port-unreachable", "icmp-port-unreachable"),
            ("policy-fail", "icmp-admin-prohibited"), ("reject-route", "icmp-admin-prohibited"),
        )
    ),
    Condition(
        name="reset-by-router", version=6, forward="reset", transports=("tcp",), truth=_before(Told("blocked", "reset-in-path")),
    ),
)  # fmt: skip
"""What rules go through over IPv6."""
