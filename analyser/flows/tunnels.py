"""The tunnels that flows came through, in words.

Knows the kernel's table of tunnels and its paths. It must not know how a tunnel is opened.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.addresses import address_texts
from analyser.flows.layout import (
    T_BRIDGED,
    T_ERSPAN1,
    T_ERSPAN2,
    T_ERSPAN3,
    T_ETHERIP,
    T_FABRICPATH,
    T_GENEVE,
    T_GRE,
    T_GTP,
    T_IPIP,
    T_L2TP,
    T_MPLS,
    T_PPPOE,
    T_PPTP,
    T_TEREDO,
    T_TZSP,
    T_VXLAN,
    T_VXLAN_GPE,
)
from analyser.flows.memory import Memory

KINDS: Final = {
    T_IPIP: "ipip", T_GRE: "gre", T_ERSPAN1: "erspan1", T_ERSPAN2: "erspan2", T_ERSPAN3: "erspan3", T_PPTP: "pptp",
    T_ETHERIP: "etherip", T_VXLAN: "vxlan", T_VXLAN_GPE: "vxlan-gpe", T_GENEVE: "geneve", T_GTP: "gtp", T_TEREDO: "teredo",
    T_L2TP: "l2tp", T_MPLS: "mpls", T_PPPOE: "pppoe", T_TZSP: "tzsp", T_FABRICPATH: "fabricpath", T_BRIDGED: "bridged",
}  # fmt: skip
"""Kinds of tunnels by the words of ``tunnel_parents``."""


class Tunnels:
    """Words for the tunnels of one run."""

    def __init__(self, memory: Memory) -> None:
        self._of_path = memory.known_paths()["tunnel"]
        rows = memory.known_tunnels()
        sources = address_texts(rows["src0"], rows["src1"]).to_list()
        targets = address_texts(rows["dst0"], rows["dst1"]).to_list()
        words: list[str | None] = [None]
        for row, source, target in zip(rows[1:], sources[1:], targets[1:], strict=True):
            parts = [KINDS[int(row["kind"])]]
            if row["src1"] or row["src0"] or row["dst1"] or row["dst0"]:
                parts.append(f"{source}>{target}")
            if row["number"]:
                parts.append(f"id {row['number']}")
            around = words[int(row["parent"])]  # a tunnel is found after the one around it
            words.append(f"{around}, {' '.join(parts)}" if around else " ".join(parts))
        self._words = pl.Series(words, dtype=pl.String)

    def of(self, orig_path: NDArray[Any], resp_path: NDArray[Any]) -> pl.Series:
        """Return ``tunnel_parents`` of flows, from the paths of their initiators or else of their responders."""
        orig, resp = self._of_path[orig_path], self._of_path[resp_path]
        return self._words.gather(np.where(orig > 0, orig, resp).astype(np.int64))
