"""The sheet of facts of one port of a finding: what known cases ask for, found one by one as they are asked for.

Knows findings, the directory and what surrounds a finding; the words of facts are those of ``model.case.FACTS``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from analyser.compliance.addresses import canonical
from analyser.compliance.attempts.details import OTHER_COMMUNITY, duration
from analyser.compliance.cases.around import Around, Pair
from analyser.compliance.cases.note import Note
from analyser.compliance.parties import Directory
from analyser.compliance.security import CUT_SHORT
from analyser.model.finding import Cause, End, Evidence, PortFinding, PortState, UnexpectedEntry, VerdictEntry

Finding = VerdictEntry | UnexpectedEntry
Known = dict[str, Note]
"""The words of a fact, each with what shows it."""

_NOTED: Final = {OTHER_COMMUNITY: "other-community", CUT_SHORT: "cut-short"}
_OFTEN: Final = 3
_SLOWEST: Final = 60.0
_FASTEST: Final = 1.0
"""Attempts of a rhythm are on average so many seconds apart."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The facts of one port of a finding; ``get`` gives the words of one, ``note`` what shows them."""

    finding: Finding
    port: PortFinding
    directory: Directory
    around: Around

    def get(self, fact: str) -> frozenset[str] | None:
        """Return the words of a fact, None or none where it is not known."""
        return frozenset(self.note(fact))

    @property
    def is_blind(self) -> bool:
        """Whether too many findings were looked at already, so that facts of other flows are not known of this one."""
        return self.pair is not None and not self.around.sees(self.pair)

    def note(self, fact: str) -> Known:
        """Return the words of a fact with what shows them; each is looked for once."""
        if fact not in self._found:
            self._found[fact] = _FINDERS[fact](self)
        return self._found[fact]

    @cached_property
    def _found(self) -> dict[str, Known]:
        return {}

    @cached_property
    def parts(self) -> list[str]:
        """The single facts of the port's detail."""
        return (self.port.detail or "").split("; ")

    @cached_property
    def pair(self) -> Pair | None:
        """The two ends by all their addresses, where both are known."""
        initiator, responder = (
            addresses(end, self.directory) for end in (self.finding.initiator, self.finding.responder)
        )
        if not initiator or not responder or self.port.port is None:
            return None
        return Pair(
            initiator=initiator,
            responder=responder,
            transport=self.port.transport,
            port=self.port.port,
            cause=self.port.cause and self.port.cause.value,
            roles=frozenset(self.finding.responder.roles if self.finding.responder else ()),
        )

    def vendor(self, end: End | None) -> str | None:
        """Return whose device an end is, as the site says."""
        party = -1 if end is None or end.address is None else self.directory.owner(canonical(end.address))
        return None if party < 0 else self.directory.parties[party].vendor


def addresses(end: End | None, directory: Directory) -> frozenset[str]:
    """Return all addresses of an end; none of a network as a whole, or of one that nobody was seen to be."""
    if end is None or end.address is None or "/" in end.address:
        return frozenset()
    address = canonical(end.address)
    return directory.aliases.get(address, frozenset({address}))


def sheets(finding: Finding, directory: Directory, around: Around) -> list[Sheet]:
    """Return a sheet for each port of a finding that is not open, the order of its ports kept."""
    if isinstance(finding, VerdictEntry):
        ports = [port for port in finding.ports if port.state is not PortState.OPEN]
    elif finding.scan is None:
        ports = [_as_port(finding)]
    else:
        ports = []
    return [Sheet(finding=finding, port=port, directory=directory, around=around) for port in ports]


def _as_port(finding: UnexpectedEntry) -> PortFinding:
    return PortFinding(
        transport=finding.transport,
        port=finding.port,
        state=finding.state,
        cause=finding.cause,
        service=finding.service,
        basis=finding.basis,
        attempts=finding.flows,
        first=finding.first,
        last=finding.last,
        evidence=finding.evidence,
    )


# -- single facts ----------------------------------------------------------------------------------------------------


def _words(*words: object) -> Known:
    """Return words that the finding itself shows."""
    return {str(word): Note() for word in words if word is not None}


