"""Printers on the server's own segment, one of them switched off.

The server still has its hardware address for a while, so that SYNs go out; then it asks by ARP again and again, and
nobody answers. The other printer works: the segment is well.
"""

from samples import plays
from samples.cast import SERVER
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp

off = Host(name="mfd-1", address="192.0.2.31", ttl=64)
on = Host(name="mfd-2", address="192.0.2.32", ttl=64)
story = Story()

story.arp(0.5, SERVER, on)
plays.raw_print(story, SERVER, on, at=1.0)
tcp(story, SERVER, off, 9100, at=2.0).knock(times=3)
for at in (6.0, 7.0, 8.0, 12.0, 13.0):
    story.arp(at, SERVER, off, answered=False)
plays.raw_print(story, SERVER, on, at=20.0)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "unanswered", "violation", {9100: Port("unanswered", "host-silent")}
        ),
    },
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-2"): Found("satisfied", "ok", {9100: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
