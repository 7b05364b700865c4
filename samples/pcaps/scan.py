"""An unknown host tries thirty ports of the print server, which refuses each by itself; printing goes on.

More than twenty ports of one initiator are one finding with its counts, not thirty.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Odd
from samples.story import Host, Story
from samples.talk import tcp

stranger = Host(name="stranger", address="203.0.113.66", segment="office", ttl=64)
story = Story()
plays.raw_print(story, SERVER, printer(), at=1.0)
for number in range(30):
    knock = tcp(story, stranger, SERVER, 20000 + 7 * number, at=3.0 + number / 50)
    knock.syn()
    knock.refuse()

EXPECT = Expect(
    exit=0,
    unexpected=(
        Odd(
            "outside-site",
            "203.0.113.66",
            "print-server",
            None,
            "refused",
            "reset-by-responder",
            severity="warning",
            scan=(1, 30),
        ),
    ),
)

if __name__ == "__main__":
    story.save(__file__)
