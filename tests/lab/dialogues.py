"""What the lab's programs say, protocol by protocol: a client's and a server's words in turn.

Stand-ins: the first messages are as the protocols have them (sources beside each), what follows is as short as can be. Real
programs of the same protocols speak in ``tests/live``.
"""

from __future__ import annotations

import struct
from typing import Final

Turns = list[tuple[str, bytes]]
"""Who speaks ("c" the client, "s" the server), and what."""


def _http(request: str, answer: str = "200 OK", body: bytes = b"ok", kind: str = "text/plain") -> Turns:
    """RFC 9112."""
    head = f"HTTP/1.1 {answer}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return [("c", request.encode().replace(b"\n", b"\r\n") + b"\r\n\r\n"), ("s", head + body)]


def _ber(tag: int, body: bytes) -> bytes:
    """X.690, definite lengths below 128."""
    return bytes((tag, len(body))) + body


def snmp(community: bytes, *, answer: bool) -> bytes:
    """RFC 3416: a question for sysDescr, or its answer."""
    name = _ber(6, bytes.fromhex("2b06010201010100"))
    value = _ber(4, b"a printer") if answer else _ber(5, b"")
    fields = _ber(2, b"\x11\x22") + _ber(2, b"\0") + _ber(2, b"\0") + _ber(0x30, _ber(0x30, name + value))
    return _ber(0x30, _ber(2, b"\1") + _ber(4, community) + _ber(0xA2 if answer else 0xA0, fields))


def ldap(code: int) -> Turns:
    """RFC 4511: an anonymous bind and what comes of it."""
    ask = _ber(0x30, _ber(2, b"\1") + _ber(0x60, _ber(2, b"\3") + _ber(4, b"") + _ber(0x80, b"")))
    told = _ber(0x30, _ber(2, b"\1") + _ber(0x61, _ber(10, bytes((code,))) + _ber(4, b"") + _ber(4, b"")))
    return [("c", ask), ("s", told)]


def _smb() -> Turns:
    """MS-SMB2 2.2.3 and 2.2.4: dialects offered and one chosen."""
    fields = struct.pack("<HHHH", 64, 0, 0, 0) + struct.pack("<HHIIQ", 0, 0, 0, 0, 0) + bytes(8 + 8 + 16)
    head = b"\xfeSMB" + fields[:60]
    head += bytes(64 - len(head))
    ask = head + struct.pack("<HHHHI", 36, 2, 1, 0, 0) + bytes(16 + 8) + struct.pack("<HH", 0x0210, 0x0302)
    answer = bytearray(head)
    answer[16] = 1
    told = (
        bytes(answer)
        + struct.pack("<HHHH", 65, 1, 0x0302, 0)
        + bytes(16 + 4 + 12 + 16)
        + struct.pack("<HHI", 128, 0, 0)
    )
    return [("c", struct.pack(">I", len(ask)) + ask), ("s", struct.pack(">I", len(told)) + told)]


