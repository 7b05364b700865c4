"""The truth beside the public captures, and our flows in the same words."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analyser.tables import FlowTables

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("ANALYSER_CAPTURES") or ROOT / ".." / "shared" / "captures")
LINK_TYPES = {
    0, 1, 6, 9, 10, 12, 14, 50, 51, 101, 104, 105, 107, 108, 109, 113, 117, 119, 127, 138, 163, 192, 228, 229, 239, 258, 276
}  # fmt: skip
"""Numbers of all link types that are decoded (tcpdump.org/linktypes.html)."""

CARRIERS = {"gtp", "vxlan", "geneve", "mpls", "teredo"}
"""What the truth calls a UDP conversation whose datagrams carry other packets; it is no flow here."""

Ends = tuple[str, tuple[str, int], tuple[str, int]]
Conversations = dict[Ends, list[tuple[int, int]]]
"""By protocol and both ends (the lower first): packets from the lower and from the higher end, per conversation."""


@cache
def _files() -> tuple[dict[str, Any], ...]:
    listing = FOLDER / "truth.jsonl"
    if not listing.is_file():
        return ()
    return tuple(json.loads(line) for line in listing.read_text(encoding="utf-8").splitlines())


def files() -> list[dict[str, Any]]:
    """Return the truth of every file; skips the test, with the cause, where the folder is not there."""
    if not _files():
        pytest.skip(f"no public captures in {FOLDER} (set ANALYSER_CAPTURES)")
    return list(_files())


def is_decoded(entry: dict[str, Any]) -> bool:
    """Say whether all link types of a file are decoded here."""
    return set(link_types(entry)) <= LINK_TYPES


def link_types(entry: dict[str, Any]) -> list[int]:
    """Return the link types of a file; of snoop the truth does not tell any, and the one it has is Ethernet."""
    return list(entry.get("linktypes", [1]))


def told_conversations(entry: dict[str, Any]) -> Conversations:
    """Return the TCP and UDP conversations that the truth tells, inside tunnels too, without those that are tunnels."""
    out: Conversations = defaultdict(list)
    for told in entry["conversations"]:
        if CARRIERS.intersection(told["tshark_app"]):
            continue
        ends = (told["client"], told["client_port"]), (told["server"], told["server_port"])
        _add(out, told["proto"], ends, tuple(told["packets"]))
    return {key: sorted(counts) for key, counts in out.items()}


def read_conversations(tables: FlowTables) -> Conversations:
    """Return our TCP and UDP flows in the same words; copies count as packets there, so they do here."""
    out: Conversations = defaultdict(list)
    for row in tables.flows.to_dicts():
        counts = row["orig_pkts"] + row["orig_dups"], row["resp_pkts"] + row["resp_dups"]
        if row["proto"] in ("tcp", "udp") and sum(counts):  # a flow that only an ICMP error speaks of has no packets
            ends = (row["id.orig_h"], row["id.orig_p"]), (row["id.resp_h"], row["id.resp_p"])
            _add(out, row["proto"], ends, counts)
    return {key: sorted(counts) for key, counts in out.items()}


def _add(out: Conversations, proto: str, ends: tuple[Any, Any], counts: tuple[int, ...]) -> None:
    (low, first), (high, second) = sorted(zip(ends, counts, strict=True))
    out[proto, low, high].append((first, second))


def disagreements(entry: dict[str, Any], tables: FlowTables) -> list[str]:
    """Return the conversations of which ends or packets differ."""
    told, read = told_conversations(entry), read_conversations(tables)
    all_told = entry["conversations_total"] <= len(entry["conversations"])  # long lists are cut
    return [
        f"{ends}: truth {told.get(ends)}, read {read.get(ends)}"
        for ends in sorted({*told, *read})
        if told.get(ends) != read.get(ends) and (all_told or ends in told)
    ]
