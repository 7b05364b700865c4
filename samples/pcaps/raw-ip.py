"""Packets without any link layer, as a VPN interface gives them; nobody's MAC is known."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story

story = Story(link="raw")
plays.ipp(story, SERVER, printer(), 631, at=1.0)
plays.lpr(story, SERVER, printer(), at=2.0)

EXPECT = Expect(
    exit=0,
    fine={
        ("server-to-printer/ipp-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {631: Port("open")}),
        ("server-to-printer/lpr-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {515: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
