"""Network and service are well, the credentials are not.

The first printer's FTP log-in is refused (530) and its WebDAV request only ever gets 401. The second one is
challenged with 401, comes back with a password and is let in: a challenge is no refusal.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

request = speech.http_request("PROPFIND", "/scans/", "192.0.2.10")
challenge = speech.http_reply(401, "Unauthorized")
story = Story()

for at in (1.0, 21.0):
    locked_out = tcp(story, printer(1), SERVER, 21, at=at)
    locked_out.open()
    locked_out.answer(b"220 sample FTP service\r\n")
    locked_out.say(b"USER sample\r\n")
    locked_out.answer(b"331 go on\r\n")
    locked_out.say(b"PASS wrong\r\n")
    locked_out.answer(b"530 not logged in\r\n")
    locked_out.close("server")
    plays.exchange(story, printer(1), SERVER, 5610, request, challenge, at=at + 2)

plays.ftp_login(story, printer(2), SERVER, at=5.0).close()
welcome = tcp(story, printer(2), SERVER, 5610, at=7.0)
welcome.open()
welcome.say(request)
welcome.answer(challenge)
welcome.say(request)
welcome.answer(speech.http_reply(207, "Multi-Status", b"<D:multistatus/>", "application/xml"))
welcome.close()

EXPECT = Expect(
    exit=1,
    findings={
        ("printer-to-server/ftp-scanning", "mfd-1", "print-server"): Found(
            "failing", "violation", {21: Port("failing", "application-refused", says="530")}
        ),
        ("printer-to-server/webdav-scanning", "mfd-1", "print-server"): Found(
            "failing", "violation", {5610: Port("failing", "application-refused", says="401")}
        ),
    },
    fine={
        ("printer-to-server/ftp-scanning", "mfd-2", "print-server"): Found("satisfied", "ok", {21: Port("open")}),
        ("printer-to-server/webdav-scanning", "mfd-2", "print-server"): Found("satisfied", "ok", {5610: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
