"""The lab's programs: ``serve PLAN`` and ``ask PLAN`` on one machine of the site. Plain sockets, no packets of their own making.

Real programs (``daemons``) speak where an entry's manner says so.
Knows how a plan's entries behave; must not know the firewall, nor what the analyser will say. A plan is JSON: entries with
``address``, ``port``, ``transport``, ``service``, ``manner`` and, of clients, ``source``. What a client met is printed, an entry
a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import sys
import time
from pathlib import Path
from typing import Any, Final, cast

from tests.lab import daemons
from tests.lab.dialogues import DATAGRAMS, INSIDE_TLS, INSTANCE_PORT, SPOKEN, Turns

Entry = dict[str, Any]

PATIENCE: Final = 9.0
"""Seconds that a client waits for a connection: three repeated SYNs."""
RETRIES: Final = 3


def turns(entry: Entry) -> tuple[Turns, bool]:
    """Return what is said, and whether inside TLS."""
    manner: str = entry["manner"]
    if manner == "other":
        return SPOKEN["http" if entry["service"] == "ssh" else "ssh"], False
    if manner in SPOKEN:
        return SPOKEN[manner], False
    service: str = entry["service"]
    return SPOKEN[INSIDE_TLS.get(service, service)], service in INSIDE_TLS


OPENSSL: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "tls-versions": (("-tls1_3",), ("-tls1_2",)),
    "tls-ciphers": (
        ("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"),
        ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
    ),
    "tls-client-certificate": (("-tls1_2", "-Verify", "1", "-verify_return_error"), ("-tls1_2",)),
    "tls-unknown-ca": (("-tls1_2",), ("-tls1_2", "-verify_return_error")),
    "tls-name": (
        ("-tls1_2", "-servername", "known", "-servername_fatal", "-cert2", "cert.pem", "-key2", "key.pem"),
        ("-tls1_2", "-servername", "other"),
    ),
}
"""What OpenSSL's own programs are told where a handshake is to fail: the server, and the client."""


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


async def openssl(*words: str) -> int:
    """Run one of OpenSSL's programs to its end; its exit code is returned."""
    program = await asyncio.create_subprocess_exec(
        "openssl",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await program.communicate(b"")
    return program.returncode or 0


async def talk(said: Turns, me: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say one's turns and hear the other's."""
    for who, words in said:
        if who == me:
            writer.write(words)
            await writer.drain()
        else:
            await asyncio.wait_for(reader.readexactly(len(words)), PATIENCE)


async def serve_tcp(entry: Entry, folder: Path) -> None:
    """Listen; every connection gets the same."""
    manner = entry["manner"]
    if manner in OPENSSL:
        where = f"{entry['address']}:{entry['port']}"
        words = ("-accept", where, "-cert", "cert.pem", "-key", "key.pem", "-quiet", *OPENSSL[manner][0])
        await asyncio.create_subprocess_exec("openssl", "s_server", *words, stdin=asyncio.subprocess.PIPE, cwd=folder)
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


async def passive(entry: Entry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An FTP server that opens a port for data (RFC 959, 4.1.2)."""

    async def data(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        out.close()

    door = await asyncio.start_server(data, entry["address"], entry["data"])
    numbers = ",".join([*entry["address"].split("."), str(entry["data"] >> 8), str(entry["data"] & 255)])
    await talk(
        [("s", b"220 FTP ready\r\n"), ("c", b"USER scan\r\n"), ("s", b"331 password\r\n"), ("c", b"PASS x\r\n"),
         ("s", b"230 in\r\n"), ("c", b"PASV\r\n"), ("s", f"227 Entering Passive Mode ({numbers}).\r\n".encode())],
        "s", reader, writer,
    )  # fmt: skip
    await asyncio.wait_for(reader.read(65536), 3 * PATIENCE)
    door.close()


async def active(entry: Entry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An FTP server that is told where to connect to."""
    client = entry["source"]
    numbers = ",".join([*client.split("."), str(entry["data"] >> 8), str(entry["data"] & 255)])
    await talk(
        [("s", b"220 FTP ready\r\n"), ("c", b"USER scan\r\n"), ("s", b"331 password\r\n"), ("c", b"PASS x\r\n"),
         ("s", b"230 in\r\n"), ("c", f"PORT {numbers}\r\n".encode()), ("s", b"200 ok\r\n"), ("c", b"STOR scan.pdf\r\n"),
         ("s", b"150 opening\r\n")],
        "s", reader, writer,
    )  # fmt: skip
    try:
        _, out = await asyncio.wait_for(
            asyncio.open_connection(client, entry["data"], local_addr=(entry["address"], 0)), PATIENCE
        )
        out.close()
        writer.write(b"226 done\r\n")
    except (OSError, TimeoutError):
        writer.write(b"425 cannot open data connection\r\n")


async def ask_tcp(entry: Entry) -> str:
    """Connect and talk; say how it ended."""
    manner = entry["manner"]
    if manner in OPENSSL:
        ends = ("-connect", f"{entry['address']}:{entry['port']}", "-bind", f"{entry['source']}:0")
        code = await openssl("s_client", *ends, "-quiet", *OPENSSL[manner][1])
        return f"broken off: {code}" if code else "talked"
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
        if manner == "big":
            said = [("c", SPOKEN["raw-print"][0][1] + bytes(range(256)) * 20)]
        if manner in ("ftp-passive", "ftp-active"):
            await fetch(entry, reader, writer)
        else:
            await asyncio.wait_for(talk(said, "c", reader, writer), PATIENCE)
        if manner == "big":
            await asyncio.sleep(5)
        return "talked"
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError) as error:
        return f"broken off: {type(error).__name__}"
    finally:
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), 1)


async def fetch(entry: Entry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An FTP client that wants a data connection."""
    await talk(SPOKEN["ftp"][:5], "c", reader, writer)
    if entry["manner"] == "ftp-passive":
        writer.write(b"PASV\r\n")
        await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE)
        data = asyncio.open_connection(entry["address"], entry["data"], local_addr=(entry["source"], 0))
        with contextlib.suppress(OSError, TimeoutError):
            _, out = await asyncio.wait_for(data, PATIENCE)
            out.close()
        return

    async def taken(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        out.close()

    door = await asyncio.start_server(taken, entry["source"], entry["data"])
    numbers = ",".join([*entry["source"].split("."), str(entry["data"] >> 8), str(entry["data"] & 255)])
    writer.write(f"PORT {numbers}\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE)
    writer.write(b"STOR scan.pdf\r\n")
    await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE)
    await asyncio.wait_for(reader.readuntil(b"\n"), 2 * PATIENCE)
    door.close()


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
                    await ask_tcp(entry | {"port": INSTANCE_PORT, "service": "tds", "manner": "service"})
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
