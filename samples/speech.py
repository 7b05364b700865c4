"""What applications say: the bytes of their first messages, made by small functions.

Knows the opening of each protocol as its specification has it, and who speaks first; it knows neither hosts nor
packets. Nothing in it is a recording: names, keys, serial numbers and certificates are invented and constant.
"""

from __future__ import annotations

import struct
from typing import Final

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.snmp import SNMP, SNMPget, SNMPresponse, SNMPvarbind

# --------------------------------------------------------------------------------------------------
# HTTP and what rides on it (RFC 9112, RFC 8010, RFC 4918)


def http_request(method: str, path: str, host: str, *, kind: str = "", body: bytes = b"") -> bytes:
    """Return an HTTP/1.1 request; ``kind`` is its content type."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: sample/1.0"]
    if kind:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def http_reply(status: int = 200, reason: str = "OK", body: bytes = b"<html></html>", kind: str = "text/html") -> bytes:
    """Return an HTTP/1.1 answer."""
    head = (
        f"HTTP/1.1 {status} {reason}\r\nServer: sample\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ipp_request(host: str) -> bytes:
    """Return Get-Printer-Attributes inside HTTP (RFC 8010 section 3)."""
    body = bytes.fromhex("0101000b0000000101") + b"\x47\x00\x12attributes-charset\x00\x05utf-8\x03"
    return http_request("POST", "/ipp/print", host, kind="application/ipp", body=body)


def ipp_reply() -> bytes:
    """Return successful-ok inside HTTP."""
    return http_reply(body=bytes.fromhex("010100000000000103"), kind="application/ipp")


# --------------------------------------------------------------------------------------------------
# TLS (RFC 5246, RFC 8446)

_SUITES: Final = bytes.fromhex("c02fc030009c009d")
_HANDSHAKE, _ALERT, _CHANGE, _DATA = 22, 21, 20, 23

ALERTS: Final[dict[str, int]] = {"handshake_failure": 40, "certificate_expired": 45, "unknown_ca": 48}
"""Alert descriptions that the samples use (RFC 8446 section 6)."""


def tls_record(kind: int, body: bytes) -> bytes:
    """Return one TLS record."""
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def tls_client_hello(name: str = "") -> bytes:
    """Return a ClientHello that offers TLS 1.2, with a server name where one is given."""
    extensions = _extension(10, b"\x00\x02\x00\x17") + _extension(13, b"\x00\x02\x04\x01")
    if name:
        entry = b"\0" + struct.pack(">H", len(name)) + name.encode()
        extensions = _extension(0, struct.pack(">H", len(entry)) + entry) + extensions
    body = b"\x03\x03" + b"\x5a" * 32 + b"\0" + struct.pack(">H", len(_SUITES)) + _SUITES + b"\x01\0"
    body += struct.pack(">H", len(extensions)) + extensions
    return tls_record(_HANDSHAKE, _message(1, body))


def tls_server_hello(subject: str = "sample device") -> bytes:
    """Return ServerHello, a self-signed certificate for ``subject``, and ServerHelloDone, for TLS 1.2."""
    hello = b"\x03\x03" + b"\xa5" * 32 + b"\0" + _SUITES[4:6] + b"\0"
    flight = _message(2, hello) + _certificates(subject) + _message(14, b"")
    return tls_record(_HANDSHAKE, flight)


def tls_client_finish(subject: str | None = None) -> bytes:
    """Return the client's certificate if it has one, its key exchange, change of cipher and (encrypted) Finished."""
    shown = b"" if subject is None else tls_record(_HANDSHAKE, _certificates(subject))
    exchange = tls_record(_HANDSHAKE, _message(16, struct.pack(">H", 256) + b"\x3c" * 256))
    return shown + exchange + tls_server_finish()


def tls_server_finish() -> bytes:
    """Return a change of cipher and an encrypted Finished."""
    return tls_record(_CHANGE, b"\x01") + tls_record(_HANDSHAKE, b"\xc3" * 40)


def tls_data(length: int = 320) -> bytes:
    """Return one record of encrypted application data."""
    return tls_record(_DATA, b"\x99" * length)


def tls_alert(name: str) -> bytes:
    """Return a fatal alert in the clear."""
    return tls_record(_ALERT, bytes([2, ALERTS[name]]))


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body)) + body


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _certificates(subject: str) -> bytes:
    """Return a message with one certificate (RFC 5246 section 7.4.2)."""
    certificate = _certificate(subject)
    chain = len(certificate).to_bytes(3, "big") + certificate
    return _message(11, len(chain).to_bytes(3, "big") + chain)


