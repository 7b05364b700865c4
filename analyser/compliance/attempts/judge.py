"""What the attempts on one port say of it: the door between flows and rules.

A ``Judge`` looks at the whole capture once and then answers for one port at a time. It knows what a rule asks of a
port (``Demand``), never which rule, role or site asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
import polars as pl

from analyser.compliance.attempts.demand import Demand
from analyser.compliance.attempts.ledger import Ledger
from analyser.compliance.attempts.outlines import outline
from analyser.compliance.attempts.states import flow_states
from analyser.compliance.attempts.table import collect, icmp_facts
from analyser.compliance.attempts.telling import Teller
from analyser.compliance.attempts.vantage import Vantage
from analyser.compliance.ports import Outline, Words
from analyser.model.finding import Evidence, PortFinding, PortState
from analyser.tables import Observed

__all__ = ["Demand", "Judge"]


class Judge:
    """Judges ports from the attempts that a capture shows."""

    def __init__(
        self,
        observed: Observed,
        *,
        aliases: Mapping[str, frozenset[str]],
        network_of: Callable[[str], str | None],
        probes: frozenset[str] = frozenset(),
        vantage: Vantage | None = None,
    ) -> None:
        """Take the capture and what the site knows of addresses.

        ``aliases``: address → all addresses of its host. ``network_of``: address → its network in the site, or None
        (then its /24 or /64 stands in). ``probes``: addresses from which health probes come.
        ``vantage``: where the whole capture stood, if it is known from before.
        """
        self._observed = observed
        self._probes = probes
        errors = icmp_facts(observed)
        self._vantage = vantage or Vantage(observed, aliases, network_of, errors)
        self._ledger = Ledger(collect(observed, errors, self._vantage))
        self._teller = Teller(observed, self._ledger, self._vantage)

    @cached_property
    def states(self) -> pl.DataFrame:
        """What each flow came to when nothing is asked of it: ``serial``, ``state``, ``cause``, ``attempt``, ``probe``."""
        return flow_states(self._ledger, self._observed.flows, self._probes)

    def port(self, serials: Sequence[int], demand: Demand) -> PortFinding:
        """Return the finding of one port from the flows of one initiator to one responder on it."""
        (outlined,) = self.outlines(pl.Series([list(serials)], dtype=pl.List(pl.UInt64)), [demand])
        return outlined.tell()

    def outlines(self, serials: pl.Series, demands: Sequence[Demand], words: Sequence[Words] = ()) -> list[Outline]:
        """Return the states of ports, told on demand.

        ``serials`` holds a list for each port: the flows of one initiator to one responder on it. ``demands``: what is
        asked of each. ``words``: what each finding passes through when it is told, if there is something to add.
        """
        groups = np.repeat(np.arange(len(serials)), serials.list.len().to_numpy())
        flat = serials.explode(empty_as_null=False).to_numpy()
        return outline(flat, groups, demands, words, self._ledger, self._teller)

    def absent(self, initiators: Sequence[str], responders: Sequence[str], demand: Demand) -> PortFinding:
        """Return what it means that no attempt of these initiators on these responders is in the capture.

        ``not-observable`` where the capture could not have shown one: loopback traffic without loopback packets or
        a named capturing host, a pair of which neither end was seen, or only one beside packets in an encapsulation
        that was not decoded. Else ``not-attempted``; "never tried" only where the own segment of every initiator is
        captured, and nothing is hidden.
        """
        vantage = self._vantage
        shows_loopback = self._observed.capture_host is not None and vantage.shows_loopback
        shown = [vantage.shows(ends) for ends in (initiators, responders)]
        hidden = " and ".join(self._observed.encapsulations)
        state = PortState.NOT_OBSERVABLE
        if demand.localhost and not shows_loopback:
            detail = "loopback traffic of a named host is not in this capture"
        elif not demand.localhost and not any(shown):
            detail = "neither end is in this capture"
        elif not demand.localhost and hidden and not all(shown):
            detail = f"one end is not in this capture, unless inside {hidden}, which was not decoded"
        else:
            state = PortState.NOT_ATTEMPTED
            near = demand.localhost or vantage.are_near(initiators)
            detail = "never tried" if near else "never tried, or stopped before this point"
            detail += f", or inside {hidden}, which was not decoded" if hidden and not demand.localhost else ""
        return PortFinding(transport=demand.transport, port=demand.port, state=state, detail=detail)

    def packet(self, serial: int, file: int, frame: int) -> tuple[Evidence, ...]:
        """Return one packet of a flow as evidence; nothing if the flow is not at hand."""
        return self._teller.packet(serial, (file, frame))

    def evidence(self, serials: Sequence[int], limit: int = 4) -> tuple[Evidence, ...]:
        """Return where these flows can be looked at, the worst first, at most ``limit`` entries."""
        flat = np.array(serials, dtype=np.uint64)
        rows, _ = self._ledger.rows(flat, np.zeros(len(flat), dtype=np.int64))
        return self._teller.evidence(rows, self._ledger.unasked[rows], limit)
