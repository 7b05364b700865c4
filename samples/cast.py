"""Who plays in more than one story: a print server, the printers of a floor, and people's workstations.

Addresses are those of documentation (RFC 5737, RFC 3849). Sites name them the same way.
"""

from __future__ import annotations

from typing import Final

from samples.story import Host

SERVER: Final = Host(name="print-server", address="192.0.2.10", ttl=128)
SECOND: Final = Host(name="print-server-2", address="192.0.2.11", ttl=128)


def printer(number: int = 1) -> Host:
    """Return printer ``mfd-N``, behind the router at 198.51.100.20 + N."""
    return Host(name=f"mfd-{number}", address=f"198.51.100.{20 + number}", segment="printers", ttl=64, delay=0.0014)


def workstation(number: int = 1) -> Host:
    """Return the workstation at 203.0.113.100 + N, behind the router."""
    return Host(
        name=f"workstation-{number}", address=f"203.0.113.{100 + number}", segment="office", ttl=128, delay=0.0008
    )
