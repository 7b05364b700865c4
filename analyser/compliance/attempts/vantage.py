"""Where the capture stood: who was heard, along which path, and whose own segment it shows.

Knows addresses, the hosts and networks they belong to, and PATHS. Absence of an answer proves something only
where an answer would have been seen; this module says where that is.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

import polars as pl

from analyser.tables import Observed, sights_of

INITIAL_TTLS: Final = (64, 128, 255)
"""Initial TTLs that common stacks use; a packet that still has one has crossed no router."""

FARTHEST: Final = 31
"""Routers that a packet may plausibly have crossed."""


def _neighbourhood(address: str) -> str:
    """Name the network of an address of which the site says none: its /24, or /64 for IPv6.

    The name only tells networks apart; no address of a site is named so.
    """
    try:
        return f"/64 {socket.inet_pton(socket.AF_INET6, address)[:8].hex()}"
    except (OSError, ValueError):
        head, _, last = address.rpartition(".")
        return f"/24 {head if last.isdigit() else address}"


def said_by_icmp(flows: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Return who sent ICMP errors about ``flows`` to whom, each once: ``speaker``, ``listener``; ``errors`` of ``icmp.causes``."""
    ends = flows.select("serial", "id.orig_h", "id.resp_h")
    listener = pl.when("icmp_of_orig").then("id.orig_h").otherwise("id.resp_h")
    return errors.join(ends, on="serial", how="inner").select(speaker="icmp_by", listener=listener).unique()


