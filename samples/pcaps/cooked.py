"""Linux cooked capture, version 1: no destination MAC, but a direction.

Jobs go out raw. IPP is refused by the printer itself, which is worth a notice: one way of delivery is enough.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story(link="sll", capturer=SERVER)
plays.raw_print(story, SERVER, printer(), at=1.0)
for at in (3.0, 6.0):
    attempt = tcp(story, SERVER, printer(), 631, at=at)
    attempt.syn()
    attempt.refuse()
plays.raw_print(story, SERVER, printer(), at=10.0)

EXPECT = Expect(
    exit=0,
    findings={
        ("server-to-printer/ipp-delivery", "print-server", "mfd-1"): Found(
            "refused", "notice", {631: Port("refused", "reset-by-responder", by="198.51.100.21")}
        ),
    },
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
