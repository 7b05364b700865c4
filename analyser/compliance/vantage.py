"""Where the capture stood: who was heard, along which path, and whose own segment it shows.

Knows addresses, the hosts and networks they belong to, and PATHS. Absence of an answer proves something only
where an answer would have been seen; this module says where that is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

import polars as pl

from analyser.tables import Observed

INITIAL_TTLS: Final = (64, 128, 255)
"""Initial TTLs that common stacks use; a packet that still has one has crossed no router."""


def fallback_network(address: str) -> str:
    """Return the network an address is taken to be in when the site does not say: its /24, or /64 for IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


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
        self._observed = observed
        self._aliases = aliases
        self._network_of = network_of
        self._icmp_errors = icmp_errors

    @cached_property
    def ends(self) -> pl.DataFrame:
        """Every address of the capture: ``address``, ``host`` (one number per machine), ``net``."""
        observed = self._observed
        columns = [
            observed.flows["id.orig_h"],
            observed.flows["id.resp_h"],
            observed.neighbours["asker"],
            observed.neighbours["target"],
            self._icmp_errors["icmp_by"],
        ]
        addresses = pl.concat([column.alias("address") for column in columns]).drop_nulls().unique().to_list()
        numbers: dict[str, int] = {}
        hosts, nets = [], []
        for address in addresses:
            machine = min(self._aliases.get(address) or (address,))
            network = self._network_of(address) or fallback_network(address)
            hosts.append(numbers.setdefault(machine, len(numbers)))
            # A network may be written like an address; a space keeps the two apart in one numbering.
            nets.append(numbers.setdefault(f"net {network}", len(numbers)))
        return pl.DataFrame(
            {"address": addresses, "host": hosts, "net": nets},
            schema={"address": pl.String, "host": pl.UInt32, "net": pl.UInt32},
        )

    def identify(self, frame: pl.DataFrame, column: str, prefix: str) -> pl.DataFrame:
        """Add ``<prefix>_host`` and ``<prefix>_net`` for the addresses in ``column``."""
        names = {"host": f"{prefix}_host", "net": f"{prefix}_net"}
        return frame.join(
            self.ends.rename(names), left_on=column, right_on="address", how="left", maintain_order="left"
        )

    @cached_property
    def heard(self) -> pl.DataFrame:
        """Who was heard speaking to whom, each once.

        ``from_host``, ``from_net``, ``to_host``, ``to_net``, ``path`` (0 where unknown), ``low`` and ``high`` TTL
        (0 where unknown). ARP and neighbour discovery count as speaking, as do ICMP errors.
        """
        flows = self._observed.flows
        sides = []
        for side, speaker, listener in (("orig", "id.orig_h", "id.resp_h"), ("resp", "id.resp_h", "id.orig_h")):
            path, reset_path = pl.col(f"{side}_path"), pl.col(f"{side}_rst_path")
            sides.append(
                flows.lazy()
                .filter(pl.col(f"{side}_pkts") > 0)
                .select(
                    speaker=speaker,
                    listener=listener,
                    path=pl.when(path == 0).then(reset_path).otherwise(path),
                    low=f"{side}_ttl_min",
                    high=f"{side}_ttl_max",
                )
            )
        silent_path = {"path": pl.lit(0, pl.UInt32), "low": pl.lit(0, pl.UInt8), "high": pl.lit(0, pl.UInt8)}
        neighbours = self._observed.neighbours.lazy()
        errors = self._icmp_errors.lazy().join(
            flows.lazy().select("serial", "id.orig_h", "id.resp_h"), on="serial", how="inner"
        )
        sides += [
            neighbours.filter(pl.col("requests") > 0).select(speaker="asker", listener="target", **silent_path),
            neighbours.filter(pl.col("replies") > 0).select(speaker="target", listener="asker", **silent_path),
            errors.select(
                speaker="icmp_by",
                listener=pl.when("icmp_of_orig").then("id.orig_h").otherwise("id.resp_h"),
                **silent_path,
            ),
        ]
        said = pl.concat(sides).unique().collect()
        said = self.identify(self.identify(said, "speaker", "from"), "listener", "to")
        return said.drop("speaker", "listener").unique()

    @cached_property
    def paths(self) -> pl.DataFrame:
        """PATHS, one row per known path."""
        return self._observed.paths.filter(pl.col("path") > 0).unique("path", keep="first", maintain_order=True)

    @cached_property
    def heard_on(self) -> pl.DataFrame:
        """``heard`` with the interface, VLAN and MACs of its path, where the path is known."""
        return self.heard.join(self.paths, on="path", how="inner")

    @cached_property
    def own_segment(self) -> pl.DataFrame:
        """Hosts whose own segment is captured: ``host``, ``interface``, ``vlan`` (both null where ARP showed it).

        A host is on a captured segment if its packets come at an initial TTL, if it takes part in ARP or neighbour
        discovery (which no router forwards), or if it has a MAC of its own beside a MAC that speaks for several hosts.
        """
        by_ttl = self.heard_on.filter(pl.col("low").is_in(INITIAL_TTLS) | pl.col("high").is_in(INITIAL_TTLS)).select(
            "interface", "vlan", host="from_host"
        )
        users = (
            self.heard_on.filter(pl.col("src_mac") != 0)
            .group_by("interface", "src_mac")
            .agg(
                pl.col("from_host").n_unique().alias("users"),
                pl.col("from_host").first().alias("host"),
                pl.col("vlan").first(),
            )
        )
        routers = users.filter(pl.col("users") > 1).select("interface").unique()
        by_mac = users.filter(pl.col("users") == 1).join(routers, on="interface", how="semi")
        neighbours = self._observed.neighbours
        spoke_arp = pl.concat(
            [
                neighbours.filter(pl.col("requests") > 0).select(address="asker"),
                neighbours.filter(pl.col("replies") > 0).select(address="target"),
            ]
        ).unique()
        by_arp = spoke_arp.join(self.ends, on="address", how="inner").select(
            interface=pl.lit(None, pl.UInt32), vlan=pl.lit(None, pl.UInt32), host="host"
        )
        # Without PATHS (a table of another origin) the TTL still speaks.
        by_ttl_alone = self.heard.filter(
            (pl.col("path") == 0) & (pl.col("low").is_in(INITIAL_TTLS) | pl.col("high").is_in(INITIAL_TTLS))
        ).select(interface=pl.lit(None, pl.UInt32), vlan=pl.lit(None, pl.UInt32), host="from_host")
        columns = ("host", "interface", "vlan")
        return pl.concat([part.select(columns) for part in (by_ttl, by_mac, by_arp, by_ttl_alone)]).unique()

    @cached_property
    def near_hosts(self) -> frozenset[int]:
        """Hosts whose own segment is captured."""
        return frozenset(self.own_segment["host"].to_list())

    @cached_property
    def shows_loopback(self) -> bool:
        """Whether the capture has packets that never left a machine."""
        return bool(self._observed.flows["loopback"].any())

    def hosts_of(self, addresses: Sequence[str]) -> frozenset[int]:
        """Return the hosts behind those of ``addresses`` that the capture shows."""
        return frozenset(self.ends.filter(pl.col("address").is_in(list(addresses)))["host"].to_list())

    @cached_property
    def asked_in_vain(self) -> pl.DataFrame:
        """Addresses that ARP or neighbour discovery asked for and never got: ``target``, ``requests``, ``frame``, ``file``."""
        return (
            self._observed.neighbours.group_by("target")
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
            self._observed.flows.filter((pl.col("orig_path") > 0) & (pl.col("resp_path") > 0))
            .select("orig_path", "resp_path")
            .unique()
            .join(known.rename({"path": "orig_path"}), on="orig_path", how="inner")
            .join(known.rename({"path": "resp_path"}), on="resp_path", how="inner", suffix="_back")
            .filter((pl.col("interface") == pl.col("interface_back")) & (pl.col("vlan") == pl.col("vlan_back")))
            .select("interface", "vlan", "dst_mac", src_mac="src_mac_back")
        )
        same = known.select("interface", "vlan", "dst_mac", src_mac="dst_mac")
        return pl.concat([pairs, same]).unique()
