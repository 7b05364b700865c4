"""Certificates behind alerts: whose is looked at, what is told, and that strangers' bytes do no harm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import algos, keys, x509
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.certificates import Certificates, first_certificate
from analyser.services.handshakes import handshake_words
from analyser.services.hellos import protocol_names
from analyser.services.x509 import described, read_certificate, validity
from tests.services import wire
from tests.services.made import CLIENT, SERVER, START, Talking, first, flow, labelled

_2020, _2024, _2030 = (datetime(year, 1, 2, tzinfo=UTC) for year in (2020, 2024, 2030))


def made(name: str = "printer", issuer: str = "Site CA", names: tuple[str, ...] = (), until: datetime = _2024) -> bytes:
    """A certificate with a key and a signature of zeros: nobody checks them here."""
    algorithm = algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"})
    tbs = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": 1,
            "signature": algorithm,
            "issuer": x509.Name.build({"common_name": issuer}),
            "validity": {
                "not_before": x509.Time({"utc_time": _2020}),
                "not_after": x509.Time({"utc_time": until}),
            },
            "subject": x509.Name.build({"common_name": name}),
            "subject_public_key_info": keys.PublicKeyInfo.wrap(
                keys.RSAPublicKey({"modulus": 5, "public_exponent": 3}), "rsa"
            ),
            "extensions": [
                {
                    "extn_id": "subject_alt_name",
                    "extn_value": [
                        x509.GeneralName("ip_address" if item[0].isdigit() else "dns_name", item) for item in names
                    ],
                }
            ]
            if names
            else [],
        }
    )
    whole = x509.Certificate({"tbs_certificate": tbs, "signature_algorithm": algorithm, "signature_value": bytes(8)})
    return bytes(whole.dump())


def _message(*certificates: bytes) -> bytes:
    listed = b"".join(len(item).to_bytes(3, "big") + item for item in certificates)
    return wire.handshake(11, len(listed).to_bytes(3, "big") + listed)


def _told(certificate: bytes, wanted: list[str], at: datetime = datetime(2026, 3, 2, tzinfo=UTC)) -> str:
    found = read_certificate(certificate)
    assert found is not None
    return described(found, int(at.timestamp()) * 10**9, wanted)


@pytest.mark.parametrize(
    ("certificate", "wanted", "line"),
    [
        (made(), ["printer"], 'certificate of "printer", issued by "Site CA", expired 2024-01-02'),
        (made(issuer="printer", until=_2030), ["printer"],
         'certificate of "printer", issued by itself, valid 2020-01-02 to 2030-01-02'),
        (made(until=_2030, names=("a.example", "192.0.2.9")), ["192.0.2.9"],
         'certificate of "printer", issued by "Site CA", valid 2020-01-02 to 2030-01-02'),
        (made(until=_2030, names=("*.example",)), ["HOST.example"],
         'certificate of "printer", issued by "Site CA", valid 2020-01-02 to 2030-01-02'),
        (made(names=("*.example",)), ["a.b.example"],
         'certificate of "printer", issued by "Site CA", expired 2024-01-02, made out to *.example, not to a.b.example'),
        (made(names=tuple("abcdef")), ["printer"],
         ('certificate of "printer", issued by "Site CA", expired 2024-01-02, made out to a, b, c, d and 2 more, '
         "not to printer")),
        (made("\x1b[31m\u202e\"x" + "y" * 99, issuer="i"), [],
         f'certificate of "?[31m??x{"y" * 53}...", issued by "i", expired 2024-01-02'),
    ],
)  # fmt: skip
def test_what_a_client_may_have_disliked_is_told_in_one_short_line(
    certificate: bytes, wanted: list[str], line: str
) -> None:
    assert _told(certificate, wanted) == line


def test_a_clock_that_stands_before_the_certificate_is_told() -> None:
    assert _told(made(), [], datetime(2000, 1, 1, tzinfo=UTC)).endswith("not valid before 2020-01-02")


def _shaken(server: bytes, *, pieces: int, by_client: bool = True, version: int = 0x0303) -> Talking:
    """A handshake in which the server's flight comes in segments, and one side ends it."""
    talk = Talking(1)
    talk.orig(wire.record(22, wire.client_hello()))
    flight = wire.record(22, wire.server_hello(version)) + server
    step = -(-len(flight) // pieces)
    for at in range(0, len(flight), step):
        talk.resp(flight[at : at + step])
    return talk.orig(wire.alert(45)) if by_client else talk.resp(wire.alert(42))


_FLOW = flow(
    1, orig=wire.record(22, wire.client_hello()), resp=wire.record(22, wire.server_hello()), **{"id.resp_p": 443}
)


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_the_servers_certificate_is_read_over_segments_and_records_when_the_client_ends_the_handshake(
    pieces: int,
) -> None:
    message = _message(made(), made("Site CA"))
    flight = wire.record(22, message[:100]) + wire.record(22, message[100:] + wire.handshake(14, b""))
    row = first(labelled([_FLOW], [_shaken(flight, pieces=pieces)]))
    assert (row["tls_alert"], row["tls_certificate"]) == (
        "certificate_expired",
        'certificate of "printer", issued by "Site CA", expired 2024-01-02, made out to printer, not to server.example',
    )


def test_an_alert_of_the_server_is_not_about_its_own_certificate() -> None:
    row = first(labelled([_FLOW], [_shaken(wire.record(22, _message(made())), pieces=1, by_client=False)]))
    assert (row["tls_alert"], row["tls_certificate"]) == ("bad_certificate", None)


def test_whom_a_clients_certificate_names_is_not_told() -> None:
    """A server's alert about its client's certificate says when it ends and who issued it; its owner may be a person."""
    talk = Talking(1).orig(wire.record(22, wire.client_hello())).resp(wire.record(22, wire.server_hello()))
    row = first(labelled([_FLOW], [talk.orig(wire.record(22, _message(made()))).resp(wire.alert(45))]))
    assert row["tls_certificate"] == 'certificate of the client, issued by "Site CA", expired 2024-01-02'


def test_after_the_change_to_tls_the_certificate_is_seen_as_well() -> None:
    control = flow(1, resp=b"220 ready\r\n", orig=b"AUTH TLS\r\n", **{"id.resp_p": 21})
    talk = Talking(1).resp(b"220 ready\r\n").orig(b"AUTH TLS\r\n").resp(b"234 go ahead\r\n")
    talk.orig(wire.record(22, wire.client_hello(b"")))
    talk.resp(wire.record(22, wire.server_hello()) + wire.record(22, _message(made()))).orig(wire.alert(48))
    row = first(labelled([control], [talk]))
    assert row["tls_alert"] == "unknown_ca"
    assert row["tls_certificate"].endswith(f"made out to printer, not to {SERVER}")


def test_a_certificate_that_is_cut_is_not_read() -> None:
    record = wire.record(22, _message(made()))
    assert first_certificate(record) == made()
    assert [first_certificate(record[:size]) for size in range(len(record))] == [None] * len(record)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_certificate_raises_nothing_and_what_is_told_is_short_and_plain(
    changes: list[tuple[int, int]],
) -> None:
    data = bytearray(made(names=("a.example", "192.0.2.9")))
    for place, octet in changes:
        data[place % len(data)] = octet
    found = read_certificate(bytes(data))
    if found is not None:
        line = described(found, START, ["server.example", CLIENT])
        assert len(line) < 900
        assert line.isascii()
        assert line.isprintable()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_certificate_or_one(data: bytes) -> None:
    first_certificate(wire.record(22, data))
    first_certificate(wire.record(22, _message(data)))
    read_certificate(data)
    read_certificate(b"\x30\x82\xff\xff" + data)
    read_certificate(b"\x30\x80" * 5000 + data)


def _open(server: bytes, *, serial: int = 1) -> Talking:
    """A handshake that nobody ends."""
    talk = Talking(serial).orig(wire.record(22, wire.client_hello()))
    return talk.resp(wire.record(22, wire.server_hello()) + server).orig(wire.record(20, b"\x01"))


def test_the_servers_certificate_is_told_without_an_alert_and_noted_when_its_time_is_over() -> None:
    """What the flow table tells of a handshake that succeeds; the note goes beside the state of the port."""
    labels = labelled([_FLOW], [_open(wire.record(22, _message(made(names=("a.example", "192.0.2.9")))))])
    (words,) = handshake_words(labels).rows(named=True)
    assert words == {
        "serial": 1, "cipher": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "alpn": None, "next_protocol": None,
        "cert_subject": "printer", "cert_issuer": "Site CA", "cert_names": "a.example, 192.0.2.9",
        "cert_not_before": _2020, "cert_not_after": _2024,
    }  # fmt: skip
    assert first(labels)["answer_note"] == "the server's certificate expired 2024-01-02"
    assert first(labels)["tls_certificate"] is None


def test_a_clients_certificate_is_in_no_column() -> None:
    """Only the side that answers with a ServerHello is looked at: the client's certificate may name a person."""
    talk = _open(wire.record(22, _message(made("printer", until=_2030))))
    talk.orig(wire.record(22, _message(made("Jane Doe"))))
    labels = labelled([_FLOW], [talk])
    mirrored = Talking(2).orig(wire.record(22, _message(made("Jane Doe")))).resp(wire.record(22, wire.server_hello()))
    others = labelled([flow(2, **{"id.resp_p": 443}, orig=b"\x16\x03\x03", resp=b"\x16\x03\x03")], [mirrored])
    for told in (labels, others):
        everything = [*told.labels.rows(), *handshake_words(told).rows(), *told.certificates]
        assert "Jane" not in str(everything)
    assert first(labels)["answer_note"] is None


def test_few_certificates_of_many_conversations_are_kept_once() -> None:
    flows = [_FLOW | {"serial": serial, "ts": START + serial} for serial in range(1, 7)]
    talks = [_open(wire.record(22, _message(made("ab"[serial % 2]))), serial=serial) for serial in range(1, 7)]
    labels = labelled(flows, talks)
    assert len(labels.certificates) == 2
    assert handshake_words(labels)["cert_subject"].to_list() == ["b", "a"] * 3


def test_beyond_the_bound_certificates_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyser.services.certificates.MOST", 2)
    shown = Certificates()
    assert [shown.number(item) for item in (b"a", b"b", b"c", b"a", None)] == [0, 1, None, 0, None]


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (b"\x02h2\x08http/1.1", "h2, http/1.1"),
        (b"\x02\x1a\x1a\x02h2", "h2"),
        (b"\x05a\x1b[2J\x03b,c\x02\xff ", "a?[2J, b?c, ??"),
        (b"\x09h2", "h2"),
        (b"\x00\x00", None),
    ],
)
def test_names_of_protocols_are_plain_text_without_those_that_mean_nothing(listed: bytes, names: str | None) -> None:
    assert protocol_names(listed) == names


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_list_of_protocols_gives_short_plain_text(listed: bytes) -> None:
    names = protocol_names(listed) or ""
    assert names.isascii()
    assert names.isprintable()
    assert len(names) <= 3 * len(listed)


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [("160102030405Z", 0x17, "2016-01-02"), ("5001020304Z", 0x17, "1950-01-02"), ("99991231235959Z", 0x18, "9999-12-31"),
     ("20241332000000Z", 0x18, None), ("160102030405+0100", 0x17, None), ("20240102", 0x18, None), ("", 0x17, None)],
)  # fmt: skip
def test_dates_far_away_and_malformed_ones_do_no_harm(text: str, kind: int, told: str | None) -> None:
    date = bytes([kind, len(text)]) + text.encode()
    signed = wire.ber(
        0x30,
        wire.ber(0xA0, wire.integer(2)),
        wire.integer(1),
        wire.ber(0x30),
        wire.ber(0x30),
        wire.ber(0x30, date, date),
    )
    found = validity(wire.ber(0x30, signed))
    assert (found and found.days()[1]) == told


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, 59))
def test_any_bytes_have_a_validity_or_none(data: bytes, size: int) -> None:
    validity(data)
    validity(made()[:size] + data)


