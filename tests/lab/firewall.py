"""nftables rules of the lab, made from its cases: what a router or a host does to packets between two addresses.

Knows nft's language; must not know what a capture will say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_DATA: Final = "tcp flags & (syn | fin | rst) == 0"
CHAINS: Final = {
    "dropped": "drop",
    "icmp-0": "reject with icmp type net-unreachable",
    "icmp-1": "reject with icmp type host-unreachable",
    "icmp-3": "reject with icmp type port-unreachable",
    "icmp-9": "reject with icmp type net-prohibited",
    "icmp-10": "reject with icmp type host-prohibited",
    "icmp-13": "reject with icmp type admin-prohibited",
    "icmp6-no-route": "reject with icmpv6 type no-route",
    "icmp6-admin-prohibited": "reject with icmpv6 type admin-prohibited",
    "icmp6-addr-unreachable": "reject with icmpv6 type addr-unreachable",
    "icmp6-port-unreachable": "reject with icmpv6 type port-unreachable",
    "icmp6-policy-fail": "reject with icmpv6 type policy-fail",
    "icmp6-reject-route": "reject with icmpv6 type reject-route",
    "reset": "meta l4proto tcp reject with tcp reset",
    # A segment with payload is longer than one without: 20 bytes of IP, 32 of TCP with time stamps.
    "payload-dropped": f"{_DATA} ip length > 52 drop",
    "large-dropped": f"{_DATA} ip length > 1000 drop",
    "reset-after-payload": f"{_DATA} ip length > 52 reject with tcp reset",
    "streams-dropped": "meta l4proto tcp drop",
    "data-dropped": "tcp sport 21 accept; tcp dport 21 accept; drop",
}
"""What becomes of a packet, by the name of a chain."""


def ruleset(hook: str, ways: Iterable[tuple[str, str, str]], lost: Iterable[tuple[str, str]] = ()) -> str:
    """Return rules for a hook: ``ways`` are (sender, receiver, chain), ``lost`` whose answers (sender, receiver) are dropped.

    Only TCP and UDP are touched: echo requests and errors pass.
    """
    lines = ["table inet lab {"]
    lines += [f"  chain to-{name} {{ {rule}; }}" for name, rule in CHAINS.items()]
    several = list(ways)
    gone = list(lost)
    families = {"ip": ("ipv4_addr", "."), "ip6": ("ipv6_addr", ":")}
    for family, (kind, mark) in families.items():
        mine = [f"{a} . {b} : jump to-{chain}" for a, b, chain in several if mark in a]
        lines += [f"  map ways_{family} {{ type {kind} . {kind} : verdict; {_elements(mine)} }}"]
        mine = [f"{b} . {a}" for a, b in gone if mark in a]
        lines += [f"  set lost_{family} {{ type {kind} . {kind}; {_elements(mine)} }}"]
    lines += [
        f"  chain {hook} {{",
        f"    type filter hook {hook} priority 0; policy accept;",
        "    meta l4proto != { tcp, udp } accept",
    ]
    for family in families:
        lines += [
            f"    {family} saddr . {family} daddr vmap @ways_{family}",
            f"    {family} saddr . {family} daddr @lost_{family} drop",
        ]
    return "\n".join([*lines, "  }", "}", ""])


def opened(sender: str, receiver: str) -> str:
    """Return the command that lets a way be free again."""
    family = "ip6" if ":" in sender else "ip"
    return f"delete element inet lab ways_{family} {{ {sender} . {receiver} }}"


def _elements(items: list[str]) -> str:
    return f"elements = {{ {', '.join(items)} }};" if items else ""
