"""Flows with dpkt: every packet parsed, counted by its ends."""

import sys

import dpkt


def main() -> None:
    """Read the capture named first."""
    flows: dict[tuple[bytes, bytes, int, int, int], list[int]] = {}
    packets = 0
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123 - a script as people write it
        for _, frame in dpkt.pcap.Reader(file):
            packets += 1
            ip = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(ip, dpkt.ip.IP) or not isinstance(ip.data, (dpkt.tcp.TCP, dpkt.udp.UDP)):
                continue
            sender, receiver = (ip.src, ip.data.sport), (ip.dst, ip.data.dport)
            (one, first), (other, second) = sorted((sender, receiver))
            counts = flows.setdefault((one, other, first, second, ip.p), [0, 0])
            counts[0] += 1
            counts[1] += len(frame)
    print(packets, len(flows))


if __name__ == "__main__":
    main()
