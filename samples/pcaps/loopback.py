"""Taken on the Site Server itself, on all interfaces (Linux cooked, version 2): now the loopback rows can be judged.

Spooler Controller and Terminal Server find each other on 127.0.0.1 and under the server's own address. A database on
the same machine is its own affair.
"""

from samples import plays
from samples.expect import Expect, Found, Port
from samples.story import Host, Story

server = Host(name="site-server-1", address="192.0.2.10", ttl=128)
local = server.using("127.0.0.1")
story = Story(link="sll2", capturer=server)

plays.private(story, local, local, 5557, at=1.0)
plays.private(story, server, server, 5556, at=2.0)
plays.private(story, server, server, 5555, at=3.0)
plays.http(story, local, local, 4000, at=4.0)
plays.private(story, local, local, 5432, at=5.0)

_ITSELF = ("site-server-1", "site-server-1")
EXPECT = Expect(
    exit=0,
    at="site-server-1",
    fine={
        ("other/terminal-server-requests", *_ITSELF): Found("satisfied", "ok", {5557: Port("open")}),
        ("inter-server/terminal-server-control", *_ITSELF): Found("satisfied", "ok", {5556: Port("open")}),
        ("printer-to-server/spooler-controller", *_ITSELF): Found("satisfied", "ok", {5555: Port("open")}),
        ("inter-server/spooler-controller", *_ITSELF): Found("satisfied", "ok", {5555: Port("open")}),
        ("workstation-to-server/workflow-processing", *_ITSELF): Found("satisfied", "ok", {4000: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
