"""Two ports that only a conversation tells, and that a filter drops: an active scan's, and that of a remote object.

The printer asks for its scan to be fetched from a port that it names; the server's connection to it finds no answer. The
registry of the Management Service names the port of its object; monitoring, which reaches the registry, does not reach that.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp

management = Host(name="management-1", address="192.0.2.20", ttl=128)
monitoring = Host(name="monitoring", address="203.0.113.10", segment="office", ttl=64)
story = Story()

control = plays.ftp_login(story, printer(1), SERVER, at=1.0)
control.say(b"PORT 198,51,100,21,196,100\r\n")
control.answer(b"200 I will come\r\n")
control.say(b"STOR scan-0001.pdf\r\n")
tcp(story, SERVER, printer(1), 196 * 256 + 100, at=control.at + 0.02, source_port=20).knock(times=5)
control.wait(40.0)
control.answer(b"425 cannot open a data connection\r\n")
control.close()

plays.tls(story, monitoring, management, 443, at=1.5, subject="management-1")
plays.tls(story, monitoring, management, 9443, at=2.0, subject="management-1")
registry = tcp(story, monitoring, management, 19898, at=3.0)
registry.open()
registry.say(speech.rmi_greeting())
registry.answer(speech.rmi_acknowledge("203.0.113.10", 50000))
registry.say(speech.rmi_lookup())
registry.answer(speech.rmi_stub("192.0.2.20", 41234))
tcp(story, monitoring, management, 41234, at=registry.at + 0.02).knock(times=5)
registry.wait(40.0)
registry.close()

EXPECT = Expect(
    exit=1,
    findings={
        ("printer-to-server/ftp-scanning", "mfd-1", "print-server"): Found(
            "failing", "violation", {21: Port("failing", "application-refused")}
        ),
        ("server-to-printer/ftp-active-data", "print-server", "mfd-1"): Found(
            "blocked", "warning", {50276: Port("blocked", "no-answer")}
        ),
        ("workstation-to-server/jmx-management", "monitoring", "management-1"): Found(
            "blocked", "warning", {19898: Port("open"), 41234: Port("blocked", "no-answer")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
