"""TLS handshakes that fail between OpenSSL's own programs: what each is told, which alert must come of it, and how they run.

Knows OpenSSL's words, the lab's certificates, and the bytes of the few ends that OpenSSL's programs cannot be; must not know what
is said of an alert.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.talk import PATIENCE, Entry

Words = tuple[str, ...]

_ALERT, _HANDSHAKE = 21, 22
"""Types of records."""


@dataclass(frozen=True)
class Handshake:
    """Words for ``s_server`` and ``s_client``, or the bytes that stand in for one of them; the alert, and who sends it.

    ``alert`` is None where it is sent encrypted: nobody who only listens can know it.
    """

    server: Words | bytes
    client: Words | bytes
    by: str | None = None
    alert: str | None = None


def _record(message: bytes) -> bytes:
    """A record with a handshake message (RFC 5246, 6.2.1)."""
    return struct.pack(">BHH", _HANDSHAKE, 0x0303, len(message)) + message


def _hello(kind: int, rest: bytes) -> bytes:
    """A client's (1) or a server's (2) hello of TLS 1.2 without a session (RFC 5246, 7.4.1)."""
    body = struct.pack(">H", 0x0303) + bytes(range(32)) + b"\0" + rest
    return _record(struct.pack(">B", kind) + len(body).to_bytes(3, "big") + body)


_12: Final = ("-tls1_2",)
_13: Final = ("-tls1_3",)
_TRUST: Final = ("-CAfile", "authority.pem", "-verify_return_error")
_REVOKED: Final = ("-crl_check", "-CRL", "crl.pem")
_MUST: Final = ("-Verify", "1", *_TRUST)
_PSK: Final = ("-nocert", "-cipher", "PSK")


def _shows(certificate: str, key: str = "key") -> Words:
    return ("-cert", f"{certificate}.pem", "-key", f"{key}.pem")


def _certificates(version: Words, prefix: str) -> dict[str, Handshake]:
    """What clients find wrong with the certificate of a server, and tell in clear: they have no keys to write with yet."""
    return {
        f"{prefix}-{name}": Handshake((*server, *version), (*version, *client), "initiator", alert)
        for name, server, client, alert in (
            ("unknown-ca", _shows("sound"), ("-verify_return_error",), "unknown_ca"),
            ("other-name", _shows("sound"), (*_TRUST, "-verify_hostname", "other"), "bad_certificate"),
            ("expired", _shows("expired"), _TRUST, "certificate_expired"),
            ("revoked", _shows("revoked"), (*_TRUST, *_REVOKED), "certificate_revoked"),
            ("purpose", _shows("purpose"), _TRUST, "unsupported_certificate"),
            ("other-key", _shows("sound", "other-key"), (), "decrypt_error"),
        )
    }


HANDSHAKES: Final[dict[str, Handshake]] = {
    # Said by the server.
    "tls-versions": Handshake(_13, _12, "responder", "protocol_version"),
    "tls-ciphers": Handshake(
        (*_12, "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"), (*_12, "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "responder", "handshake_failure",
    ),
    "tls-client-certificate": Handshake((*_12, "-Verify", "1", "-verify_return_error"), _12, "responder", "handshake_failure"),
    "tls-name": Handshake(
        (*_12, "-servername", "known", "-servername_fatal", "-cert2", "cert.pem", "-key2", "key.pem"), (*_12, "-servername", "other"),
        "responder", "unrecognized_name",
    ),
    "tls-client-unknown-ca": Handshake((*_12, "-Verify", "1", "-verify_return_error"), (*_12, *_shows("sound")), "responder", "unknown_ca"),
    "tls-client-expired": Handshake(_MUST, (*_12, *_shows("expired")), "responder", "certificate_expired"),
    "tls-client-revoked": Handshake((*_MUST, *_REVOKED), (*_12, *_shows("revoked")), "responder", "certificate_revoked"),
    "tls-client-purpose": Handshake(_MUST, (*_12, *_shows("purpose")), "responder", "unsupported_certificate"),
    "tls-client-other-key": Handshake(_MUST, (*_12, *_shows("sound", "other-key")), "responder", "decrypt_error"),
    "tls-protocols": Handshake(("-alpn", "h2"), (*_12, "-alpn", "http/1.1"), "responder", "no_application_protocol"),
    "tls-fallback": Handshake((), (*_12, "-fallback_scsv"), "responder", "inappropriate_fallback"),
    # An odd number of digits is no key: OpenSSL's server then knows nobody by that name.
    "tls-psk-unknown": Handshake((*_PSK, "-psk", "abc"), (*_12, "-psk", "aabb", "-cipher", "PSK"), "responder", "unknown_psk_identity"),
    "tls-psk-other": Handshake((*_PSK, "-psk", "aacc"), (*_12, "-psk", "aabb", "-cipher", "PSK"), "responder", "bad_record_mac"),
    "tls-list-of-ciphers-broken": Handshake((), _hello(1, b"\0\3\xc0\x2f\0\1\0"), "responder", "decode_error"),
    # Said by the client.
    **_certificates(_12, "tls"),
    "tls-hello-broken": Handshake(_hello(2, b"\xc0\x2f\0\0\5"), _12, "initiator", "decode_error"),
    "tls-cipher-not-offered": Handshake(_hello(2, b"\0\5\0"), _12, "initiator", "illegal_parameter"),
    "tls-record-too-long": Handshake(struct.pack(">BHH", _HANDSHAKE, 0x0303, 0xFFFF) + bytes(600), _12, "initiator", "record_overflow"),
    "tls-no-hello": Handshake(_record(b"\x0e\0\0\0"), _12, "initiator", "unexpected_message"),
    # TLS 1.3: in clear before there are keys; what a server says of a client is encrypted.
    **_certificates(_13, "tls13"),
    "tls13-protocols": Handshake((*_13, "-alpn", "h2"), (*_13, "-alpn", "http/1.1"), "responder", "no_application_protocol"),
    "tls13-psk-other": Handshake(("-nocert", *_13, "-psk", "aacc"), (*_13, "-psk", "aabb"), "responder", "illegal_parameter"),
    "tls13-client-certificate": Handshake((*_13, *_MUST), _13),
    "tls13-client-expired": Handshake((*_13, *_MUST), (*_13, *_shows("expired"))),
}  # fmt: skip
"""By the manner of speaking; every certificate is of the lab's authority but ``cert.pem``, which signs itself."""


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