_DIRECTORY = flow(1, orig=wire.ldap_starttls(1), resp=wire.ldap_result(1, 0, 0x78), **{"id.resp_p": 389})


def _directory(code: int, oid: bytes = b"1.3.6.1.4.1.1466.20037") -> Talking:
    talk = Talking(1).orig(wire.ldap_starttls(1, b"1.3.6.1.4.1.4203.1.11.3")).resp(wire.ldap_result(1, 0, 0x78))
    talk.orig(wire.ldap_starttls(2, oid)[:9]).orig(wire.ldap_starttls(2, oid)[9:])
    talk.resp(wire.ldap_result(2, code, 0x78)).orig(wire.record(22, wire.client_hello()))
    return talk.resp(wire.record(22, wire.server_hello()) + wire.record(22, _message(made()))).orig(wire.alert(48))


def test_tls_that_ldap_changes_over_to_is_read_behind_the_agreement() -> None:
    row = first(labelled([_DIRECTORY], [_directory(0)], {("tcp", 389): "ldap"}))
    assert (row["service"], row["tls_version"], row["server_name"]) == ("ldap", "TLS 1.2", "server.example")
    assert row["tls_alert"] == "unknown_ca"
    assert row["tls_certificate"].startswith('certificate of "printer"')


@pytest.mark.parametrize("talk", [_directory(52), _directory(0, b"1.3.6.1.4.1.4203.1.11.3")])
def test_ldap_that_does_not_agree_on_tls_is_read_no_further(talk: Talking) -> None:
    row = first(labelled([_DIRECTORY], [talk], {("tcp", 389): "ldap"}))
    assert (row["tls_version"], row["tls_alert"]) == (None, None)
