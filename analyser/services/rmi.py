"""Stubs in the answers of an RMI registry: the host and port where a remote object is called.

Java RMI wire protocol (JRMP, section 10 of the specification) and the Java Object Serialization stream protocol. A stub
writes its reference as block data: the name of the reference's class, then where its object lives. Knows these bytes;
must not know flows. Names under which objects are bound, their classes and identifiers are never returned.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from analyser.services.ftp import Announcement
from analyser.services.streams import Conversation, Run

STUB: Final = "rmi-stub"

_MOST: Final = 64
"""Stubs that are read of one dialogue: a lookup is answered by one, and a hostile registry must not fill the table."""

_REFERENCE: Final = re.compile(rb"\x00\x0aUnicastRef|\x00\x0bUnicastRef2[\x00\x01]")
"""``writeUTF`` of the class; the second kind then says whether a factory of sockets follows the port."""

_LONGEST_HOST: Final = 255


def stubs(conversation: Conversation) -> list[Announcement]:
    """Return where the answers of a registry send its client, each place once, in the order of the answers.

    ``address`` is None where the stub names its host by a name. A stub that is cut or malformed announces nothing.
    """
    found: dict[tuple[str | None, int], Announcement] = {}
    for run in conversation.resp:
        for item in _references(run):
            found.setdefault((item.address, item.port), item)
            if len(found) == _MOST:
                return list(found.values())
    return list(found.values())


def _references(run: Run) -> Iterator[Announcement]:
    for reference in _REFERENCE.finditer(run.data):
        at = reference.end()
        size = int.from_bytes(run.data[at : at + 2], "big")
        host = bytes(run.data[at + 2 : at + 2 + size]) if 0 < size <= _LONGEST_HOST else b""
        port = run.data[at + 2 + size : at + 6 + size]
        number = int.from_bytes(port, "big")
        if host and len(port) == 4 and 0 < number <= 65535:
            yield Announcement(STUB, _address(host), number, run.mark(reference.start()))


def _address(host: bytes) -> str | None:
    try:
        return str(ipaddress.ip_address(host.decode("ascii").partition("%")[0]))
    except ValueError:
        return None
