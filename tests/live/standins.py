"""Stand-ins for programs without a package: enough of a protocol for its first bytes to be real, and no more.

``serve ADDRESS FOLDER``: MC-SQLR (1434), MS-TDS prelogin (1433), a printer's raw port in clear (9100) and in TLS (9101). ``ask`` is
the client.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path


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
        (tcp, (address, 1433, database)), (tcp, (address, 9100, swallow)),
        (tcp, (address, 9101, swallow, context)), (udp, (address, 1434, instance)),
    ]  # fmt: skip
    threads = [threading.Thread(target=door, args=words) for door, words in doors]
    for thread in threads:
        thread.start()


def ask(address: str) -> None:
    """Be the client of everything."""
    job = b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bE some words\x0c\x1bE\x1b%-12345X"
    with socket.create_connection((address, 9100)) as talk:
        talk.sendall(job)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection((address, 9101))) as talk:
        talk.sendall(job)
    with socket.create_connection((address, 1433)) as talk:
        options = bytes.fromhex("00001500060100 1b00010200 1c00 0c030028 0004ff") + bytes(30)
        talk.sendall(b"\x12\x01" + struct.pack(">H", 8 + len(options)) + b"\0\0\0\0" + options)
        assert talk.recv(4096)[:1] == b"\x04"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.settimeout(5)
        door.sendto(b"\x04SAFEQ\0", (address, 1434))
        assert door.recv(4096)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], Path(sys.argv[3]))
    else:
        ask(sys.argv[2])
