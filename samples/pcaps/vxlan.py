"""A mirror in an overlay network: every frame comes in VXLAN, and the flows inside are judged."""

from samples import mirrors, plays
from samples.cast import SERVER, printer
from samples.expect import RAW_AND_IPP_DELIVERED
from samples.story import Story, Tap

story = Story(taps=(Tap(mirror=mirrors.vxlan),))
plays.raw_print(story, SERVER, printer(), at=1.0)
plays.ipp(story, SERVER, printer(), 631, at=3.0)

EXPECT = RAW_AND_IPP_DELIVERED

if __name__ == "__main__":
    story.save(__file__)
