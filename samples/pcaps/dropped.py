"""A filter drops print data on its way to the printer, and nothing else.

The printer answers SNMP to the same server, so it is alive and the way to it and back exists: silence on 9100 is
the network's doing.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import NOBODY, Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

mfd = printer()
story = Story()

plays.snmp(story, SERVER, mfd, at=0.5)
# Two jobs, each with a SYN that is repeated after 1, 2, 4 and 8 seconds.
tcp(story, SERVER, mfd, 9100, at=2.0).knock(times=5)
tcp(story, SERVER, mfd, 9100, at=20.0).knock(times=5)
plays.snmp(story, SERVER, mfd, at=40.0, number=4002)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "blocked", "violation", {9100: Port("blocked", "no-answer", by=NOBODY, confidence="high")}
        ),
    },
    fine={
        ("server-to-printer/snmp-accounting", "print-server", "mfd-1"): Found("satisfied", "ok", {161: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
