"""Which packets the flow engine must copy for this stage.

Knows port numbers of protocols whose first bytes do not tell enough; must not know how packets are copied.
"""

from __future__ import annotations

from typing import Final

STREAM: Final = "stream"
"""The head of both sides of a TCP flow, in pieces as they came."""

CONTROL: Final = "control"
"""A dialogue of lines, far into it."""

DATAGRAM: Final = "datagram"
"""Every datagram, cut at the engine's limit (512 bytes)."""

CONTROL_PORTS: Final[tuple[int, ...]] = (
    21,  # FTP control: announced data ports, logins
    25,  # SMTP: what the server answers
    110,  # POP3
    143,  # IMAP
    389,  # LDAP binds; 390 is the vendor's second choice, 3268 the global catalogue
    390,
    3268,
    587,  # SMTP submission
    4096,  # hardware terminals: what they send in clear text
)

STREAM_PORTS: Final[tuple[int, ...]] = (
    139,  # SMB: what the server says to a log-in
    445,
    515,  # LPR acknowledgements
    631,  # IPP status stands behind the HTTP header
    1099,  # RMI registries: what they answer to a lookup says where the object lives
    9696,
    9898,
    9999,
    19044,
    19898,
    9100,  # raw printing: the language is entered behind the job's header
    50001,  # web services of devices: what is called stands behind long headers
)

DATAGRAM_PORTS: Final[tuple[int, ...]] = (
    37,  # RFC 868 time
    53,  # DNS
    123,  # NTP
    137,  # NetBIOS names
    161,  # SNMP
    389,  # CLDAP
    1434,  # SQL Server Browser
    5353,  # multicast DNS, also asked and answered by unicast
)


def watch_ports() -> dict[tuple[str, int], str]:
    """Return (transport, responder port) → class of watching.

    TLS handshakes, log-ins to databases and the status lines of HTTP answers are watched on every port by the engine itself.
    """
    return (
        {("tcp", port): CONTROL for port in CONTROL_PORTS}
        | {("tcp", port): STREAM for port in STREAM_PORTS}
        | {("udp", port): DATAGRAM for port in DATAGRAM_PORTS}
    )
