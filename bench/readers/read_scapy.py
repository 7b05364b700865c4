"""Flows with scapy: every packet dissected, counted by its ends."""

import sys

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether  # noqa: F401 - dissects the link layer once it is known
from scapy.utils import PcapReader


def main() -> None:
    """Read the capture named first."""
    flows: dict[tuple[str, str, int, int, int], list[int]] = {}
    packets = 0
    with PcapReader(sys.argv[1]) as reader:
        for packet in reader:
            packets += 1
            if IP not in packet or not (TCP in packet or UDP in packet):
                continue
            ip = packet[IP]
            transport = packet[TCP] if TCP in packet else packet[UDP]
            sender, receiver = (ip.src, transport.sport), (ip.dst, transport.dport)
            (one, first), (other, second) = sorted((sender, receiver))
            counts = flows.setdefault((one, other, first, second, ip.proto), [0, 0])
            counts[0] += 1
            counts[1] += len(packet.original)
    print(packets, len(flows))


if __name__ == "__main__":
    main()