def _kind(sheet: Sheet) -> Known:
    return _words("verdict" if isinstance(sheet.finding, VerdictEntry) else "unexpected")


def _rule(sheet: Sheet) -> Known:
    return _words(sheet.finding.rule.partition("/")[2] if sheet.finding.rule else None)


def _verdict(sheet: Sheet) -> Known:
    return _words(sheet.finding.verdict if isinstance(sheet.finding, VerdictEntry) else None)


def _reason(sheet: Sheet) -> Known:
    return _words(sheet.finding.reason if isinstance(sheet.finding, UnexpectedEntry) else None)


def _by(sheet: Sheet) -> Known:
    by, pair = sheet.port.by, sheet.pair
    if by is None or pair is None:
        return {}
    if by in pair.initiator:
        return _words("initiator")
    return _words("responder" if by in pair.responder else "another")


def _told(cause: Cause) -> Callable[[Sheet], Known]:
    """Return the finder of what ports that fail for ``cause`` say first in their detail: an alert, a code."""

    def find(sheet: Sheet) -> Known:
        port = sheet.port
        if port.cause is not cause or port.state is not PortState.FAILING or not sheet.parts[0]:
            return {}
        return {sheet.parts[0]: Note(text="; ".join(sheet.parts[1:]) or None)}

    return find


def _rhythm(sheet: Sheet) -> Known:
    port = sheet.port
    if port.attempts < _OFTEN or port.first is None or port.last is None:
        return {}
    first, last = dt.datetime.fromisoformat(port.first), dt.datetime.fromisoformat(port.last)
    apart = (last - first).total_seconds() / (port.attempts - 1)
    if not _FASTEST <= apart <= _SLOWEST:
        return {}
    return {"regular": Note(text=f"{port.attempts} times, about every {duration(round(apart * 1e9))}")}


def _answers(sheet: Sheet) -> Known:
    told = [part for part in sheet.parts if part.startswith("answers ")]
    return {"elsewhere": Note(text=f"it {told[0]}")} if told else {}


def _noted(sheet: Sheet) -> Known:
    return _words(*(word for note, word in _NOTED.items() if note in sheet.parts))


def _of_flows(look: Callable[[Around, Pair], Known]) -> Callable[[Sheet], Known]:
    """Return the finder of a fact that other flows show."""

    def find(sheet: Sheet) -> Known:
        pair = sheet.pair
        return look(sheet.around, pair) if pair is not None and sheet.around.sees(pair) else {}

    return find


def _lookup(sheet: Sheet) -> Known:
    finding = sheet.finding
    return sheet.around.lookup(finding) if isinstance(finding, VerdictEntry) else {}


_FINDERS: Final[dict[str, Callable[[Sheet], Known]]] = {
    "finding": _kind,
    "rule": _rule,
    "verdict": _verdict,
    "reason": _reason,
    "transport": lambda sheet: _words(sheet.port.transport),
    "port": lambda sheet: _words(sheet.port.port),
    "state": lambda sheet: _words(sheet.port.state),
    "cause": lambda sheet: _words(sheet.port.cause),
    "initiator_vendor": lambda sheet: _words(sheet.vendor(sheet.finding.initiator)),
    "responder_vendor": lambda sheet: _words(sheet.vendor(sheet.finding.responder)),
    "by": _by,
    "alert": _told(Cause.TLS_ALERT),
    "refusal": _told(Cause.APPLICATION_REFUSED),
    "rhythm": _rhythm,
    "answers": _answers,
    "noted": _noted,
    "tls_offered": _of_flows(Around.tls_offered),
    "tls_chosen": _of_flows(Around.tls_chosen),
    "announced": _of_flows(Around.announced),
    "open_beside": _of_flows(Around.open_beside),
    "turned_away": _of_flows(Around.turned_away),
    "others": _of_flows(Around.others),
    "stand_in": _of_flows(Around.stand_in),
    "lookup": _lookup,
}
"""How each fact is found."""


def evidence_of(notes: Iterable[Note], around: Around) -> list[Evidence]:
    """Return where what the notes tell can be looked at."""
    found: list[Evidence] = []
    for note in notes:
        found += note.evidence
        found += around.evidence(note.serials)
    return found
