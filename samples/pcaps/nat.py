"""The office appears behind the address of its firewall, and the site file says so: its expectations are satisfied."""

from samples import plays
from samples.expect import Expect, Found, Port
from samples.story import Host, Story

management = Host(name="management-1", address="192.0.2.20", ttl=128)
translated = Host(name="office-firewall", address="198.51.100.254", segment="wan", ttl=127)
story = Story()
plays.tls(story, translated, management, 443, at=1.0, subject="management-1")
plays.tls(story, translated, management, 9443, at=2.0, subject="management-1")

EXPECT = Expect(
    exit=0,
    fine={
        ("workstation-to-server/administration-web", "office", "management-1"): Found(
            "satisfied", "ok", {443: Port("open", says="originator hidden")}
        ),
        ("workstation-to-server/end-user-web", "office", "management-1"): Found(
            "satisfied", "ok", {9443: Port("open", says="originator hidden")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
