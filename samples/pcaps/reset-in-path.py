"""Something in the path kills connections with resets in the printer's name.

The printers' genuine packets arrive with TTL 63; the resets have 253 and number their IP IDs differently. Once the
reset answers the SYN, once it comes into a running job and the printer, which never sent it, carries on.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

at_once, in_the_job = printer(1), printer(2)
story = Story()

# Genuine packets of both printers, to compare with.
plays.snmp(story, SERVER, at_once, at=0.5)
plays.snmp(story, SERVER, in_the_job, at=0.7)

for at in (1.0, 5.0):
    job = tcp(story, SERVER, at_once, 9100, at=at)
    job.syn()
    job.forge("server", ttl=253, plus=1)

for at in (2.0, 8.0):
    job = tcp(story, SERVER, in_the_job, 9100, at=at)
    job.open()
    job.say(speech.print_job(2))
    job.forge("server", ttl=253)
    # The printer does not know that it "reset" anything and asks for news of its job.
    job.wait(0.5)
    job.answer(b"@PJL USTATUS JOB\r\n", heard=False)
plays.snmp(story, SERVER, at_once, at=20.0, number=4002)

_FORGED = Found("blocked", "violation", {9100: Port("blocked", "reset-in-path")})
EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): _FORGED,
        ("server-to-printer/raw-delivery", "print-server", "mfd-2"): _FORGED,
    },
)

if __name__ == "__main__":
    story.save(__file__)
