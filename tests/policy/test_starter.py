"""The starter site: roles guessed from traffic, as a file that can be used at once."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.model.site import Site
from analyser.policy.sites import read_site
from analyser.policy.starter import starter_site

SERVER, DEVICE, OTHER = "192.0.2.10", "198.51.100.21", "192.0.2.53"

Conversation = tuple[str, str, str, int, int]


def frame(*conversations: Conversation) -> pl.DataFrame:
    """Return flows (initiator, responder, transport, port, packets of the responder)."""
    return pl.DataFrame(
        [(orig, resp, proto, port, None, 3, answers) for orig, resp, proto, port, answers in conversations],
        schema={
            "id.orig_h": pl.String,
            "id.resp_h": pl.String,
            "proto": pl.String,
            "id.resp_p": pl.UInt16,
            "service": pl.String,
            "orig_pkts": pl.UInt64,
            "resp_pkts": pl.UInt64,
        },
        orient="row",
    )


def starter(*conversations: Conversation) -> Site:
    """Return the site that the starter file of these flows makes."""
    return read_site(starter_site([frame(*conversations)]).encode(), "starter.toml")


def test_a_ricoh_installation_is_recognised() -> None:
    """Ports of one vendor tell the device, even where they were never answered; the server follows from 5022."""
    site = starter(
        (SERVER, DEVICE, "tcp", 80, 4),
        (SERVER, DEVICE, "tcp", 51443, 0),
        (DEVICE, SERVER, "tcp", 5022, 9),
        (SERVER, OTHER, "udp", 53, 1),
    )
    roles = {host.addresses[0]: host.roles for host in site.hosts}
    assert roles == {SERVER: ("terminal-server",), DEVICE: ("mfd",)}
    (device,) = [host for host in site.hosts if "mfd" in host.roles]
    assert (device.vendor, device.terminal) == ("ricoh", "embedded")


def test_a_server_of_several_roles_has_them_all() -> None:
    """Each listener of the matrix adds its role."""
    site = starter(
        (DEVICE, SERVER, "tcp", 5022, 9), ("192.0.2.20", SERVER, "tcp", 5555, 9), (SERVER, "192.0.2.20", "tcp", 6010, 5)
    )
    roles = {host.addresses[0]: host.roles for host in site.hosts}
    assert roles[SERVER] == ("spooler-controller", "terminal-server")
    assert roles["192.0.2.20"][0] == "management"


def test_many_workstations_become_a_network() -> None:
    """Clients of one prefix are proposed as a prefix, single ones as hosts."""
    clients = [(f"203.0.113.{number}", SERVER, "tcp", 5555, 3) for number in range(10, 14)]
    site = starter(*clients, ("198.51.100.7", SERVER, "tcp", 5555, 3))
    assert [(network.cidr, network.roles) for network in site.networks] == [("203.0.113.0/24", ("workstation",))]
    assert ("198.51.100.7",) in [host.addresses for host in site.hosts if host.roles == ("workstation",)]


def test_strangers_are_listed_in_comments() -> None:
    """An address whose ports say nothing gets no role, only a line that tells what it did."""
    text = starter_site([frame((DEVICE, SERVER, "tcp", 5022, 9), (SERVER, OTHER, "udp", 53, 1))])
    assert f"#   {OTHER}: answers UDP 53" in text
    assert f'"{OTHER}"' not in text


def test_groups_of_machines_are_no_hosts() -> None:
    """Multicast, broadcast, loopback and link-local addresses are left out."""
    text = starter_site(
        [
            frame(
                (SERVER, "224.0.0.251", "udp", 5353, 0),
                (SERVER, "255.255.255.255", "udp", 67, 0),
                ("127.0.0.1", "127.0.0.1", "tcp", 5558, 2),
                ("fe80::1", "ff02::fb", "udp", 5353, 0),
                (DEVICE, SERVER, "tcp", 5022, 9),
            )
        ]
    )
    for address in ("224.0.0.251", "255.255.255.255", "127.0.0.1", "fe80::1"):
        assert address not in text


@pytest.mark.parametrize(
    "conversations", [(), ((OTHER, "192.0.2.54", "tcp", 12345, 2),), (("x", "y", "tcp", 5022, 1),)]
)
def test_traffic_that_says_nothing_still_gives_a_file(conversations: tuple[Conversation, ...]) -> None:
    """Without one known port the file has a placeholder that says so, and is complete."""
    text = starter_site([frame(*conversations)])
    assert "only\n# makes the file complete" in text
    assert read_site(text.encode(), "s").networks[0].name == "clients"


ADDRESSES = st.sampled_from(
    [f"192.0.2.{n}" for n in range(1, 6)] + ["2001:db8::1", "2001:db8::2", "203.0.113.9", "", "?"]
)
PORTS = st.sampled_from([80, 443, 5022, 5555, 9100, 161, 445, 51443, 50003, 22, 389, 4096]) | st.integers(0, 65535)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(ADDRESSES, ADDRESSES, st.sampled_from(["tcp", "udp", "icmp"]), PORTS, st.integers(0, 2)), max_size=12
    )
)
def test_any_traffic_gives_a_file_that_is_accepted(conversations: list[Conversation]) -> None:
    """Whatever was seen, the proposal is a site file without a mistake."""
    assert starter(*conversations).name == "my-site"


def test_a_large_scan_is_summed_up_quickly() -> None:
    """A hundred thousand strangers neither fill the file nor take long."""
    number = 100_000
    scan = frame((DEVICE, SERVER, "tcp", 5022, 9)).vstack(
        pl.select(
            pl.lit(OTHER).repeat_by(number).explode().alias("id.orig_h"),
            pl.format("10.{}.{}.9", pl.int_range(number) // 250, pl.int_range(number) % 250).alias("id.resp_h"),
            pl.lit("tcp").repeat_by(number).explode().alias("proto"),
            pl.lit(22, pl.UInt16).repeat_by(number).explode().alias("id.resp_p"),
            pl.lit(None, pl.String).repeat_by(number).explode().alias("service"),
            pl.lit(1, pl.UInt64).repeat_by(number).explode().alias("orig_pkts"),
            pl.lit(0, pl.UInt64).repeat_by(number).explode().alias("resp_pkts"),
        )
    )
    text = starter_site([scan])
    assert len(text.splitlines()) < 2500
    assert SERVER in text
