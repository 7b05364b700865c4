"""Community ID: the hash by which Zeek, Suricata, Wireshark and others name one and the same flow.

The only module that knows the package ``communityid``. It takes the names of the flow table (column ``proto``,
addresses as text) and knows neither tables nor packets. Specification: Community ID flow hashing, version 1
(seed 0, Base64).
"""

from __future__ import annotations

from functools import cache

from communityid import CommunityID, FlowTuple, error

_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}
"""The protocols of the flow table that have ports, or ICMP's type and code in their place."""


@cache
def _hasher() -> CommunityID:
    return CommunityID(seed=0, use_base64=True)


def community_id(proto: str, orig_h: str, orig_p: int, resp_h: str, resp_p: int) -> str | None:
    """Return the Community ID of one flow, ``1:…``, or None where it has none.

    ``proto`` is a word of the flow table; ports are numbers, for ICMP its type and code. None is returned for
    other protocols and for values that are no addresses: a missing name is no reason to lose a flow.
    """
    number = _NUMBERS.get(proto)
    if number is None:
        return None
    try:
        ends = FlowTuple(number, orig_h, resp_h, orig_p, resp_p)
    except error.FlowTupleError:
        return None
    return str(_hasher().calc(ends))
