"""Questions for names, joined to a rule that nobody tried: was the other end asked for, and what was the last word?

Knows LOOKUPS, parties and rules. Only names that belong to the site are joined: the name of a host, alone or as the first
part of a longer one, and names that another answer of the capture gives to a host's address. No other name is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

import polars as pl

from analyser.compliance.applying import Applied
from analyser.compliance.attempts.details import counted
from analyser.compliance.attempts.evidence import Place, of_flow
from analyser.compliance.attempts.judge import Judge
from analyser.compliance.cases.note import Note
from analyser.compliance.parties import Directory, Kind
from analyser.model.finding import End, PortState, VerdictEntry
from analyser.tables import Observed

_FOUND: Final = "found"
_SILENT: Final = "no-answer"
_WORDS: Final = {
    "no-such-name": "no such name",
    "server-failure": "server failure",
    "refused": "refused",
    _SILENT: "no answer",
}
_HEARD: Final = (PortState.BLOCKED.value, PortState.UNANSWERED.value)
"""What a question must have come to for its silence to say something: else the answer may only not be in the capture."""


class Names:
    """The questions for names of a capture, asked about rules that nobody tried."""

    def __init__(
        self, observed: Observed, judge: Judge, directory: Directory, applied: Iterable[Applied], *, given: bool
    ) -> None:
        """Take the capture; ``given``: the site's names are those of its hosts, not made up."""
        self._observed = observed
        self._judge = judge
        self._directory = directory
        self._rules = {rule.rule.id: rule for rule in applied}
        self._given = given
        self._met: dict[str, frozenset[int]] = {}

    def lookup(self, finding: VerdictEntry) -> dict[str, Note]:
        """Return what name servers said last of the end that was not tried to one that needs it.

        Nothing where any question for one of the ends that would do was answered, or where the asker sent something there:
        then it has an address from somewhere.
        """
        rule = self._rules.get(finding.rule)
        if rule is None or not self._by_asker:
            return {}
        askers = self._parties(finding.initiator, rule.initiators)
        wanted = self._parties(finding.responder, rule.responders)
        for asker, rows in self._by_asker.items():
            if self._directory.owner(asker) not in askers:
                continue
            mine = [(host, row) for row in rows for host in row["hosts"] if host in wanted]
            if not mine or any(row["outcome"] == _FOUND or host in self._reached(asker) for host, row in mine):
                continue
            host, last = max(mine, key=lambda item: int(item[1]["last_t"]))
            return {last["outcome"]: self._note(host, last)}
        return {}

    def _parties(self, end: End | None, players: frozenset[int]) -> frozenset[int]:
        """Return the one party that an end is, or all that may stand there."""
        named = self._called.get(end.name) if end is not None and end.name is not None else None
        return players if named is None else frozenset({named}) & players

    @cached_property
    def _called(self) -> Mapping[str, int]:
        return {party.name: party.number for party in self._directory.parties}

    @cached_property
    def _by_asker(self) -> Mapping[str, list[dict[str, Any]]]:
        """The lookups of each member of the site with the hosts that they mean; unanswered ones only if that says something."""
        lookups = self._observed.lookups
        if lookups is None or lookups.is_empty():
            return {}
        ours = [asker for asker in lookups["asker"].unique().to_list() if self._directory.owner(asker) >= 0]
        judged = lookups.filter(pl.col("asker").is_in(ours)).join(
            self._judge.states.select("serial", "state"), on="serial", how="left", maintain_order="left"
        )
        told = judged.filter((pl.col("outcome") != _SILENT) | pl.col("state").is_in(_HEARD))
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in told.iter_rows(named=True):
            hosts = self._meant(row["name"])
            if hosts:
                found[row["asker"]].append({**row, "hosts": sorted(hosts)})
        return found

    def _reached(self, asker: str) -> frozenset[int]:
        """Return the parties that an address of the site sent anything to, or was sent something by."""
        if asker not in self._met:
            self._met[asker] = self._who_met(asker)
        return self._met[asker]

    def _who_met(self, asker: str) -> frozenset[int]:
        seen = self._observed.flows if self._observed.sights is None else self._observed.sights
        ends = [
            seen.filter(pl.col(mine) == asker)[other].unique().to_list()
            for mine, other in (("id.orig_h", "id.resp_h"), ("id.resp_h", "id.orig_h"))
        ]
        met = {self._directory.owner(address) for addresses in ends for address in addresses}
        return frozenset(met.union(*(self._directory.behind(party) for party in met)))

    def _meant(self, name: bytes) -> frozenset[int]:
        """Return the hosts that a name of DNS, in wire format and lower case, belongs to."""
        meant = set(self._aliases.get(name, ()))
        if self._given:
            first = name[: 1 + name[0]] if name else b""
            for wire, party in self._hosts.get(first, ()):
                if name.startswith(wire):
                    meant.add(party)
        return frozenset(meant)

    @cached_property
    def _hosts(self) -> Mapping[bytes, list[tuple[bytes, int]]]:
        """Hosts by the first label of their name: all its labels, and the party."""
        found: dict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
        for party in self._directory.parties:
            if party.kind is Kind.HOST:
                labels = [label.encode() for label in party.name.lower().rstrip(".").split(".")]
                if all(0 < len(label) < 64 for label in labels):
                    wire = b"".join(bytes([len(label)]) + label for label in labels)
                    found[wire[: 1 + wire[0]]].append((wire, party.number))
        return found

    @cached_property
    def _aliases(self) -> Mapping[bytes, set[int]]:
        """Names that an answer of the capture gives to the address of a host."""
        found: dict[bytes, set[int]] = defaultdict(set)
        assert self._observed.lookups is not None
        known = self._observed.lookups.filter(pl.col("address").is_not_null())
        for name, address in known.select("name", "address").unique().iter_rows():
            party = self._directory.owner(address)
            if party >= 0 and not self._directory.parties[party].is_network:
                found[name].add(party)
        return found

    def _note(self, host: int, row: Mapping[str, Any]) -> Note:
        flow = {
            "id.orig_h": row["asker"], "id.orig_p": row["asker_port"], "id.resp_h": row["server"], "id.resp_p": 53,
            "proto": "udp",
        }  # fmt: skip
        places: list[Place] = [(row["file"], row["frame"])]
        if row["answer_frame"]:
            places.append((row["answer_file"], row["answer_frame"]))
        name = self._directory.parties[host].name
        asked = counted(row["times"], "question")
        return Note(
            text=f"{row['asker']} asked {row['server']} for {name}: {_WORDS[row['outcome']]} ({asked})",
            evidence=tuple(of_flow(flow, places, self._observed.capture_paths)),
        )
