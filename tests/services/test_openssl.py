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


def shaken(
    folder: Path, version: ssl.TLSVersion, *, trusts: bool = True, days: float = 1, piece: int = 4096
) -> LabelTables:
    """Labels of a handshake between two ends of OpenSSL, told as packets of ``piece`` bytes, ``days`` from now."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if trusts:
        client.load_verify_locations(folder / "cert.pem")
    for context, protocols in ((server, ["http/1.1"]), (client, ["h2", "http/1.1"])):
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(protocols)
    asks, asked, answers, answered = (ssl.MemoryBIO() for _ in range(4))
    talk = Talking(1)
    talk.t = int(time.time() + days * _DAY) * SECOND
    ends = (
        (client.wrap_bio(answered, asks, server_hostname="printer.example"), asks, asked, talk.orig),
        (server.wrap_bio(asked, answers, server_side=True), answers, answered, talk.resp),
    )
    began: list[bytes] = []
    for _ in range(3):
        for end, said, heard, tell in ends:
            with contextlib.suppress(ssl.SSLError):
                end.do_handshake()
            data = said.read()
            heard.write(data)
            began.append(data)
            for at in range(0, len(data), piece):
                tell(data[at : at + piece])
    seen: dict[str, Any] = {"orig": began[0], "resp": began[1], "id.resp_p": 443}
    return labelled([flow(1, **seen)], [talk])


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
