"""A mirror of both switch ports delivers every packet twice, a few microseconds apart.

The copies are no retransmissions: the job that works stays whole, and the port without answer saw five SYNs, not ten.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story, Tap
from samples.talk import tcp

mfd = printer()
story = Story(taps=(Tap(), Tap(lag=0.000012)))

plays.snmp(story, SERVER, mfd, at=0.5)
plays.snmp(story, SERVER, mfd, at=1.0, number=4003)
tcp(story, SERVER, mfd, 9100, at=2.0).knock(times=5)
plays.snmp(story, SERVER, mfd, at=40.0, number=4002)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "blocked", "violation", {9100: Port("blocked", "no-answer", says="5 SYNs")}
        ),
    },
    unexpected=(),
    coverage={"duplicates_removed": len(story.moments)},
)

if __name__ == "__main__":
    story.save(__file__)
