"""The lab's programs: ``serve PLAN`` and ``ask PLAN`` on one machine of the site. Plain sockets, no packets of their own making.

Real programs (``daemons``) speak where an entry's manner says so.
Knows how a plan's entries behave; must not know the firewall, nor what the analyser will say. A plan is JSON: entries with
``address``, ``port``, ``transport``, ``service``, ``manner`` and, of clients, ``source``. What a client met is printed, an entry
a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import socket
import ssl
import struct
import sys
import termios
import time
from pathlib import Path
from typing import Final, cast

from tests.lab import daemons
from tests.lab.dialogues import DATAGRAMS, INSIDE_TLS, INSTANCE_PORT, SPOKEN, Turns
from tests.lab.handshakes import HANDSHAKES, ask_handshake, serve_handshake
from tests.lab.talk import PATIENCE, Entry, talk
from tests.lab.transfers import active, fetch, passive

RETRIES: Final = 3
JOBS: Final = {"big": 20, "large": 600}
"""How many times 256 bytes are printed behind the first words."""


def turns(entry: Entry) -> tuple[Turns, bool]:
    """Return what is said, and whether inside TLS."""
    manner: str = entry["manner"]
    if manner == "other":
        return SPOKEN["http" if entry["service"] == "ssh" else "ssh"], False
    if manner in SPOKEN:
        return SPOKEN[manner], False
    service: str = entry["service"]
    return SPOKEN[INSIDE_TLS.get(service, service)], service in INSIDE_TLS


def server_context(folder: Path) -> ssl.SSLContext:
    """Return what a server offers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def client_context() -> ssl.SSLContext:
    """Return what a client offers; it takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def serve_tcp(entry: Entry, folder: Path) -> None:
    """Listen; every connection gets the same."""
    manner = entry["manner"]
    if manner in HANDSHAKES:
        await serve_handshake(entry, HANDSHAKES[manner].server, folder)
        return
    said, inside = turns(entry)
    context = server_context(folder) if inside and manner not in ("swallow", "plain") else None
    if manner == "plain":
        said = [("s", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError):
            if manner == "swallow":
                while await reader.read(65536):
                    pass
            elif manner == "slow":
                await reader.read(1)
                await asyncio.sleep(0.3)
            if manner == "plain":
                await reader.read(65536)
            if manner == "ftp-passive":
                await passive(entry, reader, writer)
            elif manner == "ftp-active":
                await active(entry, reader, writer)
            elif manner != "swallow":
                await talk(said, "s", reader, writer)
            if manner != "plain":
                await asyncio.wait_for(reader.read(65536), PATIENCE)  # who asked hangs up first
        with contextlib.suppress(OSError, ssl.SSLError):
            writer.close()
            await writer.wait_closed()

    await asyncio.start_server(
        met, entry["address"], entry["port"], ssl=context, ssl_handshake_timeout=20 if context else None
    )


async def ask_tcp(entry: Entry) -> str:
    """Connect and talk; say how it ended."""
    manner = entry["manner"]
    if manner in HANDSHAKES:
        return await ask_handshake(entry, HANDSHAKES[manner].client)
    said, inside = turns(entry)
    connecting = asyncio.open_connection(entry["address"], entry["port"], local_addr=(entry["source"], 0))
    try:
        reader, writer = await asyncio.wait_for(connecting, entry.get("patience", PATIENCE))
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return f"not connected: {error.errno}"
    try:
        if manner == "probe":
            hang_up = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hang_up)
            writer.transport.abort()
            return "probed"
        if inside and manner != "other":
            await asyncio.wait_for(writer.start_tls(client_context()), PATIENCE)
        if manner in JOBS:
            said = [("c", SPOKEN["raw-print"][0][1] + bytes(range(256)) * JOBS[manner])]
        if manner in ("ftp-passive", "ftp-active"):
            return await fetch(entry, reader, writer)
        await asyncio.wait_for(talk(said, "c", reader, writer), PATIENCE)
        if manner in JOBS:
            return await acknowledged(writer)
        return "talked"
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError) as error:
        # An established connection outlives these errors: asyncio took the socket for connected as the error came.
        if isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return f"not connected: {error.errno}"
        return f"broken off: {type(error).__name__}"
    finally:
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), 1)


async def acknowledged(writer: asyncio.StreamWriter) -> str:
    """Wait for all that was sent to be acknowledged, for a while; say whether it was."""
    door = writer.get_extra_info("socket").fileno()
    for _ in range(int(10 * PATIENCE)):
        if not struct.unpack("i", fcntl.ioctl(door, termios.TIOCOUTQ, bytes(4)))[0]:
            return "talked"
        await asyncio.sleep(0.1)
    return "broken off: not acknowledged"


class Answering(asyncio.DatagramProtocol):
    """Answers each datagram with the same; by its manner, not at all."""

    def __init__(self, entry: Entry) -> None:
        self._answer = b"" if entry["manner"] == "swallow" else DATAGRAMS[entry["service"]][1]
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, _: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        if self._answer and self._transport is not None:
            self._transport.sendto(self._answer, addr)


async def ask_udp(entry: Entry) -> str:
    """Ask, again and again where nothing comes back, in the same words from the same port."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in entry["source"] else socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.setblocking(False)
        door.bind((entry["source"], 0))
        door.connect((entry["address"], entry["port"]))
        for _ in range(RETRIES):
            try:
                door.send(DATAGRAMS[entry["service"]][0])
                await asyncio.wait_for(loop.sock_recv(door, 2048), 1)
                if entry["manner"] == "instance":
                    met = await ask_tcp(entry | {"port": INSTANCE_PORT, "service": "tds", "manner": "service"})
                    return "talked" if met == "talked" else "talked, no data"
                return "talked"
            except TimeoutError:
                continue
            except OSError as error:
                return f"not connected: {error.errno}"
    return "no answer"


