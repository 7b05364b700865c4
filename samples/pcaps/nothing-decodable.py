"""Only frames of a private EtherType (IEEE 802 local experimental): nothing decoded, so nothing can be said."""

from samples.cast import SERVER
from samples.expect import Expect
from samples.story import Story

story = Story()
for number in range(30):
    story.frame(number * 0.5, SERVER, 0x88B5, bytes([number]) * 64)

EXPECT = Expect(exit=3)

if __name__ == "__main__":
    story.save(__file__)
