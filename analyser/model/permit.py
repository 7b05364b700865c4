"""What a firewall has to let through: one transport, from these addresses to those, on these ports.

Knows names; which permits a site needs is known by ``compliance``, how a firewall is told by ``report``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """New connections from any of ``initiators`` to any of ``responders``; answers belong to it.

    ``initiators`` and ``responders`` are addresses or prefixes; ``ports`` ranges of the responder's ports, both ends included.
    ``name`` is short and unique among the permits of one policy; ``title`` is what it is for. ``announced``: the ports are
    announced in another conversation, which a firewall may follow instead of opening the whole range.
    """

    name: str
    title: str
    transport: str
    ports: tuple[tuple[int, int], ...]
    initiators: tuple[str, ...]
    responders: tuple[str, ...]
    announced: bool = False