def ping(source: str, address: str) -> None:
    """Send an echo request (RFC 792, RFC 4443): the machine answers it itself, whatever a firewall does to services."""
    six = ":" in source
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    with socket.socket(family, socket.SOCK_RAW, protocol) as raw:
        raw.bind((source, 0))
        body = struct.pack(">BBHHH", 128 if six else 8, 0, 0, 77, 1) + b"are you there?.."
        total = sum(struct.unpack(f">{len(body) // 2}H", body))
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~(total + (total >> 16)) & 0xFFFF
        raw.sendto(body[:2] + struct.pack(">H", checksum) + body[4:], (address, 0))


async def serve(entries: list[Entry], folder: Path) -> None:
    """Open every door, say so, and stay."""
    loop = asyncio.get_running_loop()
    await daemons.serve([entry for entry in entries if entry["manner"] == "real"], folder)
    for entry in (entry for entry in entries if entry["manner"] != "real"):
        if entry["transport"] == "tcp":
            await serve_tcp(entry, folder)
        else:
            await loop.create_datagram_endpoint(
                lambda entry=entry: Answering(entry),  # type: ignore[misc]
                local_addr=(entry["address"], entry["port"]),
            )
            if entry["manner"] == "instance":
                await serve_tcp(entry | {"port": INSTANCE_PORT, "service": "tds", "manner": "service"}, folder)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def ask(entries: list[Entry], folder: Path) -> None:
    """Be every client, all at a time but for those that come later; say how each fared."""

    async def one(entry: Entry) -> None:
        await asyncio.sleep(entry.get("after", 0) + entry["number"] % 64 / 64)
        if entry.get("ping"):
            ping(entry["source"], entry["address"])
            await asyncio.sleep(0.05)
        if entry["manner"].startswith("real"):
            met = await daemons.ask(entry, folder)
        else:
            met = await (ask_tcp(entry) if entry["transport"] == "tcp" else ask_udp(entry))
        print(json.dumps({"case": entry["case"], "port": entry["port"], "met": met, "at": time.time()}), flush=True)

    await asyncio.gather(*(one(entry) for entry in entries))


def main() -> None:
    """Serve or ask what a plan says."""
    plan = Path(sys.argv[2])
    entries = json.loads(plan.read_text())
    asyncio.run(serve(entries, plan.parent) if sys.argv[1] == "serve" else ask(entries, plan.parent))


if __name__ == "__main__":
    main()
