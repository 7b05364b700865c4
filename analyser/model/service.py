"""The labels of flows and what a label rests on (contract, "Services")."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Basis(StrEnum):
    """What a label rests on, the strongest first."""

    PAYLOAD = "payload"
    NEGOTIATED = "negotiated"
    PORT = "port"


class Service(StrEnum):
    """The protocols that a flow can be labelled with."""

    HTTP = "http"
    TLS = "tls"
    HTTP2 = "http2"
    WEBSOCKET = "websocket"
    WEBDAV = "webdav"
    IPP = "ipp"
    LPR = "lpr"
    RAW_PRINT = "raw-print"
    SNMP = "snmp"
    MDNS = "mdns"
    ETCD = "etcd"
    RMI = "rmi"
    NETBIOS = "netbios"
    SMB = "smb"
    FTP = "ftp"
    FTP_DATA = "ftp-data"
    SMTP = "smtp"
    POP3 = "pop3"
    IMAP = "imap"
    LDAP = "ldap"
    TDS = "tds"
    SQL_BROWSER = "sql-browser"
    SSH = "ssh"
    TIME = "time"
    JGROUPS = "jgroups"
    ZMTP = "zmtp"
    YMQ = "ymq"
    SAFEQ_TERMINAL = "safeq-terminal"
    SAFEQ_CLIENT = "safeq-client"
    DNS = "dns"
    NTP = "ntp"
    DHCP = "dhcp"
    KERBEROS = "kerberos"
    SSDP = "ssdp"
    WS_DISCOVERY = "ws-discovery"
    SLP = "slp"
    SYSLOG = "syslog"
    QUIC = "quic"
    DTLS = "dtls"
    OPAQUE = "opaque"


INSIDE_TLS: Final[dict[str, Service]] = {
    "https": Service.HTTP,
    "ipps": Service.IPP,
    "ldaps": Service.LDAP,
    "pop3s": Service.POP3,
    "imaps": Service.IMAP,
}
"""Words of rules that mean "that protocol inside ``tls``"; a ``tls`` label satisfies them."""

UNPUBLISHED: Final[frozenset[str]] = frozenset({"ymq", "safeq-terminal", "safeq-client", "proprietary"})
"""Services of rules without public framing: given by port and role, any payload is compatible with them."""
