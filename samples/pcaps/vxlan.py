"""A mirror in an overlay network: every frame comes in VXLAN, and the flows inside are judged."""

from samples import mirrors, plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story, Tap

story = Story(taps=(Tap(mirror=mirrors.vxlan),))
plays.raw_print(story, SERVER, printer(), at=1.0)
plays.ipp(story, SERVER, printer(), 631, at=3.0)

EXPECT = Expect(
    exit=0,
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
        ("server-to-printer/ipp-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {631: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
