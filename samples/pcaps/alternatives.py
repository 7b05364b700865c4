"""Konica Minolta with its OpenAPI set to "SSL only", beside a printer that nobody prints to.

50001 is refused and 50003 works: either satisfies the row, and the refusal is worth a notice. Its jobs go out raw, so
that IPP stays unused. For the second printer none of the delivery rows was tried: one of them is missing, once.
"""

from samples import plays, speech
from samples.cast import printer
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp, udp

server = Host(name="site-server-1", address="192.0.2.10", ttl=128)
mfd, idle = printer(1), printer(2)
story = Story()

plays.snmp(story, server, mfd, at=0.5)
for at in (1.0, 31.0):
    attempt = tcp(story, server, mfd, 50001, at=at)
    attempt.syn()
    attempt.refuse()
    plays.tls(story, server, mfd, 50003, at=at + 0.1, subject="KONICA MINOLTA bizhub")
plays.http(story, server, mfd, 80, at=3.0)
for at, port in enumerate(range(5014, 5020), start=5):
    plays.tls(story, mfd, server, port, at=float(at), subject="site-server-1")
plays.tls(story, mfd, server, 5022, at=12.0, subject="site-server-1")
plays.raw_print(story, server, mfd, at=15.0)
# The second printer is alive: it asks for the time, and that is all.
udp(story, idle, server, 123, at=21.0, source_port=123).say(speech.ntp_request())

EXPECT = Expect(
    exit=0,
    findings={
        ("server-to-printer/embedded-configuration", "site-server-1", "mfd-1"): Found(
            "satisfied", "notice", {50001: Port("refused", "reset-by-responder"), 50003: Port("open")}
        ),
        ("server-to-printer/ipp-delivery", None, "mfd-2"): Found("missing", "warning"),
    },
    fine={
        ("server-to-printer/ipp-delivery", None, "mfd-1"): Found("unused", "ok"),
        ("server-to-printer/raw-delivery", "site-server-1", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
        ("server-to-printer/raw-delivery", None, "mfd-2"): Found("unused", "ok"),
        ("server-to-printer/konica-minolta-install", "site-server-1", "mfd-1"): Found("satisfied", "ok"),
        ("printer-to-server/konica-minolta-session", "mfd-1", "site-server-1"): Found(
            "satisfied", "ok", {port: Port("open") for port in range(5014, 5020)}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
