"""Scans by FTP, whose data connections use ports that only the control connection tells.

The first printer is passive, the second active (the server opens to it from port 20). The third is passive too, but
its data connection is dropped by a filter that lets only 21 through.
"""

from samples import plays
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

SCAN = b"%PDF-1.7\n" + bytes(3000)
story = Story()

passive = plays.ftp_login(story, printer(1), SERVER, at=1.0)
passive.say(b"EPSV\r\n")
passive.answer(b"229 Entering Extended Passive Mode (|||50210|)\r\n")
passive.say(b"STOR scan-0001.pdf\r\n")
data = tcp(story, printer(1), SERVER, 50210, at=passive.at + 0.02)
data.open()
data.say(SCAN)
data.close()
passive.wait(0.3)
passive.answer(b"226 stored\r\n")
passive.close()

active = plays.ftp_login(story, printer(2), SERVER, at=3.0)
active.say(b"PORT 198,51,100,22,196,100\r\n")
active.answer(b"200 I will come\r\n")
active.say(b"STOR scan-0002.pdf\r\n")
back = tcp(story, SERVER, printer(2), 196 * 256 + 100, at=active.at + 0.02, source_port=20)
back.open()
back.answer(SCAN)
back.close("server")
active.wait(0.3)
active.answer(b"226 stored\r\n")
active.close()

dropped = plays.ftp_login(story, printer(3), SERVER, at=6.0)
dropped.say(b"PASV\r\n")
dropped.answer(b"227 Entering Passive Mode (192,0,2,10,196,40)\r\n")
dropped.say(b"STOR scan-0003.pdf\r\n")
data = tcp(story, printer(3), SERVER, 196 * 256 + 40, at=dropped.at + 0.02)
data.knock(times=5)
dropped.wait(40.0)
dropped.say(b"QUIT\r\n")
dropped.answer(b"221 goodbye\r\n")
dropped.close()

EXPECT = Expect(
    exit=0,
    findings={
        ("printer-to-server/ftp-passive-data", "mfd-3", "print-server"): Found(
            "blocked", "warning", {50216: Port("blocked", "no-answer")}
        ),
    },
    fine={
        ("printer-to-server/ftp-passive-data", "mfd-1", "print-server"): Found(
            "satisfied", "ok", {50210: Port("open")}
        ),
        ("server-to-printer/ftp-active-data", "print-server", "mfd-2"): Found("satisfied", "ok", {50276: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
