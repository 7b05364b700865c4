"""What looks like a tunnel and is none, and what is one although it looks odd."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from analyser.flows import reader
from analyser.flows.feed import Feed
from tests.flows.build import only_flow, payload

ONE, OTHER = "00:00:5e:00:53:01", "00:00:5e:00:53:02"
OUTSIDE = Ether(src=OTHER, dst=ONE) / IP(src="203.0.113.1", dst="203.0.113.2")


class Dirty(Feed):
    """A feed whose records hold anything but zeros before the first packet."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for records in (self.packets, self._other):
            records.view(np.uint8)[:] = 0xC0


def test_what_a_record_held_before_does_not_matter() -> None:
    """A datagram to the port of MPLS that holds no labels is an ordinary one, whatever stood in its record."""
    datagram = OUTSIDE / UDP(sport=50000, dport=6635) / payload(bytes(40))
    with patch.object(reader, "Feed", Dirty):
        row = only_flow([(0, datagram)])
    assert (row["id.resp_p"], row["orig_bytes"], row["tunnel_parents"]) == (6635, 40, None)
