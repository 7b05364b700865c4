"""A loopback capture (BSD null link) whose host nobody named: only rows whose port was seen are judged.

On 127.0.0.1 the Terminal Server refuses 5557; everything else of the server stays not observable.
"""

from samples import plays
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp

local = Host(name="site-server-1", address="127.0.0.1", ttl=64)
story = Story(link="null")

for at in (1.0, 4.0, 9.0):
    request = tcp(story, local, local, 5557, at=at)
    request.syn()
    request.refuse()
plays.private(story, local, local, 5432, at=12.0)

EXPECT = Expect(
    exit=1,
    findings={
        ("other/terminal-server-requests", "127.0.0.1", "127.0.0.1"): Found(
            "refused", "violation", {5557: Port("refused", "reset-by-responder")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
