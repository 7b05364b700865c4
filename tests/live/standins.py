"""Stand-ins for programs without a package: enough of a protocol for its first bytes to be real, and no more.

``serve ADDRESS FOLDER``: RFC 1179 (515), RFC 868 (37), MC-SQLR (1434), MS-TDS prelogin (1433), a printer's raw port in
clear (9100) and in TLS (9101). ``ask`` is the client of all but the first.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

EPOCH_1900 = 2_208_988_800


def now_1900() -> bytes:
    """Return the time as RFC 868 has it."""
    return struct.pack(">I", int(time.time()) + EPOCH_1900)


def lines(peer: socket.socket) -> bytes:
    """Return what comes up to a line feed."""
    data = b""
    while not data.endswith(b"\n") and (more := peer.recv(1)):
        data += more
    return data


def lpd(peer: socket.socket) -> None:
    """Take jobs (RFC 1179, sections 5.2 and 6): every command and every file is acknowledged with a zero byte."""
    if lines(peer)[:1] != b"\x02":
        return
    peer.sendall(b"\0")
    while command := lines(peer):
        if command[:1] in (b"\x02", b"\x03"):
            count = int(command[1:].split()[0])
            peer.sendall(b"\0")
            left = count + 1  # a zero byte follows
            while left and (more := peer.recv(min(left, 4096))):
                left -= len(more)
        peer.sendall(b"\0")


def clock(peer: socket.socket) -> None:
    """Say the time and hang up."""
    peer.sendall(now_1900())


def database(peer: socket.socket) -> None:
    """Answer a prelogin (MS-TDS 2.2.6.5): version and "encryption not supported"."""
    peer.recv(4096)
    options = bytes.fromhex("00000b0006 0100110001 ff") + bytes.fromhex("0f0007d00000 02")
    peer.sendall(b"\x04\x01" + struct.pack(">H", 8 + len(options)) + b"\0\0\x01\0" + options)


def swallow(peer: socket.socket) -> None:
    """Take everything, as a printer does."""
    while peer.recv(65536):
        pass


def tcp(address: str, port: int, serve: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> None:
    """Serve one connection after another, for ever."""
    with socket.create_server((address, port)) as listener:
        while True:
            peer, _ = listener.accept()
            try:
                with context.wrap_socket(peer, server_side=True) if context else peer as talk:
                    serve(talk)
            except OSError:
                pass


def udp(address: str, port: int, answer: Callable[[bytes], bytes]) -> None:
    """Answer one datagram after another, for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind((address, port))
        while True:
            said, whom = door.recvfrom(65536)
            door.sendto(answer(said), whom)


def instance(_: bytes) -> bytes:
    """Say on which port an instance of the database listens (MC-SQLR 2.2.5)."""
    told = b"ServerName;DB;InstanceName;SAFEQ;IsClustered;No;Version;15.0.2000.5;tcp;50123;;"
    return b"\x05" + struct.pack("<H", len(told)) + told


def serve(address: str, folder: Path) -> None:
    """Serve everything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    doors: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        (tcp, (address, 515, lpd)), (tcp, (address, 37, clock)), (tcp, (address, 1433, database)), (tcp, (address, 9100, swallow)),
        (tcp, (address, 9101, swallow, context)), (udp, (address, 37, lambda _: now_1900())), (udp, (address, 1434, instance)),
    ]  # fmt: skip
    threads = [threading.Thread(target=door, args=words) for door, words in doors]
    for thread in threads:
        thread.start()


def ask(address: str) -> None:
    """Be the client of everything but the line printer daemon."""
    job = b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bE some words\x0c\x1bE\x1b%-12345X"
    with socket.create_connection((address, 9100)) as talk:
        talk.sendall(job)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection((address, 9101))) as talk:
        talk.sendall(job)
    with socket.create_connection((address, 37)) as talk:
        assert len(talk.recv(16)) == 4
    with socket.create_connection((address, 1433)) as talk:
        options = bytes.fromhex("00001500060100 1b00010200 1c00 0c030028 0004ff") + bytes(30)
        talk.sendall(b"\x12\x01" + struct.pack(">H", 8 + len(options)) + b"\0\0\0\0" + options)
        assert talk.recv(4096)[:1] == b"\x04"
    for port, said in ((37, b""), (1434, b"\x04SAFEQ\0")):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.settimeout(5)
            door.sendto(said, (address, port))
            assert door.recv(4096)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], Path(sys.argv[3]))
    else:
        ask(sys.argv[2])
