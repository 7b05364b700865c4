"""A roaming group that keeps in step by multicast: sent and seen is all that one can ask of it.

The group's address stands in the site file (RFC 6676 keeps 233.252.0.0/24 for documents).
"""

from samples import speech
from samples.expect import Expect
from samples.story import Host, Story
from samples.talk import shout

story = Story()
for number in (1, 2):
    spooler = Host(name=f"spooler-{number}", address=f"192.0.2.3{number}", ttl=8)
    for beat in range(6):
        shout(
            story,
            spooler,
            "233.252.0.10",
            45588,
            speech.jgroups_datagram(beat),
            at=1.0 + 5 * beat + number / 7,
            source_port=45588,
        )

EXPECT = Expect(exit=0)

if __name__ == "__main__":
    story.save(__file__)