async def serve_handshake(entry: Entry, words: Words | bytes, folder: Path) -> None:
    """Listen as OpenSSL's server, told some words; or say some bytes to whoever says anything, and hear what is said of them."""
    if isinstance(words, tuple):
        said = (
            "-cert",
            "cert.pem",
            "-key",
            "key.pem",
            "-quiet",
            *words,
            "-accept",
            f"{entry['address']}:{entry['port']}",
        )
        await asyncio.create_subprocess_exec("openssl", "s_server", *said, stdin=asyncio.subprocess.PIPE, cwd=folder)
        return

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(65536)
            writer.write(words)
            await reader.read()
            writer.close()

    await asyncio.start_server(met, entry["address"], entry["port"])


async def ask_handshake(entry: Entry, words: Words | bytes) -> str:
    """Ask as OpenSSL's client, told some words; or say some bytes, and hear what is said of them."""
    if isinstance(words, tuple):
        ends = ("-connect", f"{entry['address']}:{entry['port']}", "-bind", f"{entry['source']}:0")
        code = await openssl("s_client", *ends, "-quiet", *words)
        return f"broken off: {code}" if code else "talked"
    try:
        reader, writer = await asyncio.open_connection(entry["address"], entry["port"], local_addr=(entry["source"], 0))
        writer.write(words)
        heard = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
    except (OSError, TimeoutError) as error:
        return f"no alert: {type(error).__name__}"
    return "broken off: 1" if heard[:1] == bytes((_ALERT,)) else "talked"
