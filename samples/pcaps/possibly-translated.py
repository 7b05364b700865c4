"""The same office, but the site file does not know the firewall's address.

A stranger who does exactly what workstations do is possibly a workstation behind a translation: a notice, and the
workstations' own rows cannot be judged.
"""

from samples import plays
from samples.expect import Expect, Odd
from samples.story import Host, Story

management = Host(name="management-1", address="192.0.2.20", ttl=128)
translated = Host(name="office-firewall", address="198.51.100.254", segment="wan", ttl=127)
story = Story()
plays.tls(story, translated, management, 443, at=1.0, subject="management-1")
plays.tls(story, translated, management, 9443, at=2.0, subject="management-1")

EXPECT = Expect(
    exit=3,
    unexpected=(
        Odd("outside-site", "198.51.100.254", "management-1", 443, "open", severity="notice"),
        Odd("outside-site", "198.51.100.254", "management-1", 9443, "open", severity="notice"),
    ),
)

if __name__ == "__main__":
    story.save(__file__)
