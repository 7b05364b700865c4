"""What a flow is called: transports, Zeek's connection states, the letters of its history.

Knows names only; how a state is reached is read from the record in ``flows.states``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Transport(StrEnum):
    """The transports that a rule can name."""

    TCP = "tcp"
    UDP = "udp"
    ANY = "any"


class ConnState(StrEnum):
    """Zeek's thirteen connection states (conn.log, field ``conn_state``)."""

    S0 = "S0"
    S1 = "S1"
    SF = "SF"
    REJ = "REJ"
    S2 = "S2"
    S3 = "S3"
    RSTO = "RSTO"
    RSTR = "RSTR"
    RSTOS0 = "RSTOS0"
    RSTRH = "RSTRH"
    SH = "SH"
    SHR = "SHR"
    OTH = "OTH"


PROTOCOL_NAMES: Final[dict[int, str]] = {
    1: "icmp",
    2: "igmp",
    6: "tcp",
    17: "udp",
    58: "icmp6",
    89: "ospf",
    103: "pim",
    112: "vrrp",
    132: "sctp",
}
"""IANA protocol numbers that a flow table may show, by the names used in column ``proto``."""


def protocol_name(number: int) -> str:
    """Return the name used in column ``proto`` for an IP protocol number (``ip-NN`` where it has none)."""
    return PROTOCOL_NAMES.get(number, f"ip-{number}")
