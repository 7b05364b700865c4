"""A classic pcap file in the byte order of a big-endian machine, with nanoseconds."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import NOBODY, Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story(order=">", nanoseconds=True)
plays.snmp(story, SERVER, printer(), at=1.0)
tcp(story, SERVER, printer(), 9100, at=2.0).knock(times=5)
plays.snmp(story, SERVER, printer(), at=30.0, number=4002)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "blocked", "violation", {9100: Port("blocked", "no-answer", by=NOBODY, confidence="high")}
        ),
    },
    fine={
        ("server-to-printer/snmp-accounting", "print-server", "mfd-1"): Found("satisfied", "ok", {161: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
