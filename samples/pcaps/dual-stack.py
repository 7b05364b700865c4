"""Printing works over IPv6; over IPv4 the same ports are dropped.

Each family that was used is judged for itself: the host that speaks both has an entry for either.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

server6, mfd6 = SERVER.using("2001:db8:1::10"), printer().using("2001:db8:2::21")
story = Story()
plays.raw_print(story, server6, mfd6, at=1.0)
tcp(story, SERVER, printer(), 9100, at=2.0).knock(times=5)
plays.raw_print(story, server6, mfd6, at=30.0)
# The way back exists in both families: SNMP is answered over IPv4.
plays.snmp(story, SERVER, printer(), at=31.0)

_RULE = "server-to-printer/raw-delivery"
EXPECT = Expect(
    exit=1,
    findings={
        (_RULE, "print-server 192.0.2.10", "mfd-1 198.51.100.21"): Found(
            "blocked", "violation", {9100: Port("blocked", "no-answer")}
        ),
    },
    fine={
        (_RULE, "print-server 2001:db8:1::10", "mfd-1 2001:db8:2::21"): Found("satisfied", "ok", {9100: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
