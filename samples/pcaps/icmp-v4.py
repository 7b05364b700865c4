"""A router, or the printer itself, answers the SYN with an ICMP error: one printer for each code that means something.

Codes of type 3 are those of RFC 792, RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1. Fragmentation needed
(3/4) is no refusal: that printer's job goes through afterwards.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Pair, Port
from samples.story import ROUTER, Story
from samples.talk import tcp

CAUSES = {
    (3, 9): "icmp-admin-prohibited",
    (3, 10): "icmp-admin-prohibited",
    (3, 13): "icmp-admin-prohibited",
    (3, 1): "icmp-host-unreachable",
    (3, 12): "icmp-host-unreachable",
    (3, 0): "icmp-net-unreachable",
    (3, 11): "icmp-net-unreachable",
    (3, 3): "icmp-port-unreachable",
    (3, 2): "icmp-other",
    (11, 0): "icmp-other",
}

story = Story()
findings: dict[Pair, Found] = {}
for number, ((kind, code), cause) in enumerate(CAUSES.items(), start=1):
    # Three SYNs of one attempt, each answered by the router with the same error.
    job = tcp(story, SERVER, printer(number), 9100, at=float(number))
    for _ in range(3):
        job.syn()
        job.icmp(kind, code)
        job.wait(1.0)
    findings["server-to-printer/raw-delivery", "print-server", f"mfd-{number}"] = Found(
        "blocked", "violation", {9100: Port("blocked", cause, by=ROUTER.address)}
    )

# A printer whose own firewall says "administratively prohibited" is still blocked, not refused.
own_firewall = tcp(story, SERVER, printer(11), 9100, at=20.0)
own_firewall.syn()
own_firewall.icmp(3, 13, sender=printer(11))
findings["server-to-printer/raw-delivery", "print-server", "mfd-11"] = Found(
    "blocked", "violation", {9100: Port("blocked", "icmp-admin-prohibited", by=printer(11).address)}
)

# Path MTU discovery: a segment was too big, and the job went on.
whole = tcp(story, SERVER, printer(12), 9100, at=22.0)
whole.open()
whole.say(b"\x1b%-12345X@PJL JOB\r\n", heard=False)
whole.icmp(3, 4)
whole.repeat(0.3)
whole.close()
plays.raw_print(story, SERVER, printer(12), at=30.0)

EXPECT = Expect(exit=1, findings=findings)

if __name__ == "__main__":
    story.save(__file__)
