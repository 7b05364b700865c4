"""The printer announces an address that is not its own, as it does behind a translation that ignores FTP.

The server believes it and knocks at a stranger's door; nobody answers. That is the data row's failure, and the
stranger is no unexpected partner.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp

inside = Host(name="announced", address="203.0.113.77", segment="nowhere", ttl=64)
story = Story()
control = plays.ftp_login(story, printer(), SERVER, at=1.0)
control.say(b"PORT 203,0,113,77,196,101\r\n")
control.answer(b"200 I will come\r\n")
control.say(b"STOR scan-0001.pdf\r\n")
tcp(story, SERVER, inside, 196 * 256 + 101, at=control.at + 0.02, source_port=20).knock(times=5)
control.wait(40.0)
control.say(b"QUIT\r\n")
control.answer(b"221 goodbye\r\n")
control.close()

EXPECT = Expect(
    exit=0,
    findings={
        ("server-to-printer/ftp-active-data", "print-server", "203.0.113.77"): Found(
            "unanswered",
            "warning",
            {50277: Port("unanswered", "no-answer", says="announced address is not the control peer")},
        ),
    },
    fine={("printer-to-server/ftp-scanning", "mfd-1", "print-server"): Found("satisfied", "ok", {21: Port("open")})},
)

if __name__ == "__main__":
    story.save(__file__)
