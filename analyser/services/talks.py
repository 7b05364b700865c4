"""Watched dialogues read one by one: announced ports, a last word that is a refusal, a change to TLS on the way.

Knows which reader serves which service; the protocols themselves are known by the readers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import polars as pl

from analyser.model.service import Service
from analyser.services import answers, ftp, mail
from analyser.services.dialogue import Line, read_dialogue
from analyser.services.ftp import Announcement
from analyser.services.streams import Conversation, Refusal, conversations
from analyser.services.tls import TlsFacts, read_tls

_IN_LINES: Final[dict[str, Callable[[Sequence[Line]], Refusal | None]]] = {
    Service.FTP: ftp.refusal,
    Service.SMTP: mail.smtp_refusal,
    Service.POP3: mail.pop3_refusal,
    Service.IMAP: mail.imap_refusal,
}

_IN_BYTES: Final[dict[str, Callable[[Conversation], Refusal | None]]] = {
    Service.LPR: answers.lpr_refusal,
    Service.LDAP: answers.ldap_refusal,
    Service.IPP: answers.ipp_refusal,
}


class Talk(NamedTuple):
    """What one dialogue shows. ``tls`` is None unless the sides agreed to change over."""

    serial: int
    refusal: Refusal | None
    announcements: Sequence[Announcement]
    tls: TlsFacts | None


def read_talks(flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame) -> Iterator[Talk]:
    """Yield what the watched TCP dialogues of known services show."""
    services = [*_IN_LINES, *_IN_BYTES]
    chosen = flows.with_columns(labels["service"]).filter(
        pl.col("service").is_in(services) & (pl.col("proto") == "tcp")
    )
    words = dict(chosen.select("serial", "service").iter_rows())
    for conversation in conversations(watched, chosen):
        word = words[conversation.serial]
        if word in _IN_BYTES:
            yield Talk(conversation.serial, _IN_BYTES[word](conversation), (), None)
            continue
        dialogue = read_dialogue(conversation)
        yield Talk(
            conversation.serial,
            _IN_LINES[word](dialogue.lines),
            ftp.announcements(dialogue.lines) if word == Service.FTP else (),
            read_tls(dialogue.tls.orig, dialogue.tls.resp) if dialogue.tls else None,
        )