class Vantage:
    """Who was heard where. Frames name hosts and networks by number (``host``, ``net``), see ``identify``."""

    def __init__(
        self,
        observed: Observed,
        aliases: Mapping[str, frozenset[str]],
        network_of: Callable[[str], str | None],
        icmp_errors: pl.DataFrame,
    ) -> None:
        """Take the tables, the site's view of addresses, and ``icmp_errors`` (serial, icmp_by, …) of ``icmp.causes``."""
        self._neighbours = observed.neighbours
        self._paths = observed.paths
        self.sights = sights_of(observed.flows) if observed.sights is None else observed.sights
        self._icmp_said = (
            said_by_icmp(observed.flows, icmp_errors) if observed.icmp_said is None else observed.icmp_said
        )
        self._aliases = aliases
        self._network_of = network_of

    @cached_property
    def ends(self) -> pl.DataFrame:
        """Every address of the capture: ``address``, ``host`` (one number per machine), ``net``."""
        columns = [
            self.sights["id.orig_h"],
            self.sights["id.resp_h"],
            self._neighbours["asker"],
            self._neighbours["target"],
            self._icmp_said["speaker"],
        ]
        known = pl.concat([column.alias("address") for column in columns]).drop_nulls().unique()
        networks = pl.Series("network", [self._network(address) for address in known.to_list()], pl.String)
        frame = pl.DataFrame({"address": known, "network": networks}).with_row_index("host")
        numbers = frame.select("network").unique().with_row_index("net")
        return self._merge_hosts(frame.join(numbers, on="network", how="left", maintain_order="left"))

    def _network(self, address: str) -> str:
        """Name the network of an address: the site's, else its neighbourhood."""
        named = self._network_of(address)
        return _neighbourhood(address) if named is None else named

    def _merge_hosts(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give all addresses of one machine the number of one of them."""
        machines = {address: min(several) for address, several in self._aliases.items() if len(several) > 1}
        machine = pl.col("address").replace(machines) if machines else pl.col("address")
        return frame.select(
            "address",
            pl.col("host").min().over(machine).alias("host") if machines else pl.col("host"),
            "net",
        )

    def identify(self, frame: pl.DataFrame, column: str, prefix: str) -> pl.DataFrame:
        """Add ``<prefix>_host`` and ``<prefix>_net`` for the addresses in ``column``."""
        names = {"host": f"{prefix}_host", "net": f"{prefix}_net"}
        return frame.join(
            self.ends.rename(names), left_on=column, right_on="address", how="left", maintain_order="left"
        )

    def ends_of(self, flows: pl.DataFrame) -> pl.DataFrame:
        """Return ``orig_host``, ``orig_net``, ``resp_host``, ``resp_net`` of each row of ``flows``, in its order."""
        ends = flows.select("id.orig_h", "id.resp_h")
        both = self.identify(self.identify(ends, "id.orig_h", "orig"), "id.resp_h", "resp")
        return both.select("orig_host", "orig_net", "resp_host", "resp_net")

    @cached_property
    def _sight_ends(self) -> pl.DataFrame:
        return self.ends_of(self.sights)

    @cached_property
    def heard(self) -> pl.DataFrame:
        """Who was heard speaking to whom, each once.

        ``from_host``, ``from_net``, ``to_host``, ``to_net``, ``path`` (0 where unknown), ``low`` and ``high`` TTL
        (0 where unknown). ARP and neighbour discovery count as speaking, as do ICMP errors.
        """
        sides = [self._speaking("orig", "resp"), self._speaking("resp", "orig")]
        return pl.concat([*sides, self._speaking_below()]).unique()

    def _speaking(self, speaker: str, listener: str) -> pl.DataFrame:
        """The packets of one side of all flows, as rows of ``heard``."""
        path, reset_path = pl.col(f"{speaker}_path"), pl.col(f"{speaker}_rst_path")
        wanted = ("spoke", "path", "rst_path", "ttl_min", "ttl_max")
        facts = self.sights.select(f"{speaker}_{name}" for name in wanted).hstack(self._sight_ends)
        return (
            facts.lazy()
            .filter(f"{speaker}_spoke")
            .select(
                from_host=f"{speaker}_host",
                from_net=f"{speaker}_net",
                to_host=f"{listener}_host",
                to_net=f"{listener}_net",
                path=pl.when(path == 0).then(reset_path).otherwise(path),
                low=f"{speaker}_ttl_min",
                high=f"{speaker}_ttl_max",
            )
            .unique()
            .collect()
        )

    def _speaking_below(self) -> pl.DataFrame:
        """Neighbours and senders of ICMP errors, as rows of ``heard``; where they stand is not known."""
        neighbours = self._neighbours
        said = pl.concat(
            [
                neighbours.filter(pl.col("requests") > 0).select(speaker="asker", listener="target"),
                neighbours.filter(pl.col("replies") > 0).select(speaker="target", listener="asker"),
                self._icmp_said,
            ]
        ).unique()
        said = self.identify(self.identify(said, "speaker", "from"), "listener", "to").drop("speaker", "listener")
        unknown = {"path": pl.lit(0, pl.UInt32), "low": pl.lit(0, pl.UInt8), "high": pl.lit(0, pl.UInt8)}
        return said.select("from_host", "from_net", "to_host", "to_net", **unknown)

    @cached_property
    def paths(self) -> pl.DataFrame:
        """PATHS, one row per known path."""
        return self._paths.filter(pl.col("path") > 0).unique("path", keep="first", maintain_order=True)

    @cached_property
    def heard_on(self) -> pl.DataFrame:
        """``heard`` with the interface, VLAN and MACs of its path, where the path is known."""
        return self.heard.join(self.paths, on="path", how="inner")

    @cached_property
    def own_segment(self) -> pl.DataFrame:
        """Hosts whose own segment is captured: ``host``, ``interface``, ``vlan``, ``src_mac`` (null where ARP showed it).

        A host is on a captured segment if its packets come at an initial TTL, if it takes part in ARP or neighbour
        discovery (which no router forwards), or if it has a MAC of its own beside a MAC that speaks for several hosts
        (a router with one host behind it has such a MAC too: hence not with a TTL that routers have lowered).
        """
        by_ttl = self.heard_on.filter(pl.col("low").is_in(INITIAL_TTLS) | pl.col("high").is_in(INITIAL_TTLS)).select(
            "interface", "vlan", "src_mac", host="from_host"
        )
        # A machine may have several IPv6 addresses; several IPv4 addresses under one MAC mean a router.
        with_ipv4 = self.ends.filter(~pl.col("address").str.contains(":", literal=True))
        users = (
            self.heard_on.filter(pl.col("src_mac") != 0)
            .with_columns(
                lowered=pl.any_horizontal(
                    (pl.lit(ttl) - pl.col("high").cast(pl.Int16)).is_between(1, FARTHEST) for ttl in INITIAL_TTLS
                )
            )
            .join(with_ipv4, left_on="from_host", right_on="host", how="semi")
            .group_by("interface", "src_mac")
            .agg(
                pl.col("from_host").n_unique().alias("users"),
                pl.col("from_host").first().alias("host"),
                pl.col("vlan").first(),
                pl.col("lowered").any(),
            )
        )
        routers = users.filter(pl.col("users") > 1).select("interface").unique()
        by_mac = users.filter((pl.col("users") == 1) & ~pl.col("lowered")).join(routers, on="interface", how="semi")
        neighbours = self._neighbours
        spoke_arp = pl.concat(
            [
                neighbours.filter(pl.col("requests") > 0).select(address="asker"),
                neighbours.filter(pl.col("replies") > 0).select(address="target"),
            ]
        ).unique()
        nowhere = {
            "interface": pl.lit(None, pl.UInt32),
            "vlan": pl.lit(None, pl.UInt32),
            "src_mac": pl.lit(None, pl.UInt64),
        }
        by_arp = spoke_arp.join(self.ends, on="address", how="inner").select(host="host", **nowhere)
        # Without PATHS (a table of another origin) the TTL still speaks.
        by_ttl_alone = self.heard.filter(
            (pl.col("path") == 0) & (pl.col("low").is_in(INITIAL_TTLS) | pl.col("high").is_in(INITIAL_TTLS))
        ).select(host="from_host", **nowhere)
        columns = ("host", "interface", "vlan", "src_mac")
        return pl.concat([part.select(columns) for part in (by_ttl, by_mac, by_arp, by_ttl_alone)]).unique()

    @cached_property
    def near_hosts(self) -> frozenset[int]:
        """Hosts whose own segment is captured."""
        return frozenset(self.own_segment["host"].to_list())

    @cached_property
    def shows_loopback(self) -> bool:
        """Whether the capture has packets that never left a machine."""
        return bool(self.sights["loopback"].any())

    def shows(self, addresses: Iterable[str]) -> bool:
        """Tell whether any of ``addresses`` is in the capture."""
        return any(address in self._hosts for address in addresses)

    @cached_property
    def _hosts(self) -> dict[str, int]:
        return dict(self.ends.select("address", "host").iter_rows())

    def are_near(self, addresses: Sequence[str]) -> bool:
        """Tell whether the own segments of all these machines are captured.

        A machine that was never heard is near where one of the others is near and shares its network.
        """
        known = {address for address in addresses if address in self._hosts}
        if not known or any(self._hosts[address] not in self.near_hosts for address in known):
            return False
        if len(known) == len(addresses):
            return True
        unseen = set(addresses) - self._with_aliases(known)
        captured = {self._network(address) for address in known}
        reached = {address for address in unseen if self._network(address) in captured}
        return self._with_aliases(reached) >= unseen

    def _with_aliases(self, addresses: set[str]) -> set[str]:
        return addresses.union(*(self._aliases.get(address, ()) for address in addresses))

    @cached_property
    def asked_in_vain(self) -> pl.DataFrame:
        """Addresses that ARP or neighbour discovery asked for and never got: ``target``, ``requests``, ``frame``, ``file``."""
        return (
            self._neighbours.group_by("target")
            .agg(pl.col("requests").sum(), pl.col("replies").sum(), pl.col("frame", "file").first())
            .filter((pl.col("requests") > 0) & (pl.col("replies") == 0))
        )

    @cached_property
    def next_hops(self) -> pl.DataFrame:
        """Which MAC answers for which: ``interface``, ``vlan``, ``dst_mac`` (asked), ``src_mac`` (answers come from it).

        Routers that share a virtual MAC answer from their own; every answered flow shows such a pair.
        """
        known = self.paths
        pairs = (
            self.sights.filter((pl.col("orig_path") > 0) & (pl.col("resp_path") > 0))
            .select("orig_path", "resp_path")
            .unique()
            .join(known.rename({"path": "orig_path"}), on="orig_path", how="inner")
            .join(known.rename({"path": "resp_path"}), on="resp_path", how="inner", suffix="_back")
            .filter((pl.col("interface") == pl.col("interface_back")) & (pl.col("vlan") == pl.col("vlan_back")))
            .select("interface", "vlan", "dst_mac", src_mac="src_mac_back")
        )
        same = known.select("interface", "vlan", "dst_mac", src_mac="dst_mac")
        return pl.concat([pairs, same]).unique()
