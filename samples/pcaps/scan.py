"""An unknown host tries thirty ports of the print server, and the print server itself looks for shares everywhere.

The first is refused by the server port by port, the second gets no answer from any of twenty-five addresses. More
than twenty ports or hosts of one initiator are one finding with its counts. Printing goes on.
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
for number in range(25):
    somebody = Host(name="somebody", address=f"203.0.113.{200 + number}", segment="office")
    tcp(story, SERVER, somebody, 445, at=8.0 + number / 20).knock(times=3)
plays.raw_print(story, SERVER, printer(), at=20.0)

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
        Odd("outside-site", "print-server", None, 445, "unanswered", "no-answer", severity="notice", scan=(25, 1)),
    ),
)

if __name__ == "__main__":
    story.save(__file__)
