"""Two printers with the same fault; somebody answers for both, but for the second only until the end of February 2026."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import NOBODY, Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
for number in (1, 2):
    plays.snmp(story, SERVER, printer(number), at=number / 10)
    tcp(story, SERVER, printer(number), 9100, at=float(number)).knock(times=5)
    plays.snmp(story, SERVER, printer(number), at=40.0 + number)

_BLOCKED: dict[int | None, Port] = {9100: Port("blocked", "no-answer", by=NOBODY, confidence="high")}
EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found("blocked", "ok", _BLOCKED, waived=True),
        ("server-to-printer/raw-delivery", "print-server", "mfd-2"): Found("blocked", "violation", _BLOCKED),
    },
)

if __name__ == "__main__":
    story.save(__file__)