def _der(tag: int, *parts: bytes) -> bytes:
    """Return one DER value (X.690)."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def _certificate(subject: str) -> bytes:
    """Return an X.509 certificate of the right shape (RFC 5280) whose key and signature are filler."""
    name = _der(0x30, _der(0x31, _der(0x30, bytes.fromhex("0603550403"), _der(0x0C, subject.encode()))))
    algorithm = _der(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    validity = _der(0x30, _der(0x17, b"230201000000Z"), _der(0x17, b"280201000000Z"))
    numbers = _der(0x30, _der(0x02, b"\x00\xc1" + b"\x47" * 255), bytes.fromhex("0203010001"))
    key = _der(0x30, _der(0x30, bytes.fromhex("06092a864886f70d0101010500")), _der(0x03, b"\0", numbers))
    version, serial = bytes.fromhex("a003020102"), _der(0x02, b"\x2a\x17")
    body = _der(0x30, version, serial, algorithm, name, validity, name, key)
    return _der(0x30, body, algorithm, _der(0x03, b"\0" + b"\x5e" * 256))


# --------------------------------------------------------------------------------------------------
# Datagram services (RFC 3416, RFC 868, RFC 1035, RFC 6762)

SYS_DESCR: Final = "1.3.6.1.2.1.1.1.0"


def snmp_get(number: int, community: str = "sample") -> bytes:
    """Return an SNMPv2c request for sysDescr with request id ``number``."""
    return bytes(SNMP(version=1, community=community, PDU=SNMPget(id=number, varbindlist=[SNMPvarbind(oid=SYS_DESCR)])))


def snmp_response(number: int, community: str = "sample") -> bytes:
    """Return the answer to :func:`snmp_get`."""
    binding = SNMPvarbind(oid=SYS_DESCR, value="sample device")
    return bytes(SNMP(version=1, community=community, PDU=SNMPresponse(id=number, varbindlist=[binding])))


def dns_query(name: str, number: int = 7) -> bytes:
    """Return a DNS question for an address."""
    return bytes(DNS(id=number, rd=1, qd=DNSQR(qname=name)))


def dns_answer(name: str, address: str, number: int = 7) -> bytes:
    """Return the answer to :func:`dns_query`."""
    return bytes(DNS(id=number, qr=1, rd=1, ra=1, qd=DNSQR(qname=name), an=DNSRR(rrname=name, rdata=address)))


def mdns_announcement() -> bytes:
    """Return an unasked DNS-SD answer that offers an IPP printer (RFC 6763)."""
    record = DNSRR(rrname="_ipp._tcp.local", type="PTR", ttl=4500, rdata="sample._ipp._tcp.local")
    return bytes(DNS(id=0, qr=1, aa=1, qd=[], an=[record]))


def ntp_request() -> bytes:
    """Return an NTPv4 client request (RFC 5905)."""
    return b"\x23" + bytes(47)


def sql_browser_request(instance: str) -> bytes:
    """Return the request for one instance's port (MS-SQLR, CLNT_UCAST_INST)."""
    return b"\x04" + instance.encode() + b"\0"


def sql_browser_answer(instance: str, port: int) -> bytes:
    """Return the answer that announces the instance's TCP port (MS-SQLR, SVR_RESP)."""
    text = f"ServerName;DB;InstanceName;{instance};IsClustered;No;Version;16.0.1000.6;tcp;{port};;".encode()
    return b"\x05" + struct.pack("<H", len(text)) + text


# --------------------------------------------------------------------------------------------------
# The rest of a print site


def print_job(pages: int = 1) -> bytes:
    """Return a PJL job (the universal exit language, then PCL)."""
    return b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PCL\r\n\x1bE" + b"sample page\r\n" * 40 * pages


def lpr_receive_job(queue: str = "secure") -> bytes:
    """Return LPD's command 02, receive a printer job (RFC 1179 section 5.2)."""
    return b"\x02" + queue.encode() + b"\n"


def ssh_banner(software: str) -> bytes:
    """Return an SSH identification string (RFC 4253 section 4.2)."""
    return f"SSH-2.0-{software}\r\n".encode()


def opaque(length: int = 96) -> bytes:
    """Return bytes without any public framing, as an unpublished protocol speaks."""
    return b"\x00\x00" + struct.pack(">H", length) + bytes((index * 37 + 11) % 256 for index in range(length))


