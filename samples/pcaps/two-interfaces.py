"""A pcapng file of a bridge: the same packets on both of its interfaces, 30 microseconds apart.

One packet on two interfaces is one packet. The five SYNs without answer stay five.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story, Tap
from samples.talk import tcp

story = Story(container="pcapng", interfaces=("eth0", "eth1"), taps=(Tap(interface=0), Tap(interface=1, lag=0.00003)))
plays.snmp(story, SERVER, printer(), at=0.5)
tcp(story, SERVER, printer(), 9100, at=1.0).knock(times=5)
plays.snmp(story, SERVER, printer(), at=30.0, number=4002)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "blocked", "violation", {9100: Port("blocked", "no-answer", says="5 SYNs")}
        ),
    },
    coverage={"duplicates_removed": len(story.moments)},
)

if __name__ == "__main__":
    story.save(__file__)
