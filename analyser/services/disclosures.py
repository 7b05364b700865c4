"""What a dialogue gives away to whoever listens: passwords, card numbers and PINs in clear text.

RFC 4511 section 4.2 (bind); a public re-implementation of the hardware terminal's protocol (lines). Says what kind of
secret was sent; never returns the secret, nor whose it is.
"""

from __future__ import annotations

from typing import Final

from analyser.services.ber import element
from analyser.services.streams import Conversation

_BIND: Final = 0x60
_SIMPLE: Final = 0x80
_SMALLEST: Final = 5  # messageID and an operation without contents
_MANY: Final = 1000
"""Messages of a client that are looked at; it binds before it asks."""
_TERMINAL: Final[dict[bytes, str]] = {b".CARD ": "card number", b".PIN ": "PIN"}


def of_directory(conversation: Conversation) -> str | None:
    """Say so if a client binds with a password outside TLS."""
    return _told(["password"]) if any(_binds_openly(run.data) for run in conversation.orig) else None


def _binds_openly(data: bytearray) -> bool:
    at = 0
    for _ in range(_MANY):
        message = element(data, at)
        if message is None or message[0] != 0x30 or message[2] - message[1] < _SMALLEST:
            break
        part = element(data, message[1])  # messageID
        operation = element(data, part[2]) if part else None
        if operation is not None and operation[0] == _BIND:
            version = element(data, operation[1])
            name = element(data, version[2]) if version else None
            proof = element(data, name[2]) if name else None
            if proof is not None and proof[0] == _SIMPLE and proof[2] > proof[1]:
                return True
        at = message[2]
    return False


def of_terminal(conversation: Conversation) -> str | None:
    """Say which secrets a hardware terminal sends in lines of its own."""
    lines = b"\n".join([b"", *(run.data for run in conversation.orig)]).upper()
    return _told([kind for word, kind in _TERMINAL.items() if b"\n" + word in lines])


def _told(kinds: list[str]) -> str | None:
    return f"{' and '.join(kinds)} sent in clear text" if kinds else None
