"""A capture filter that matched nothing: a whole, correct file without a single packet proves nothing."""

from samples.expect import Expect
from samples.story import Story

story = Story()

EXPECT = Expect(exit=3)

if __name__ == "__main__":
    story.save(__file__)
