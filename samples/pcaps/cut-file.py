"""The disk was full: the file ends in the middle of a packet. What came before counts, and the report says so."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story

story = Story(cut=700)
plays.raw_print(story, SERVER, printer(), at=1.0)
plays.raw_print(story, SERVER, printer(), at=2.0)

EXPECT = Expect(
    exit=0,
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
    },
    problems=("cut-short",),
    complete=False,
)

if __name__ == "__main__":
    story.save(__file__)
