"""TLS facts of handshakes that OpenSSL itself makes, and its names of cipher suites."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyser.services.ciphers import CIPHERS, cipher_name
from analyser.services.handshakes import handshake_words
from analyser.tables import LabelTables
from tests.services import wire
from tests.services.made import SECOND, Talking, first, flow, labelled

_DAY = 86_400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that it signed itself, valid from now on for two days."""
    place = tmp_path_factory.mktemp("openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/O=Site/CN=printer", "-addext", "subjectAltName=DNS:printer.example,IP:192.0.2.10",
         "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=place, check=True, capture_output=True,
    )  # fmt: skip
    return place


Said = list[tuple[bool, bytes]]
"""What two ends said to each other, in order; True: the client."""


def exchanged(folder: Path, version: ssl.TLSVersion, *, trusts: bool) -> Said:
    """Return the flights of a handshake between two ends of OpenSSL."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if trusts:
        client.load_verify_locations(folder / "cert.pem")
    for context, protocols in ((server, ["http/1.1"]), (client, ["h2", "http/1.1"])):
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(protocols)
    asks, asked, answers, answered = (ssl.MemoryBIO() for _ in range(4))
    ends = (
        (client.wrap_bio(answered, asks, server_hostname="printer.example"), asks, asked),
        (server.wrap_bio(asked, answers, server_side=True), answers, answered),
    )
    flights: Said = []
    for _ in range(3):
        for end, said, heard in ends:
            with contextlib.suppress(ssl.SSLError):
                end.do_handshake()
            flights.append((end is ends[0][0], said.read()))
            heard.write(flights[-1][1])
    return [flight for flight in flights if flight[1]]


def told(said: Said, *, port: int, days: float, piece: int) -> LabelTables:
    """Labels of a conversation told as packets of ``piece`` bytes, ``days`` from now."""
    talk = Talking(1)
    talk.t = int(time.time() + days * _DAY) * SECOND
    for by_client, data in said:
        for at in range(0, len(data), piece):
            (talk.orig if by_client else talk.resp)(data[at : at + piece])
    began = (b"".join(data for by_client, data in said if by_client == side) for side in (True, False))
    seen: dict[str, Any] = {**dict(zip(("orig", "resp"), began, strict=True)), "id.resp_p": port}
    return labelled([flow(1, **seen)], [talk])


def shaken(
    folder: Path, version: ssl.TLSVersion, *, trusts: bool = True, days: float = 1, piece: int = 4096
) -> LabelTables:
    """Labels of a handshake."""
    return told(exchanged(folder, version, trusts=trusts), port=443, days=days, piece=piece)


@pytest.mark.parametrize("piece", [4096, 100])
def test_a_handshake_of_version_1_2_tells_all_of_its_columns(folder: Path, piece: int) -> None:
    labels = shaken(folder, ssl.TLSVersion.TLSv1_2, piece=piece)
    (row,) = handshake_words(labels).rows(named=True)
    assert row["cipher"].startswith("TLS_ECDHE_ECDSA_WITH_")
    assert (row["alpn"], row["next_protocol"]) == ("h2, http/1.1", "http/1.1")
    assert (row["cert_subject"], row["cert_issuer"]) == ("printer", "printer")
    assert row["cert_names"] == "printer.example, 192.0.2.10"
    assert row["cert_not_after"] - row["cert_not_before"] == timedelta(days=2)
    assert abs(row["cert_not_before"] - datetime.now(UTC)) < timedelta(minutes=10)
    assert first(labels)["answer_note"] is None


def test_version_1_3_hides_certificate_and_choice(folder: Path) -> None:
    (row,) = handshake_words(shaken(folder, ssl.TLSVersion.TLSv1_3)).rows(named=True)
    assert row["cipher"] in ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256")
    assert row["alpn"] == "h2, http/1.1"
    assert {row[name] for name in row if name.startswith("cert_") or name == "next_protocol"} == {None}


@pytest.mark.parametrize(("days", "told"), [(3, "expired"), (-1, "is not valid before")])
def test_a_certificate_out_of_its_time_is_noted_where_the_handshake_succeeds(
    folder: Path, days: int, told: str
) -> None:
    labels = shaken(folder, ssl.TLSVersion.TLSv1_2, days=days)
    (shown,) = handshake_words(labels).rows(named=True)
    day = shown["cert_not_after" if days > 0 else "cert_not_before"].date().isoformat()
    assert first(labels)["tls_alert"] is None
    assert first(labels)["answer_note"] == f"the server's certificate {told} {day}"


def test_a_client_that_does_not_trust_is_told_with_the_certificate_and_its_end(folder: Path) -> None:
    labels = shaken(folder, ssl.TLSVersion.TLSv1_2, trusts=False, days=3)
    (shown,) = handshake_words(labels).rows(named=True)
    row, day = first(labels), shown["cert_not_after"].date().isoformat()
    assert row["tls_alert"] == "unknown_ca"
    assert row["tls_certificate"].startswith(f'certificate of "printer", issued by itself, expired {day}')


def _options(encryption: int) -> bytes:
    """A PRELOGIN with version and encryption."""
    return bytes.fromhex("00000b0006 0100110001 ff 0f0007d00000") + bytes([encryption])


def in_database(said: Said, *, size: int = 4096) -> Said:
    """A handshake as a database speaks it: behind both PRELOGINs, inside packets of ``size`` bytes until it is done."""
    wrapped: Said = [(True, wire.tds(0x12, _options(0))), (False, wire.tds(4, _options(3)))]
    for by_client, data in said:
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        packets = [wire.tds(0x12, part, last=part is parts[-1]) for part in parts]
        wrapped.append((by_client, b"".join(packets)))
    return [*wrapped, (True, wire.record(23, bytes(90))), (False, wire.record(23, bytes(60)))]


@pytest.mark.parametrize("piece", [4096, 100, 9])
@pytest.mark.parametrize("size", [4096, 60])
def test_the_handshake_inside_packets_of_a_database_is_read(folder: Path, piece: int, size: int) -> None:
    """However it is cut into packets of either kind; the label stays that of the database."""
    said = in_database(exchanged(folder, ssl.TLSVersion.TLSv1_2, trusts=True), size=size)
    labels = told(said, port=50122, days=3, piece=piece)
    row, (shown,) = first(labels), handshake_words(labels).rows(named=True)
    assert (row["service"], row["basis"], row["sublabel"]) == ("tds", "payload", "encryption required, client: off")
    assert (row["tls_version"], row["server_name"], row["tls_alert"]) == ("TLS 1.2", "printer.example", None)
    assert row["tls_client_next_t"] > row["tls_server_hello_t"] > row["tls_client_hello_t"] > 0
    assert (shown["cert_subject"], shown["cipher"][:9]) == ("printer", "TLS_ECDHE")
    assert row["answer_note"].startswith("the server's certificate expired")


def test_a_handshake_that_dies_inside_a_database_has_its_alert(folder: Path) -> None:
    said = in_database(exchanged(folder, ssl.TLSVersion.TLSv1_2, trusts=False))[:-2]
    row = first(told(said, port=1433, days=1, piece=4096))
    assert (row["service"], row["tls_alert"], row["tls_alert_from_orig"]) == ("tds", "unknown_ca", True)
    assert row["tls_certificate"].startswith('certificate of "printer", issued by itself, valid')
    assert row["tls_alert_frame"] == 8


def test_suites_have_the_names_that_openssl_gives_them() -> None:
    told = subprocess.run(
        ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    named = {
        int(words[0].replace("0x", "").replace(",", ""), 16): words[2] for words in map(str.split, told.splitlines())
    }
    assert len(named) > 100
    assert {code: CIPHERS.get(code) for code in named} == named
    assert cipher_name(0x1A1A) == "0x1a1a"
