"""SNMP is asked and answered again and again: the answers do not reach the server.

Taken beside the printer. The same request (same ports, same request id) comes back within five seconds of each
answer, which nobody does who has heard it.
"""

from samples import speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story, Tap
from samples.talk import udp

story = Story(taps=(Tap(segment="printers"),))
talk = udp(story, SERVER, printer(), 161, at=1.0)
for _ in range(4):
    talk.say(speech.snmp_get(4001))
    talk.answer(speech.snmp_response(4001))
    talk.wait(2.0)
story.arp(20.0, printer(), printer(2), answered=False)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/snmp-accounting", "print-server", "mfd-1"): Found(
            "blocked", "violation", {161: Port("blocked", "return-path")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
