"""The Mobile Integration Gateway announces its printers by multicast, takes a job from a phone and tells the spooler.

Announcements are sent and seen; who heard them no capture can show.
"""

from samples import plays, speech
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import shout

gateway = Host(name="gateway", address="192.0.2.40", ttl=255)
spooler = Host(name="spooler-1", address="192.0.2.31", ttl=128)
phone = Host(name="phone", address="203.0.113.50", segment="office", ttl=64, delay=0.004)
story = Story()
for at in (1.0, 2.0, 4.0, 8.0, 16.0):
    shout(story, gateway, "224.0.0.251", 5353, speech.mdns_announcement(), at=at, source_port=5353)
plays.tls(story, phone, gateway, 8050, at=10.0, subject="gateway")
plays.private(story, gateway, spooler, 5556, at=11.0)

EXPECT = Expect(
    exit=0,
    fine={
        ("other/mobile-jobs", "phones", "gateway"): Found("satisfied", "ok", {8050: Port("open")}, clients=(1, 1, 0)),
        ("inter-server/mobile-integration-gateway", "gateway", "spooler-1"): Found(
            "satisfied", "ok", {5556: Port("open")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
