"""Community ID: the hash by which Zeek, Suricata, Wireshark and others name one and the same flow.

The only module that knows the package ``communityid``. It takes the names of the flow table (column ``proto``,
addresses as text) and knows neither tables nor packets. Specification: Community ID flow hashing, version 1
(seed 0, Base64).
"""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from functools import cache, lru_cache

from communityid import CommunityID, FlowTuple, error, icmp, icmp6

from analyser.model.flow import PROTOCOL_NAMES

_NUMBERS = {name: number for number, name in PROTOCOL_NAMES.items()}
_WITH_PORTS = frozenset({"icmp", "tcp", "udp", "icmp6", "sctp"})
_ICMP = {"icmp": icmp.get_port_equivalents, "icmp6": icmp6.get_port_equivalents}


@cache
def _hasher() -> CommunityID:
    return CommunityID(seed=0, use_base64=True)


def community_id(proto: str, orig_h: str, orig_p: int, resp_h: str, resp_p: int) -> str | None:
    """Return the Community ID of one flow, ``1:…``, or None where it has none; the ports of ICMP are type and code.

    None is returned for unnamed protocols and for values that are no addresses: a missing name is no reason to
    lose a flow. The hash of TCP, UDP and ICMP is made here from addresses packed once, ten times as fast as by the
    package (section "Pseudo code" of the specification); a test holds the two together.
    """
    orig, resp = _packed(orig_h), _packed(resp_h)
    if proto not in _WITH_PORTS or orig is None or resp is None:
        return by_package(proto, orig_h, orig_p, resp_h, resp_p)
    one_way = False
    if proto in _ICMP:
        orig_p, resp_p, one_way = _ICMP[proto](orig_p, resp_p)
    if not one_way and (orig, orig_p) > (resp, resp_p):
        orig, orig_p, resp, resp_p = resp, resp_p, orig, orig_p
    words = b"\0\0" + orig + resp + struct.pack("!BBHH", _NUMBERS[proto], 0, orig_p, resp_p)
    return "1:" + base64.b64encode(hashlib.sha1(words, usedforsecurity=False).digest()).decode()


def by_package(proto: str, orig_h: str, orig_p: int, resp_h: str, resp_p: int) -> str | None:
    """Return what the package says, which is what :func:`community_id` says, more slowly."""
    number = _NUMBERS.get(proto)
    if number is None:
        return None
    ports = (orig_p, resp_p) if proto in _WITH_PORTS else ()
    try:
        ends = FlowTuple(number, orig_h, resp_h, *ports)
    except error.FlowTupleError:
        return None
    return str(_hasher().calc(ends))


@lru_cache(maxsize=1 << 16)
def _packed(address: str) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        return None
