"""What a dialogue gives away to whoever listens: passwords, card numbers and PINs in clear text.

A public re-implementation of the hardware terminal's protocol (lines); binds are read in ``ldap``. Says what kind of
secret was sent; never returns the secret, nor whose it is.
"""

from __future__ import annotations

from typing import Final

from analyser.services import ldap
from analyser.services.streams import Conversation

_TERMINAL: Final[dict[bytes, str]] = {b".CARD ": "card number", b".PIN ": "PIN"}


def of_directory(conversation: Conversation) -> str | None:
    """Say so if a client binds with a password outside TLS."""
    return _told(["password"]) if ldap.password_in_clear(conversation) else None


def of_terminal(conversation: Conversation) -> str | None:
    """Say which secrets a hardware terminal sends in lines of its own."""
    lines = b"\n".join([b"", *(run.data for run in conversation.orig)]).upper()
    return _told([kind for word, kind in _TERMINAL.items() if b"\n" + word in lines])


def _told(kinds: list[str]) -> str | None:
    return f"{' and '.join(kinds)} sent in clear text" if kinds else None
