"""What a rule asks of one port: all that judging a port needs to know of rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a rule asks of one port. ``services`` as the rule writes them; none means that anything fits.

    ``silent``: the service may drop a request without a word; ``one_way``: it never answers; ``localhost``: the
    traffic never leaves a machine.
    """

    transport: str
    port: int | None
    services: tuple[str, ...] = ()
    silent: bool = False
    one_way: bool = False
    localhost: bool = False
