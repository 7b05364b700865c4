"""AUTH TLS hides which data port is announced (RFC 4217).

A high port of the same pair, opened during the session, is taken for the scan's data: not proven, and not unexpected.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
control = tcp(story, printer(), SERVER, 21, at=1.0)
control.open()
control.answer(b"220 sample FTP service\r\n")
control.say(b"AUTH TLS\r\n")
control.answer(b"234 go ahead\r\n")
control.say(speech.tls_client_hello())
control.answer(speech.tls_server_hello("print-server"))
control.say(speech.tls_client_finish())
control.answer(speech.tls_server_finish())
control.say(speech.tls_data(60))
control.answer(speech.tls_data(80))
plays.tls(story, printer(), SERVER, 50333, at=control.at + 0.05, subject="print-server")
control.wait(1.0)
control.answer(speech.tls_data(50))
control.close()

EXPECT = Expect(
    exit=0,
    findings={
        ("printer-to-server/ftp-passive-data", "mfd-1", "print-server"): Found(
            "inconclusive", "notice", {50333: Port("open")}
        ),
    },
    fine={("printer-to-server/ftp-scanning", "mfd-1", "print-server"): Found("satisfied", "ok", {21: Port("open")})},
)

if __name__ == "__main__":
    story.save(__file__)
