"""What an address is by its shape alone: its version and value, loopback, multicast.

Knows texts as the flow table writes them; knows no site. IPv4: RFC 1122 (127/8), RFC 5771; IPv6: RFC 4291.
"""

from __future__ import annotations

import ipaddress
from socket import AF_INET, AF_INET6, inet_pton


def canonical(text: str) -> str:
    """Return an address as the flow table writes it; other words as they are."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def number_of(address: str) -> tuple[int, int]:
    """Return version (4 or 6) and value of an address; ``(0, 0)`` where the text is none."""
    try:
        if ":" in address:
            return 6, int.from_bytes(inet_pton(AF_INET6, address.partition("%")[0]), "big")
        return 4, int.from_bytes(inet_pton(AF_INET, address), "big")
    except (OSError, ValueError):
        return 0, 0


def is_loopback(version: int, value: int) -> bool:
    """Tell whether packets to this address never leave their machine."""
    return value >> 24 == 127 if version == 4 else value == 1


def is_multicast(version: int, value: int) -> bool:
    """Tell whether this address names a group of machines."""
    return value >> 28 == 0xE if version == 4 else value >> 120 == 0xFF


def family_of(address: str) -> str:
    """Return "6" for the text of an IPv6 address, else "4"."""
    return "6" if ":" in address else "4"
