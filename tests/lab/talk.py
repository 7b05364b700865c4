"""How the lab's programs take turns over a connection.

Knows streams and turns; must not know what is said.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tests.lab.dialogues import Turns

Entry = dict[str, Any]
"""A line of a plan, see ``speakers``."""

PATIENCE: Final = 9.0
"""Seconds that a client waits for a connection: three repeated SYNs."""


async def talk(said: Turns, me: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say one's turns and hear the other's."""
    for who, words in said:
        if who == me:
            writer.write(words)
            await writer.drain()
        else:
            await asyncio.wait_for(reader.readexactly(len(words)), PATIENCE)
