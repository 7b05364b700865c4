"""Two captures at once, beside the server and beside the printers; their clocks differ by 20 milliseconds.

The first printer's job appears in both files and is one job. The SYNs to the second printer are in the server's file
only: they were dropped between the two, and the printer, whose own segment was watched, never saw them.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import NOBODY, Expect, Found, Port
from samples.story import Story, Tap
from samples.talk import tcp

story = Story(taps=(Tap(), Tap(segment="printers", lag=0.0007, clock=0.02, file=2)))
for number in (1, 2):
    plays.snmp(story, SERVER, printer(number), at=number / 10, number=4000 + number)
plays.raw_print(story, SERVER, printer(1), at=1.0)

lost = tcp(story, SERVER, printer(2), 9100, at=2.0)
lost.knock(times=5)
for moment in story.moments[-5:]:
    moment.only_tap = 0
plays.snmp(story, SERVER, printer(2), at=40.0, number=4003)

_RULE = "server-to-printer/raw-delivery"
EXPECT = Expect(
    exit=1,
    findings={
        (_RULE, "print-server", "mfd-2"): Found(
            "blocked", "violation", {9100: Port("blocked", "no-answer", by=NOBODY)}
        ),
    },
    fine={
        (_RULE, "print-server", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
    },
    problems=("same-traffic",),
)

if __name__ == "__main__":
    story.save(__file__)
