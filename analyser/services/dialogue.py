"""Protocols that talk in lines: who said what, in order, up to the point where they change over to TLS.

Knows lines and the commands that ask for encryption; what replies mean is known by each protocol's module.
Lines may hold names and passwords: they are read here and never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyser.services.streams import Conversation, Mark, Run

LONGEST: Final = 2048
"""Bytes of a line that are looked at."""

_ASKS_TLS: Final = re.compile(rb"(?:\S{1,32} +)?(?:STARTTLS|STLS|AUTH +(?:TLS|SSL|TLS-C|TLS-P)) *", re.IGNORECASE)
_AGREES: Final = re.compile(rb"2\d\d |\+OK|\S{1,32} OK\b", re.IGNORECASE)


class Line(NamedTuple):
    """One line without its end. ``run`` and ``end`` say where in the side's runs the next line begins."""

    from_orig: bool
    text: bytes
    mark: Mark
    run: int
    end: int


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Lines of both sides in order; ``tls`` is what follows once the change to TLS was agreed, else None."""

    lines: tuple[Line, ...]
    tls: Conversation | None


def read_dialogue(conversation: Conversation) -> Dialogue:
    """Read both sides of a conversation as lines; a side that begins in the middle loses its first piece of a line."""
    lines = [*_lines(conversation.orig, from_orig=True), *_lines(conversation.resp, from_orig=False)]
    lines.sort(key=lambda line: line.mark)
    asked: Line | None = None
    for number, line in enumerate(lines):
        if line.from_orig:
            asked = line if _ASKS_TLS.fullmatch(line.text) else None
        elif asked is not None:
            if _AGREES.match(line.text):
                rest = Conversation(
                    conversation.serial,
                    [conversation.orig[asked.run].tail(asked.end), *conversation.orig[asked.run + 1 :]],
                    [conversation.resp[line.run].tail(line.end), *conversation.resp[line.run + 1 :]],
                )
                return Dialogue(tuple(lines[: number + 1]), rest)
            asked = None
    return Dialogue(tuple(lines), None)


def _lines(side: Sequence[Run], *, from_orig: bool) -> Iterator[Line]:
    for number, run in enumerate(side):
        at = 0
        if number and run.start:
            at = run.data.find(b"\n") + 1  # behind a gap the first line may be half a line
        while (feed := run.data.find(b"\n", at)) >= 0:
            yield Line(
                from_orig, bytes(run.data[at : min(feed, at + LONGEST)]).rstrip(b"\r"), run.mark(at), number, feed + 1
            )
            at = feed + 1


class Exchange(NamedTuple):
    """A reply and the command it answers (empty for a greeting), both without arguments of the command."""

    verb: bytes
    reply: bytes
    mark: Mark


def exchanges(lines: Sequence[Line]) -> Iterator[Exchange]:
    """Pair each line of the responder with the initiator's last line before it; ``verb`` in capitals."""
    verb = b""
    for line in lines:
        if line.from_orig:
            verb = line.text.split(b" ", 1)[0].upper()
        else:
            yield Exchange(verb, line.text, line.mark)
