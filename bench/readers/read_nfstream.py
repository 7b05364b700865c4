"""Flows with nfstream, as it comes: labels by nDPI, one meter per core."""

import sys

from nfstream import NFStreamer


def main() -> None:
    """Read the capture named first."""
    packets = flows = 0
    for flow in NFStreamer(source=sys.argv[1]):
        packets += flow.bidirectional_packets
        flows += 1
    print(packets, flows)


if __name__ == "__main__":
    main()
