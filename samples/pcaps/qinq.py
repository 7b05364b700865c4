"""A provider's mirror: every frame carries a service tag and a customer tag (IEEE 802.1ad)."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import RAW_AND_IPP_DELIVERED
from samples.story import Story, Tap

story = Story(taps=(Tap(vlans=(100, 10)),))
plays.raw_print(story, SERVER, printer(), at=1.0)
plays.ipp(story, SERVER, printer(), 631, at=3.0)

EXPECT = RAW_AND_IPP_DELIVERED

if __name__ == "__main__":
    story.save(__file__)
