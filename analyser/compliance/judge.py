"""What the attempts on one port say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from analyser.model.finding import Evidence, PortFinding, PortState
from analyser.tables import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a rule asks of one port. ``services`` as the rule writes them; none means that anything fits."""

    transport: str
    port: int | None
    services: tuple[str, ...] = ()
    silent: bool = False
    one_way: bool = False
    localhost: bool = False


class Judge:
    """Turns attempts into port findings."""

    def __init__(
        self,
        observed: Observed,
        *,
        aliases: Mapping[str, frozenset[str]],
        network_of: Callable[[str], str | None],
        probes: frozenset[str] = frozenset(),
    ) -> None:
        self._observed = observed

    @property
    def states(self) -> pl.DataFrame:
        """One row per flow: serial, state, cause, attempt, probe."""
        return self._observed.flows.select(
            "serial", pl.lit("open").alias("state"), pl.lit(None, pl.String).alias("cause"), attempt=True, probe=False
        )

    def port(self, serials: Sequence[int], demand: Demand) -> PortFinding:
        """Return the state of one port from the attempts of one initiator on one responder."""
        return PortFinding(
            transport=demand.transport,
            port=demand.port,
            state=PortState.OPEN,
            attempts=len(serials),
            answered=len(serials),
        )

    def absent(self, initiators: Sequence[str], responders: Sequence[str], demand: Demand) -> PortFinding:
        """Return what it means that nothing was attempted."""
        return PortFinding(transport=demand.transport, port=demand.port, state=PortState.NOT_ATTEMPTED)

    def evidence(self, serials: Sequence[int], limit: int = 4) -> tuple[Evidence, ...]:
        """Return where these flows can be looked at."""
        return ()
