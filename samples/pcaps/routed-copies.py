"""The mirror shows both sides of the router: each packet once per VLAN, the second time with one hop less.

Two VLANs, two MAC pairs, two TTLs, yet one packet. The printer refuses 9100, and its reset, seen with two TTLs, is
genuine all the same.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story, Tap
from samples.talk import tcp

mfd = printer()
story = Story(taps=(Tap(vlans=(10,)), Tap(segment="printers", vlans=(20,), lag=0.00015)))

plays.snmp(story, SERVER, mfd, at=0.5)
for at in (1.0, 4.0):
    job = tcp(story, SERVER, mfd, 9100, at=at)
    job.syn()
    job.refuse()
plays.snmp(story, SERVER, mfd, at=10.0, number=4002)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "refused", "violation", {9100: Port("refused", "reset-by-responder", by="198.51.100.21")}
        ),
    },
    coverage={"duplicates_removed": len(story.moments)},
)

if __name__ == "__main__":
    story.save(__file__)
