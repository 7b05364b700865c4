"""What most captures never have: packets that carry another one, and link types seldom seen. Compiled once one of them comes.

Knows who looks into what; what tunnels and rarer links look like is known in ``tunnels`` and ``links``.
"""

from __future__ import annotations

from typing import Any, Final

from analyser.flows.kernel.links import enter
from analyser.flows.kernel.tunnels import NOTHING, is_tunnel_port, open_ip, open_link, open_ppp, open_udp

BY_LINK: Final = 1  # a frame of a rarer link type
BY_ETHERTYPE: Final = 2
BY_PPP: Final = 3
BY_PROTOCOL: Final = 4  # of IP
BY_PORTS: Final = 5  # of a datagram: target << 16 | source


def opened(buf: Any, p: Any, e: Any, way: Any, what: Any, packets: Any) -> Any:
    """Open ``buf[p:e]`` by a number ``what`` of the kind ``way``.

    Returns what stands inside as ``tunnels`` tells it, and 0; where, and the tunnel's name, are then in the only record of
    ``packets``.
    """
    k = packets[0]
    if way == BY_LINK:
        return enter(buf, p, e, what, k), 0
    if way == BY_ETHERTYPE:
        return open_link(buf, p, e, what, k), 0
    if way == BY_PPP:
        return open_ppp(buf, p, e, k), 0
    if way == BY_PROTOCOL:
        return open_ip(buf, p, e, what, k), 0
    inside = NOTHING
    for port in (what >> 16, what & 0xFFFF):
        if inside < 0 and is_tunnel_port(port):
            inside = open_udp(buf, p, e, port, k)
    return inside, 0
