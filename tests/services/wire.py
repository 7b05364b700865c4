"""Bytes of protocols, made by hand for these tests."""

from __future__ import annotations

V3_USM = "1.3.6.1.6.3.15.1.1"


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    """A TLS record."""
    return bytes([kind]) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def handshake(kind: int, body: bytes) -> bytes:
    """A TLS handshake message."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def extension(kind: int, body: bytes) -> bytes:
    """A TLS extension."""
    return kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def server_name(name: bytes) -> bytes:
    """The extension server_name."""
    entry = b"\x00" + len(name).to_bytes(2, "big") + name
    return extension(0, len(entry).to_bytes(2, "big") + entry)


def client_hello(name: bytes = b"server.example", versions: tuple[int, ...] = (), legacy: int = 0x0303) -> bytes:
    """A ClientHello message; ``versions`` fills supported_versions."""
    extensions = server_name(name) if name else b""
    if versions:
        listed = b"".join(item.to_bytes(2, "big") for item in versions)
        extensions += extension(43, bytes([len(listed)]) + listed)
    body = legacy.to_bytes(2, "big") + bytes(32) + b"\x00" + b"\x00\x04\x13\x01\xc0\x2f" + b"\x01\x00"
    return handshake(1, body + len(extensions).to_bytes(2, "big") + extensions)


def server_hello(version: int = 0x0303) -> bytes:
    """A ServerHello message; 1.3 is told by supported_versions."""
    extensions = extension(43, version.to_bytes(2, "big")) if version == 0x0304 else b""
    body = min(version, 0x0303).to_bytes(2, "big") + bytes(32) + b"\x00" + b"\xc0\x2f" + b"\x00"
    return handshake(2, body + len(extensions).to_bytes(2, "big") + extensions)


def alert(description: int, level: int = 2) -> bytes:
    """A TLS alert in clear."""
    return record(21, bytes([level, description]))


def ber(tag: int, *parts: bytes, long: bool = False) -> bytes:
    """A BER element; ``long`` writes the length in four bytes as some servers do."""
    body = b"".join(parts)
    if long:
        return bytes([tag, 0x84]) + len(body).to_bytes(4, "big") + body
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def integer(value: int) -> bytes:
    """A BER INTEGER."""
    return ber(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """A BER OBJECT IDENTIFIER with arcs below 128."""
    first, second, *rest = map(int, dotted.split("."))
    return ber(6, bytes([first * 40 + second, *rest]))


def pdu(tag: int, request: int, status: int = 0, name: str = "1.3.6.1.2.1.1.1.0") -> bytes:
    """An SNMP PDU with one empty binding."""
    bindings = ber(0x30, ber(0x30, oid(name), ber(5)))
    return ber(tag, integer(request), integer(status), integer(0), bindings)


def snmp(tag: int, request: int, *, version: int = 1, community: bytes = b"floor", status: int = 0) -> bytes:
    """An SNMP v1 or v2c message."""
    return ber(0x30, integer(version), ber(4, community), pdu(tag, request, status))


def snmp3(tag: int, message: int, *, user: bytes = b"", report: int = 0, encrypted: bool = False) -> bytes:
    """An SNMP v3 message; ``report`` is the arc under usmStats."""
    header = ber(0x30, integer(message), integer(65_507), ber(4, b"\x04"), integer(3))
    usm = ber(0x30, ber(4, b"\x80\x00\x1f"), integer(1), integer(9), ber(4, user), ber(4), ber(4))
    inner = pdu(tag, 1, name=f"{V3_USM}.{report}.0") if report else pdu(tag, 1)
    scoped = ber(4, b"\xaa" * 40) if encrypted else ber(0x30, ber(4, b"\x80\x00\x1f"), ber(4), inner)
    return ber(0x30, integer(3), header, ber(4, usm), scoped)


def dns(number: int, *, answer: bool) -> bytes:
    """A DNS message about www.example."""
    flags = b"\x81\x80" if answer else b"\x01\x00"
    return number.to_bytes(2, "big") + flags + b"\x00\x01" + bytes(6) + b"\x03www\x07example\x00\x00\x01\x00\x01"


def ldap_result(message: int, code: int, tag: int = 0x61) -> bytes:
    """An LDAP answer with a result code."""
    return ber(0x30, integer(message), ber(tag, ber(10, bytes([code])), ber(4), ber(4)))


def ldap_starttls(message: int, oid: bytes = b"1.3.6.1.4.1.1466.20037") -> bytes:
    """An LDAP extended request, by default the one for TLS."""
    return ber(0x30, integer(message), ber(0x77, ber(0x80, oid)))


def ldap_bind(message: int) -> bytes:
    """An LDAP simple bind."""
    return ber(0x30, integer(message), ber(0x60, integer(3), ber(4, b"cn=x"), ber(0x80, b"secret")))


def smb2(command: int, status: int, *, chained: bytes = b"", kind: bytes = b"\xfeSMB", answer: bool = True) -> bytes:
    """An SMB 2 message without a body; ``chained``: the next one of the same frame."""
    onward = 64 if chained else 0
    header = kind + b"\x40\x00\x00\x00" + status.to_bytes(4, "little") + command.to_bytes(2, "little") + b"\x01\x00"
    return header + bytes([int(answer), 0, 0, 0]) + onward.to_bytes(4, "little") + bytes(40) + chained


def smb1(command: int, status: int, *, old: bool = False) -> bytes:
    """An answer of SMB 1; ``old``: ``status`` is class and code of an error as the first servers told them."""
    flags2 = b"\x00\x00" if old else b"\x00\x40"
    return b"\xffSMB" + bytes([command]) + status.to_bytes(4, "little") + b"\x80" + flags2 + bytes(20)


def netbios(message: bytes, kind: int = 0) -> bytes:
    """A frame of a NetBIOS session, or of SMB over TCP."""
    return bytes([kind]) + len(message).to_bytes(3, "big") + message


def tds(kind: int, body: bytes, *, last: bool = True) -> bytes:
    """A TDS packet."""
    return bytes([kind, int(last)]) + (8 + len(body)).to_bytes(2, "big") + b"\x00\x34\x01\x00" + body


def tds_error(number: int, severity: int = 14) -> bytes:
    """An ERROR token, in whose text names stand."""
    text = "login failed for user 'secret'".encode("utf-16-le")
    body = number.to_bytes(4, "little") + bytes([1, severity]) + (len(text) // 2).to_bytes(2, "little") + text
    body += b"\x00\x00" + (1).to_bytes(4, "little")
    return b"\xaa" + len(body).to_bytes(2, "little") + body


TDS_DONE = b"\xfd" + bytes(12)
TDS_LOGGED_IN = b"\xad\x04\x00\x01\x74\x00\x00"
TDS_CHANGE = b"\xe3\x03\x00\x01\x00\x00"
TDS_PRELOGIN = bytes.fromhex("00001000060100160001ff") + bytes(5) + bytes(6) + b"\x00"
