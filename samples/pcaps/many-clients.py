"""Five workstations of one network call the administration; the server answers three of them.

Taken on the server's own segment: the SYNs of the fourth arrive and stay without answer (a filter on the server), the
fifth is told by ICMP that it is not wanted. The network as a whole is served; each of the two has its own entry.
"""

from samples import plays
from samples.cast import workstation
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp

management = Host(name="management-1", address="192.0.2.20", ttl=128)
story = Story()

for number in (1, 2, 3):
    plays.tls(story, workstation(number), management, 443, at=float(number), subject="management-1")
plays.tls(story, workstation(1), management, 9443, at=5.0, subject="management-1")
tcp(story, workstation(4), management, 443, at=6.0).knock(times=5)
unwanted = tcp(story, workstation(5), management, 443, at=8.0)
unwanted.syn()
unwanted.icmp(3, 13, sender=management)
plays.tls(story, workstation(2), management, 443, at=40.0, subject="management-1")

_RULE = "workstation-to-server/administration-web"
EXPECT = Expect(
    exit=1,
    findings={
        (_RULE, "203.0.113.104", "management-1"): Found(
            "blocked", "violation", {443: Port("blocked", "no-answer", by="192.0.2.20")}
        ),
        (_RULE, "203.0.113.105", "management-1"): Found(
            "blocked", "violation", {443: Port("blocked", "icmp-admin-prohibited", by="192.0.2.20")}
        ),
    },
    fine={
        (_RULE, "office", "management-1"): Found("satisfied", "ok", clients=(5, 3, 2)),
    },
)

if __name__ == "__main__":
    story.save(__file__)
