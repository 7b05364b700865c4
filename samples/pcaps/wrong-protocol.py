"""On the first printer's 9100 an SSH server greets the job; the second prints."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story

story = Story()
for at in (1.0, 6.0):
    plays.ssh(story, SERVER, printer(1), 9100, at=at)
plays.raw_print(story, SERVER, printer(2), at=10.0)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "wrong-protocol", "violation", {9100: Port("wrong-protocol")}
        ),
    },
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-2"): Found("satisfied", "ok", {9100: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
