"""Network and service are well, the credentials are not.

The first printer's FTP log-in is refused (530), and jobs sent to it over IPP only ever get 401. The second one lets
the printer log in; it challenges IPP with 401 and then takes the job: a challenge is no refusal.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

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
    plays.exchange(story, SERVER, printer(1), 631, speech.ipp_request("198.51.100.21"), challenge, at=at + 2)

plays.ftp_login(story, printer(2), SERVER, at=5.0).close()
welcome = tcp(story, SERVER, printer(2), 631, at=7.0)
welcome.open()
welcome.say(speech.ipp_request("198.51.100.22"))
welcome.answer(challenge)
welcome.say(speech.ipp_request("198.51.100.22"))
welcome.answer(speech.ipp_reply())
welcome.close()

EXPECT = Expect(
    exit=1,
    findings={
        ("printer-to-server/ftp-scanning", "mfd-1", "print-server"): Found(
            "failing", "violation", {21: Port("failing", "application-refused", says="530")}
        ),
        ("server-to-printer/ipp-delivery", "print-server", "mfd-1"): Found(
            "failing", "violation", {631: Port("failing", "application-refused", says="401")}
        ),
    },
    fine={
        ("printer-to-server/ftp-scanning", "mfd-2", "print-server"): Found("satisfied", "ok", {21: Port("open")}),
        ("server-to-printer/ipp-delivery", "print-server", "mfd-2"): Found("satisfied", "ok", {631: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
