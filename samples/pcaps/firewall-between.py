"""Two capture points, beside the server and beside the printers, and a firewall between them that does four things.

Jobs to the first printer work, which shows that both points see what passes. Raw jobs to the second are dropped on the
way there; to the third they arrive, and the answers are dropped on the way back; the fourth's connection is torn by resets to
both ends, each in the other's name, which that other never sent. The fifth printer gets every SYN and does not answer: its own
filter. The clocks are 1.25 seconds apart.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import NOBODY, Expect, Found, Port
from samples.story import Story, Tap
from samples.talk import tcp

SERVERS, PRINTERS = 0, 1

story = Story(taps=(Tap(), Tap(segment="printers", lag=0.0007, clock=1.25, file=2)))
for number in range(1, 6):
    plays.snmp(story, SERVER, printer(number), at=number / 10, number=4000 + number)
plays.raw_print(story, SERVER, printer(1), at=1.0)

# Seven SYNs to the second printer leave the servers and never come to the printers.
dropped = tcp(story, SERVER, printer(2), 9100, at=2.0)
dropped.knock(times=7)
for moment in story.moments[-7:]:
    moment.only_tap = SERVERS

# The third printer agrees, and agrees again; the server never hears of it.
unheard = tcp(story, SERVER, printer(3), 9100, at=70.0)
for wait in (1.0, 2.0, 4.0):
    unheard.syn()
    unheard.syn_ack()
    story.moments[-1].only_tap = PRINTERS
    unheard.wait(wait)

# The job to the fourth is torn by resets with the TTLs of the ends: only that neither end sent one gives them away.
torn = tcp(story, SERVER, printer(4), 9100, at=80.0)
torn.open()
torn.say(speech.print_job())
torn.forge("server", ttl=63)
story.moments[-1].only_tap = SERVERS
torn.forge("client", ttl=127)
story.moments[-1].only_tap = PRINTERS

# The fifth sees every SYN.
tcp(story, SERVER, printer(5), 9100, at=90.0).knock(times=5)

for number in range(1, 6):
    plays.snmp(story, SERVER, printer(number), at=120 + number / 10, number=4010 + number)

_RULE = "server-to-printer/raw-delivery"


def _stopped(cause: str, says: str, by: str = NOBODY) -> Found:
    return Found("blocked", "violation", {9100: Port("blocked", cause, by=by, confidence="high", says=says)})


EXPECT = Expect(
    exit=1,
    vantage=True,
    findings={
        (_RULE, "print-server", "mfd-2"): _stopped(
            "no-answer", "seen at firewall-between.pcap and not at 2.pcap: lost between them"
        ),
        (_RULE, "print-server", "mfd-3"): _stopped(
            "return-path",
            "answered at 2.pcap, and no answer at firewall-between.pcap: lost between them, on the way back",
        ),
        (_RULE, "print-server", "mfd-4"): _stopped(
            "reset-in-path", "reset seen at firewall-between.pcap and not at 2.pcap: made between them"
        ),
        (_RULE, "print-server", "mfd-5"): _stopped("no-answer", "it came as far as 2.pcap", by=printer(5).address),
    },
    fine={
        (_RULE, "print-server", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