def ldap_bind(number: int = 1) -> bytes:
    """Return an anonymous simple bind (RFC 4511 section 4.2)."""
    return _der(0x30, _der(0x02, bytes([number])), _der(0x60, b"\x02\x01\x03", b"\x04\x00", b"\x80\x00"))


def ldap_bind_done(number: int = 1) -> bytes:
    """Return a successful bind response."""
    return _der(0x30, _der(0x02, bytes([number])), _der(0x61, b"\x0a\x01\x00", b"\x04\x00", b"\x04\x00"))


def tds_prelogin() -> bytes:
    """Return a PRELOGIN packet with VERSION and ENCRYPTION (MS-TDS section 2.2.6.5)."""
    options = bytes.fromhex("00000b00060100110001ff") + bytes.fromhex("100000000000") + b"\x00"
    return struct.pack(">BBHHBB", 0x12, 1, 8 + len(options), 0, 1, 0) + options


def tds_answer() -> bytes:
    """Return the server's answer to PRELOGIN (a tabular result packet)."""
    options = bytes.fromhex("00000b00060100110001ff") + bytes.fromhex("100000000000") + b"\x00"
    return struct.pack(">BBHHBB", 0x04, 1, 8 + len(options), 0, 1, 0) + options


def etcd_request(path: str = "/v2/members", host: str = "etcd") -> bytes:
    """Return a request of etcd's HTTP interface."""
    return http_request("GET", path, host)


def etcd_reply() -> bytes:
    """Return an answer as etcd marks it."""
    return b"HTTP/1.1 200 OK\r\nX-Etcd-Cluster-Id: 1f2e3d4c\r\nX-Etcd-Index: 12\r\nContent-Length: 2\r\n\r\n{}"


def rmi_greeting() -> bytes:
    """Return JRMI version 2, stream protocol."""
    return bytes.fromhex("4a524d4900024b")


def rmi_acknowledge(host: str, port: int) -> bytes:
    """Return the endpoint that an RMI server acknowledges with."""
    return b"N" + struct.pack(">H", len(host)) + host.encode() + struct.pack(">I", port)


def rmi_lookup() -> bytes:
    """Return a call of a registry's lookup: the header of the call, and the name as serialised text."""
    name = b"jmxrmi"
    call = bytes.fromhex("50aced00057722") + bytes(22) + struct.pack(">iq", 2, 0x44154DC9D4E63BDF)
    return call + b"t" + struct.pack(">H", len(name)) + name


def rmi_stub(host: str, port: int) -> bytes:
    """Return a registry's answer: a proxy whose reference says where the object is called."""
    reference = (
        struct.pack(">H", 10) + b"UnicastRef" + struct.pack(">H", len(host)) + host.encode() + struct.pack(">I", port)
    )
    block = reference + bytes(22) + b"\x01"
    head = bytes.fromhex("51aced0005770f01") + bytes(14) + bytes.fromhex("737d00000001")
    return head + struct.pack(">H", 15) + b"example.Service" + b"w" + bytes([len(block)]) + block + b"x"


def smb_negotiate() -> bytes:
    """Return an SMB2 NEGOTIATE request (MS-SMB2 section 2.2.3)."""
    return _smb2(0, bytes.fromhex("240002000100000000000000") + b"\x11" * 16 + bytes(8) + bytes.fromhex("02021003"))


def smb_negotiated() -> bytes:
    """Return an SMB2 NEGOTIATE response."""
    return _smb2(1, bytes.fromhex("410001001003") + bytes(58))


def _smb2(flags: int, body: bytes) -> bytes:
    header = b"\xfeSMB" + struct.pack("<HHIHHII", 64, 1, 0, 0, 1, flags, 0) + bytes(40)
    message = header + body
    return struct.pack(">I", len(message)) + message


def jgroups_connect(address: bytes) -> bytes:
    """Return the first bytes of a JGroups TCP connector: cookie, version 3.6.16, its own address."""
    return b"bela" + bytes.fromhex("1990") + struct.pack(">H", 6) + b"\x04" + address + struct.pack(">H", 7800)


def jgroups_datagram(number: int) -> bytes:
    """Return a JGroups datagram: version 3.6.16, the flag of a multicast message, then its content."""
    return bytes.fromhex("199002") + opaque(40) + struct.pack(">I", number)
