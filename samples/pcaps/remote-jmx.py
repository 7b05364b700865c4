"""JMX from another machine, in a site that lists it as meant: a rule that is satisfied, not a leak.

The registry's port is the one that the page names; the administrator also uses the two web pages.
"""

from samples import plays, speech
from samples.expect import Expect, Found, Port
from samples.story import Host, Story

management = Host(name="management-1", address="192.0.2.20", ttl=128)
monitoring = Host(name="monitoring", address="203.0.113.10", segment="office", ttl=64)
story = Story()
plays.tls(story, monitoring, management, 443, at=1.0, subject="management-1")
plays.tls(story, monitoring, management, 9443, at=2.0, subject="management-1")
for at in (3.0, 33.0):
    plays.exchange(
        story,
        monitoring,
        management,
        19898,
        speech.rmi_greeting(),
        speech.rmi_acknowledge("203.0.113.10", 50000),
        at=at,
    )

EXPECT = Expect(
    exit=0,
    fine={
        ("workstation-to-server/jmx-management", "monitoring", "management-1"): Found(
            "satisfied", "ok", {19898: Port("open")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
