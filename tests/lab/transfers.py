"""FTP with a connection for data: who opens a door, what is said of it, and whether anybody came through.

Knows RFC 959 and, of IPv6, RFC 2428; must not know the firewall.
"""

from __future__ import annotations

import asyncio

from tests.lab.dialogues import SPOKEN, Turns
from tests.lab.talk import PATIENCE, Entry, talk


def announced(entry: Entry, *, passive: bool) -> Turns:
    """What is said to agree on a port for data: by the server (``passive``) or the client; of IPv6 in the words of RFC 2428."""
    address, port = entry["address" if passive else "source"], entry["data"]
    numbers = ",".join([*address.split("."), str(port >> 8), str(port & 255)])
    if ":" in address:
        asked, told = "EPSV" if passive else f"EPRT |2|{address}|{port}|", f"229 Extended Passive Mode (|||{port}|)"
    else:
        asked, told = "PASV" if passive else f"PORT {numbers}", f"227 Entering Passive Mode ({numbers})."
    return [("c", f"{asked}\r\n".encode()), ("s", f"{told if passive else '200 ok'}\r\n".encode())]


async def passive(entry: Entry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An FTP server that opens a port for data (RFC 959, 4.1.2)."""

    async def data(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        out.close()

    door = await asyncio.start_server(data, entry["address"], entry["data"])
    await talk([*SPOKEN["ftp"][:5], *announced(entry, passive=True)], "s", reader, writer)
    await asyncio.wait_for(reader.read(65536), 3 * PATIENCE)
    door.close()


async def active(entry: Entry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An FTP server that is told where to connect to."""
    client, storing = entry["source"], [("c", b"STOR scan.pdf\r\n"), ("s", b"150 opening\r\n")]
    await talk([*SPOKEN["ftp"][:5], *announced(entry, passive=False), *storing], "s", reader, writer)
    try:
        _, out = await asyncio.wait_for(
            asyncio.open_connection(client, entry["data"], local_addr=(entry["address"], 0)), PATIENCE
        )
        out.close()
        writer.write(b"226 done\r\n")
    except (OSError, TimeoutError):
        writer.write(b"425 cannot open data connection\r\n")


async def fetch(entry: Entry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """An FTP client that wants a data connection; it says whether there was one."""
    await talk(SPOKEN["ftp"][:5], "c", reader, writer)
    if entry["manner"] == "ftp-passive":
        await talk(announced(entry, passive=True), "c", reader, writer)
        data = asyncio.open_connection(entry["address"], entry["data"], local_addr=(entry["source"], 0))
        try:
            _, out = await asyncio.wait_for(data, PATIENCE)
        except (OSError, TimeoutError):
            return "talked, no data"
        out.close()
        return "talked"

    async def taken(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        out.close()

    door = await asyncio.start_server(taken, entry["source"], entry["data"])
    await talk(announced(entry, passive=False), "c", reader, writer)
    writer.write(b"STOR scan.pdf\r\n")
    await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE)
    told = await asyncio.wait_for(reader.readuntil(b"\n"), 2 * PATIENCE)
    door.close()
    return "talked" if told.startswith(b"226") else "talked, no data"
