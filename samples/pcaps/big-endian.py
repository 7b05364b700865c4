"""A classic pcap file in the byte order of a big-endian machine, with nanoseconds."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story(order=">", nanoseconds=True)
plays.ipp(story, SERVER, printer(), 631, at=1.0)
tcp(story, SERVER, printer(), 9100, at=2.0).knock(times=5)
plays.ipp(story, SERVER, printer(), 631, at=30.0)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "blocked", "violation", {9100: Port("blocked", "no-answer", confidence="high")}
        ),
    },
    fine={
        ("server-to-printer/ipp-delivery", "print-server", "mfd-1"): Found("satisfied", "ok", {631: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
