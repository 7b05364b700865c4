"""What a dissector says about frames, without what people said in them.

Reads PDML, Wireshark's XML of a decoded packet. Headers up to the transport are shown whole; of an application only fields
that are known to hold codes, lengths and kinds. All else (payload, names, passwords, communities, documents) is
named and left out. Knows names of fields; must not know how a dissector is run.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LAYERS: Final = _words("""
    eth ethertype vlan llc snap sll null raw ip ipv6 tcp udp icmp icmpv6 igmp arp gre erspan vxlan geneve mpls
    pppoes ppp etherip ipx stp lldp ntp
""")  # fmt: skip
"""Protocols shown whole: they carry others and hold nothing that a person wrote."""

PAYLOAD: Final = _words("""
    tcp.payload tcp.segment_data tcp.reassembled.data udp.payload icmp.data icmpv6.data igmp.data ip.opt.padding
""")  # fmt: skip
"""Fields of those that hold what they carry."""

TOLD: Final = _words("""
    http.request.method http.request.version http.response.version http.response.code http.response.code.desc
    http.content_type http.content_length_header http.content_length http.transfer_encoding http.connection
    http.upgrade http2.type http2.length http2.flags http2.streamid websocket.opcode websocket.fin
    websocket.mask websocket.payload_length ipp.version ipp.operation_id ipp.status_code ipp.request_id
    tls.record.content_type tls.record.version tls.record.length tls.record.opaque_type tls.handshake.type
    tls.handshake.length tls.handshake.version tls.handshake.ciphersuite tls.handshake.extension.type
    tls.handshake.extensions_server_name tls.handshake.extensions_alpn_str
    tls.handshake.extensions.supported_version tls.alert_message.level tls.alert_message.desc snmp.version
    snmp.msgVersion snmp.data snmp.request_id snmp.error_status snmp.error_index snmp.msgID snmp.msgMaxSize
    snmp.msgSecurityModel snmp.v3.flags.auth snmp.v3.flags.crypt snmp.v3.flags.report snmp.name
    snmp.variable_bindings ftp.response.code ftp.request.command ftp.passive.ip ftp.passive.port ftp.active.ip
    ftp.active.port ftp.active.cip ftp.active.cport ftp.eprt.af ftp.eprt.ip ftp.eprt.port ftp.epsv.port
    smtp.response.code smtp.req.command pop.request.command pop.response.indicator imap.request.command
    imap.response.status ldap.messageID ldap.protocolOp ldap.resultCode ldap.version ldap.authentication
    ldap.requestName nbss.type nbss.length smb.cmd smb.nt_status smb.flags.response smb2.cmd smb2.nt_status
    smb2.msg_id smb2.dialect smb2.flags.response smb2.credit.charge tds.type tds.status tds.length tds.channel
    tds.packet_number tds.prelogin.option.encryption dns.id dns.flags.response dns.flags.opcode dns.flags.rcode
    dns.count.queries dns.count.answers dns.qry.type dns.resp.type dns.resp.ttl dns.a
    dns.aaaa kerberos.msg_type kerberos.error_code ssh.protocol lpd.request.command dhcp.type dhcp.option.dhcp
""")  # fmt: skip
"""Fields of applications that are told."""

MOST_LINES: Final = 2000
"""Lines of one frame; hostile packets have more."""

_MOST_LETTERS: Final = 300
_HIDDEN: Final = frozenset({"geninfo", "frame"})


class NotDecodedError(Exception):
    """What the dissector gave is no PDML; the message says where."""


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame in lines of (depth, words), and how many fields were left out."""

    lines: tuple[tuple[int, str], ...]
    left_out: int


def decoded(pdml: bytes) -> Iterator[DecodedFrame]:
    """Give the frames of a PDML document, in their order.

    Raises NotDecodedError where the document breaks off; frames before that were given.
    """
    try:
        for _, element in ET.iterparse(io.BytesIO(pdml), events=("end",)):  # noqa: S314 - tshark wrote it; it declares nothing
            if element.tag == "packet":
                yield _frame(element)
                element.clear()
    except ET.ParseError as problem:
        raise NotDecodedError(f"the dissector's answer breaks off: {problem}") from None


def _frame(packet: ET.Element) -> DecodedFrame:
    lines: list[tuple[int, str]] = []
    left_out = 0
    for proto in packet:
        if proto.get("name") not in _HIDDEN:
            left_out += _proto(proto, 0, lines)
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], (0, f"… and {len(lines) - MOST_LINES:,} more lines")]
    return DecodedFrame(tuple(lines), left_out)


def _proto(proto: ET.Element, depth: int, lines: list[tuple[int, str]]) -> int:
    name = proto.get("name") or "?"
    whole = name in LAYERS
    lines.append((depth, _cut((proto.get("showname") or name) if whole else name)))
    left_out = sum(_field(child, depth + 1, whole, lines) for child in proto)
    if left_out and not whole:
        lines.append((depth + 1, f"({left_out} fields left out)" if left_out > 1 else "(1 field left out)"))
    return left_out


def _field(field: ET.Element, depth: int, whole: bool, lines: list[tuple[int, str]]) -> int:
    """Add a field and what is in it; return how many were left out."""
    if field.tag == "proto":
        return _proto(field, depth, lines)
    name = field.get("name") or ""
    if field.get("hide") == "yes" or name.startswith("_ws."):
        return 0
    if name in PAYLOAD or (whole and not _belongs(name)):
        lines.append((depth, f"{name} (left out)"))
        return 1
    shown = whole or (name in TOLD and _is_harmless(name, field.get("show") or ""))
    if shown:
        lines.append((depth, _cut(field.get("showname") or field.get("show") or name)))
    inside = sum(_field(child, depth + int(shown), whole, lines) for child in field)
    return inside if shown or not name else inside + 1


def _is_harmless(name: str, value: str) -> bool:
    """Say whether a field is what its name says: a line that answers a login is no command, whatever a dissector calls it."""
    return not name.endswith(".command") or re.fullmatch("[A-Za-z]{3,8}", value) is not None


def _belongs(name: str) -> bool:
    """Say whether a field in a layer that is shown whole is its own, or a mere heading."""
    return not name or name.split(".")[0] in LAYERS or name.startswith(("lldp", "chassis"))


def _cut(words: str) -> str:
    return words if len(words) <= _MOST_LETTERS else f"{words[:_MOST_LETTERS]}…"