def _ipp() -> Turns:
    """RFC 8010: Get-Printer-Attributes."""
    body = bytes.fromhex("0200000b00000001 01 47 0012") + b"attributes-charset\0\5utf-8" + b"\3"
    answer = bytes.fromhex("0200000000000001 01 47 0012") + b"attributes-charset\0\5utf-8" + b"\3"
    head = (
        f"POST /ipp/print HTTP/1.1\r\nHost: p\r\nContent-Type: application/ipp\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return [("c", head.encode() + body), _http("", body=answer, kind="application/ipp")[1]]


def _etcd() -> Turns:
    """The interface of version 2."""
    body = b'{"action":"get","node":{"key":"/ts","dir":true}}'
    answer = f"HTTP/1.1 200 OK\r\nX-Etcd-Cluster-Id: 1\r\nX-Etcd-Index: 4\r\nContent-Length: {len(body)}\r\n\r\n"
    return [("c", b"GET /v2/keys/ts HTTP/1.1\r\nHost: e\r\n\r\n"), ("s", answer.encode() + body)]


_SSH: Final[Turns] = [("s", b"SSH-2.0-OpenSSH_9.2\r\n"), ("c", b"SSH-2.0-OpenSSH_9.2\r\n")]
_WEB: Final = _http("GET / HTTP/1.1\nHost: w")
JOB: Final = b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bE some words\x0c\x1bE\x1b%-12345X"

SPOKEN: Final[dict[str, Turns]] = {
    "http": _WEB,
    "ipp": _ipp(),
    "etcd": _etcd(),
    "smb": _smb(),
    "ldap": ldap(0),
    "ssh": _SSH,
    "raw-print": [("c", JOB)],
    "safeq-client": [("c", b"\x1b%-12345X@PJL JOB\n%%%SmartQ-For: someone\n")],
    "safeq-terminal": [("c", b".SQ 1.0 SQPR00000001\r\n"), ("s", b".SQ OK\r\n")],
    "lpr": [("c", b"\x02print\n"), ("s", b"\0"), ("c", b"\x0212 cfA001h\n"), ("s", b"\0"), ("c", b"Hh\nPp\nfdfA001\n"[:12] + b"\0"), ("s", b"\0")],
    "smtp": [("s", b"220 mail ESMTP\r\n"), ("c", b"EHLO printer\r\n"), ("s", b"250 mail\r\n"), ("c", b"QUIT\r\n"), ("s", b"221 bye\r\n")],
    "pop3": [("s", b"+OK POP3 ready\r\n"), ("c", b"CAPA\r\n"), ("s", b"+OK\r\nUSER\r\n.\r\n"), ("c", b"QUIT\r\n"), ("s", b"+OK\r\n")],
    "ftp": [("s", b"220 FTP ready\r\n"), ("c", b"USER scan\r\n"), ("s", b"331 password\r\n"), ("c", b"PASS x\r\n"),
            ("s", b"230 in\r\n"), ("c", b"QUIT\r\n"), ("s", b"221 bye\r\n")],
    "jgroups": [("c", bytes.fromhex("62656c61 00140600 06000001 04c6120001 1e78")), ("s", bytes.fromhex("62656c61 00140600 06000001 04c6120002 1e78"))],
    "opaque": [("c", bytes.fromhex("9f03c4d1e2a7b6880f1e2d3c4b5a6978")), ("s", bytes.fromhex("e177a1c0d3f2940b5e6c7d8a9b0c1d2e"))],
    # MS-TDS 2.2.6.5, 2.2.6.6: a prelogin and its answer, "encryption not supported".
    "tds": [
        ("c", bytes.fromhex("1201002f00000000") + bytes.fromhex("0000150006 01001b0001 02001c0001 03001d0004 ff") + bytes(18)),
        ("s", bytes.fromhex("0401001a00000100") + bytes.fromhex("00000b0006 0100110001 ff 0f0007d00000 02")),
    ],
    # Dialogues that end badly, or belong elsewhere.
    "http-401": _http("GET / HTTP/1.1\nHost: w", "401 Unauthorized"),
    "http-403": _http("GET / HTTP/1.1\nHost: w", "403 Forbidden"),
    "http-503": _http("GET / HTTP/1.1\nHost: w", "503 Service Unavailable"),
    "ftp-530": [("s", b"220 FTP ready\r\n"), ("c", b"USER scan\r\n"), ("s", b"331 password\r\n"), ("c", b"PASS x\r\n"), ("s", b"530 no\r\n")],
    "smtp-554": [("s", b"220 mail ESMTP\r\n"), ("c", b"EHLO printer\r\n"), ("s", b"554 no\r\n")],
    "ldap-49": ldap(49),
}  # fmt: skip
SPOKEN["ymq"] = SPOKEN["opaque"]

INSIDE_TLS: Final = {"https": "http", "ipps": "ipp", "ldaps": "ldap", "tls": "opaque"}
"""What is spoken inside TLS, by the service of a rule."""

_INSTANCE: Final = b"ServerName;DB;InstanceName;SAFEQ;IsClustered;No;Version;15.0.2000.5;tcp;50123;;"
INSTANCE_PORT: Final = 50_123

DATAGRAMS: Final[dict[str, tuple[bytes, bytes]]] = {
    "snmp": (snmp(b"public", answer=False), snmp(b"public", answer=True)),
    "time": (b"", struct.pack(">I", 4_000_000_000)),
    "sql-browser": (
        b"\x04SAFEQ\0",
        b"\x05" + struct.pack("<H", len(_INSTANCE)) + _INSTANCE,
    ),
}
"""A request and its answer."""
