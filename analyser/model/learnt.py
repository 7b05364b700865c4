"""What was learnt of flows without a label: groups that begin alike.

Knows names; how they are found is known by ``services``, how they are shown by ``report``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST_KNOWN: Final = 2
"""So many bytes of a side must be the same for a signature."""

Masked = tuple[int | None, ...]
"""Bytes from the beginning of a side, None where they differ or are not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side of a group's flows begins with: ``flows`` of them in which it said something.

    ``length``: a field that holds the length of what was sent, in words. ``shortest`` and ``longest`` in bytes.
    """

    flows: int
    shown: Masked
    text: bool
    shortest: int
    longest: int
    length: str | None

    @property
    def known(self) -> int:
        """How many bytes are told."""
        return sum(byte is not None for byte in self.shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Flows without a label that go to one port and begin alike. ``orig`` and ``resp`` are None where that side was silent.

    ``first``: who mostly speaks first, ``initiator`` or ``responder``. ``alone``: of the other flows without a label to this
    port none can be like what is told of these.
    """

    transport: str
    port: int
    flows: int
    initiators: int
    responders: int
    first: str
    orig: Side | None
    resp: Side | None
    alone: bool = True

    @property
    def signed_by(self) -> dict[str, Masked]:
        """What a signature can test, by side (``orig``, ``resp``): only what holds for every flow of the group."""
        sides = {"orig": self.orig, "resp": self.resp}
        return {
            name: side.shown
            for name, side in sides.items()
            if side is not None and side.known >= LEAST_KNOWN and side.flows == self.flows
        }
