"""Printers say no themselves: one has raw printing switched off, another its SNMP agent.

The reset on 9100 has the TTL of that printer's genuine packets, and the port-unreachable comes from the printer's
own address: the network did its work, the device refused. Of the third printer there is nothing but resets, so that
a device in the path may have sent them.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp, udp

no_raw, no_agent = printer(1), printer(2)
story = Story()

plays.snmp(story, SERVER, no_raw, at=0.5)
for at in (1.0, 6.0, 11.0):
    job = tcp(story, SERVER, no_raw, 9100, at=at)
    job.syn()
    job.refuse()

plays.raw_print(story, SERVER, no_agent, at=2.0)
for at in (3.0, 8.0):
    question = udp(story, SERVER, no_agent, 161, at=at)
    question.say(speech.snmp_get(4010))
    question.icmp(3, 3, sender=no_agent)
plays.snmp(story, SERVER, no_raw, at=20.0, number=4002)

for at in (4.0, 9.0):
    job = tcp(story, SERVER, printer(3), 9100, at=at)
    job.syn()
    job.refuse()

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "refused", "violation", {9100: Port("refused", "reset-by-responder", by="198.51.100.21")}
        ),
        ("server-to-printer/raw-delivery", "print-server", "mfd-3"): Found(
            "refused", "violation", {9100: Port("refused", "reset-by-responder", confidence="low")}
        ),
        ("server-to-printer/snmp-accounting", "print-server", "mfd-2"): Found(
            "refused", "violation", {161: Port("refused", "icmp-port-unreachable", by="198.51.100.22")}
        ),
        ("server-to-printer/snmp-accounting", None, "mfd-3"): Found("missing", "warning", {161: Port("not-attempted")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
