"""Community IDs: the same names as other tools give, one by one and in bulk."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analyser.community import by_package, community_id

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
PORTS = st.integers(0, 65535)
PROTOCOLS = st.sampled_from(["tcp", "udp", "icmp", "icmp6", "sctp", "igmp", "ip-99"])


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (("tcp", "128.232.110.120", 34855, "66.35.250.204", 80), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("tcp", "66.35.250.204", 80, "128.232.110.120", 34855), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("udp", "192.168.1.52", 54585, "8.8.8.8", 53), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (("icmp", "192.168.0.89", 8, "192.168.0.1", 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        (("ip-99", "192.0.2.1", 0, "192.0.2.2", 0), None),
        (("tcp", "no address", 1, "192.0.2.2", 2), None),
    ],
)
def test_names_agree_with_the_baseline_of_the_specification(
    flow: tuple[str, str, int, str, int], expected: str | None
) -> None:
    """The values that the specification's own baseline gives come out, in both directions, and None where there is none."""
    assert community_id(*flow) == expected
    assert by_package(*flow) == expected


@given(PROTOCOLS, ADDRESSES, PORTS, ADDRESSES, PORTS)
def test_our_hash_is_that_of_the_package(proto: str, orig_h: str, orig_p: int, resp_h: str, resp_p: int) -> None:
    """The fast way and the package never disagree, whatever the ends are."""
    assume(ipaddress.ip_address(orig_h).version == ipaddress.ip_address(resp_h).version)
    assert community_id(proto, orig_h, orig_p, resp_h, resp_p) == by_package(proto, orig_h, orig_p, resp_h, resp_p)
