"""The capture ends two seconds after the first SYN: too early to call the silence anything."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
plays.snmp(story, SERVER, printer(), at=1.0)
tcp(story, SERVER, printer(), 9100, at=5.0).knock(times=2)
plays.snmp(story, SERVER, printer(), at=7.0, number=4002)

EXPECT = Expect(
    exit=0,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "inconclusive", "notice", {9100: Port("pending")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
