"""SNMP stays silent by design where it does not like the question, so silence alone accuses nobody.

The first printer answers the second server and not the first, to the very same question: an access list, or a filter.
The second answers another community: perhaps the first server has the wrong one. The third answers nobody.
"""

from samples import speech
from samples.cast import SECOND, SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import udp

story = Story()
for number in (1, 2, 3):
    unheard = udp(story, SERVER, printer(number), 161, at=float(number))
    for _ in range(4):
        unheard.say(speech.snmp_get(4000 + number))
        unheard.wait(5.0)

for number, community in ((1, "sample"), (2, "another")):
    heard = udp(story, SECOND, printer(number), 161, at=30.0 + number)
    heard.say(speech.snmp_get(5000 + number, community))
    heard.answer(speech.snmp_response(5000 + number, community))

_RULE = "server-to-printer/snmp-accounting"
EXPECT = Expect(
    exit=1,
    findings={
        (_RULE, "print-server", "mfd-1"): Found(
            "blocked", "violation", {161: Port("blocked", "no-answer", confidence="medium")}
        ),
        (_RULE, "print-server", "mfd-2"): Found(
            "unanswered", "violation", {161: Port("unanswered", "no-answer", says="community?")}
        ),
        (_RULE, "print-server", "mfd-3"): Found("unanswered", "violation", {161: Port("unanswered", "no-answer")}),
    },
    fine={
        (_RULE, "print-server-2", "mfd-1"): Found("satisfied", "ok", {161: Port("open")}),
        (_RULE, "print-server-2", "mfd-2"): Found("satisfied", "ok", {161: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
