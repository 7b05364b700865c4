"""Watched dialogues read one by one: announced ports, a last word that is a refusal, a change to TLS on the way.

Knows which reader serves which service, and what of a dialogue it looks at; the protocols themselves are known by the
readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from analyser.model.service import Service
from analyser.services import answers, disclosures, ftp, ldap, mail, rmi, smb, tds
from analyser.services.byterows import Bools
from analyser.services.certificates import Certificates
from analyser.services.dialogue import Line, read_dialogue
from analyser.services.ftp import Announcement
from analyser.services.handshakes import ALL_FACTS, all_facts
from analyser.services.placing import PLACED, RESP, Segments, place
from analyser.services.streams import Conversation, Refusal, packed

_IN_LINES: Final[dict[str, Callable[[Sequence[Line]], Refusal | None]]] = {
    Service.FTP: ftp.refusal,
    Service.SMTP: mail.smtp_refusal,
    Service.POP3: mail.pop3_refusal,
    Service.IMAP: mail.imap_refusal,
}

_IN_ANSWERS: Final[dict[str, Callable[[Conversation], Refusal | None]]] = {
    Service.LDAP: ldap.refusal,
    Service.IPP: answers.ipp_refusal,
    Service.NETBIOS: smb.smb_refusal,
    Service.SMB: smb.smb_refusal,
    Service.TDS: tds.tds_refusal,
}

_IN_BYTES: Final = {Service.LPR: answers.lpr_refusal, **_IN_ANSWERS}

_SECRETS: Final[dict[str, Callable[[Conversation], str | None]]] = {
    Service.LDAP: disclosures.of_directory,
    Service.SAFEQ_TERMINAL: disclosures.of_terminal,
    Service.TDS: tds.disclosed,
}

_CHANGES: Final[dict[str, Callable[[Conversation], Conversation | None]]] = {
    Service.LDAP: ldap.after_starttls,
    Service.TDS: tds.inside,
}
"""Who finds the TLS to which a conversation that is not of lines changes over."""


class Talk(NamedTuple):
    """What one dialogue shows. ``note``: a fact worth telling beside the state of its port; ``kind``: its sub-label."""

    serial: int
    refusal: Refusal | None = None
    announcements: Sequence[Announcement] = ()
    note: str | None = None
    kind: str | None = None


def read_talks(
    flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame, shown: Certificates
) -> tuple[list[Talk], pl.DataFrame]:
    """Return what the watched TCP dialogues of known services show, and TLS facts of those that changed over to TLS.

    The facts are a table of :data:`analyser.services.handshakes.ALL_FACTS`; ``shown`` takes the certificates.
    """
    services = [*_IN_LINES, *_IN_BYTES, *_SECRETS, Service.RMI]
    chosen = flows.select(*PLACED, "proto", labels["service"]).filter(
        pl.col("service").is_in(services) & (pl.col("proto") == "tcp")
    )
    words = dict(chosen.select("serial", "service").iter_rows())
    segments = place(watched, chosen)
    talks: list[Talk] = []
    facts = [pl.DataFrame(schema=ALL_FACTS)]
    for streams in segments.only(_looked_at(segments, chosen["service"])).streams():
        changed: list[Conversation] = []
        talks += [_read(conversation, words[conversation.serial], changed) for conversation in streams.conversations()]
        facts.append(all_facts(packed(changed), flows, shown))
    return talks, pl.concat(facts)


def _looked_at(segments: Segments, service: pl.Series) -> Bools:
    """Say which segments readers look at: print jobs are long, and not what they are refused by."""
    one_sided, by_ends = (
        service.is_in(words).to_numpy()[segments.side >> 1]
        for words in ([Service.RMI, *(word for word in _IN_ANSWERS if word not in _SECRETS)], [Service.LPR])
    )
    first, last = segments.ends()
    answer = segments.side % 2 == RESP
    return np.where(by_ends, np.where(answer, last, first), answer | ~one_sided)


def _read(conversation: Conversation, word: str, changed: list[Conversation]) -> Talk:
    """Read one dialogue; what follows the change to TLS goes to ``changed``."""
    if word == Service.RMI:
        return Talk(conversation.serial, None, rmi.stubs(conversation))
    if word in _CHANGES and (inside := _CHANGES[word](conversation)) is not None:
        changed.append(inside)
    if word not in _IN_LINES:
        refusal = _IN_BYTES[word](conversation) if word in _IN_BYTES else None
        note = _SECRETS[word](conversation) if word in _SECRETS else None
        kind = tds.agreed(conversation) if word == Service.TDS else None
        return Talk(conversation.serial, refusal, note=note, kind=kind)
    dialogue = read_dialogue(conversation)
    if dialogue.tls is not None:
        changed.append(dialogue.tls)
    announced = ftp.announcements(dialogue.lines) if word == Service.FTP else ()
    return Talk(conversation.serial, _IN_LINES[word](dialogue.lines), announced)
