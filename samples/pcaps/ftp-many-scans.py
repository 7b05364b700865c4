"""Twenty-five scans over one FTP session, each on a port of its own: twenty are listed, the rest is counted."""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
control = plays.ftp_login(story, printer(), SERVER, at=1.0)
for number in range(25):
    port = 50000 + number
    control.say(b"EPSV\r\n")
    control.answer(f"229 Entering Extended Passive Mode (|||{port}|)\r\n".encode())
    control.say(f"STOR scan-{number:04}.pdf\r\n".encode())
    data = tcp(story, printer(), SERVER, port, at=control.at + 0.02)
    data.open()
    data.say(b"%PDF-1.7\n" + bytes(200))
    data.close()
    control.wait(0.5)
    control.answer(b"226 stored\r\n")
control.close()

EXPECT = Expect(
    exit=0,
    fine={
        ("printer-to-server/ftp-passive-data", "mfd-1", "print-server"): Found(
            "satisfied", "ok", {50000 + number: Port("open") for number in range(20)}, more=5
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
