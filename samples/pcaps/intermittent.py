"""A rule is opened while the capture runs, and a slow path that only looks like a fault.

The first printer's port is dropped at first and works after half a minute: intermittent. The second one's SYN is lost
twice and answered the third time: one attempt, open, only late.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
for number in (1, 2):
    plays.snmp(story, SERVER, printer(number), at=number / 10, number=4000 + number)

tcp(story, SERVER, printer(1), 9100, at=1.0).knock(times=5)
for at in (31.0, 35.0):
    plays.raw_print(story, SERVER, printer(1), at=at)

late = tcp(story, SERVER, printer(2), 9100, at=2.0)
late.knock(times=3)
late.syn_ack()
late.established()
late.say(speech.print_job())
late.close()

EXPECT = Expect(
    exit=0,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "intermittent", "warning", {9100: Port("intermittent", "no-answer")}
        ),
    },
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-2"): Found(
            "satisfied", "ok", {9100: Port("open", says="delayed 3.0 s")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
