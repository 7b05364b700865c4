"""TLS begins and nothing comes of it.

For the first printer the server acknowledges the ClientHello and never answers; the second printer hears the whole
ServerHello and falls silent until it gives up. The third one's session works.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
no_server_hello = tcp(story, printer(1), SERVER, 5610, at=1.0)
no_server_hello.open()
no_server_hello.say(speech.tls_client_hello())
no_server_hello.wait(20.0)
no_server_hello.close()

no_next_record = tcp(story, printer(2), SERVER, 5610, at=2.0)
no_next_record.open()
no_next_record.say(speech.tls_client_hello())
no_next_record.answer(speech.tls_server_hello("print-server"))
no_next_record.wait(20.0)
no_next_record.close()

plays.tls(story, printer(3), SERVER, 5610, at=3.0, subject="print-server")

_RULE = "printer-to-server/webdav-scanning"
_STALLED = Found("failing", "violation", {5610: Port("failing", "tls-stalled")})
EXPECT = Expect(
    exit=1,
    findings={(_RULE, "mfd-1", "print-server"): _STALLED, (_RULE, "mfd-2", "print-server"): _STALLED},
    fine={(_RULE, "mfd-3", "print-server"): Found("satisfied", "ok", {5610: Port("open")})},
)

if __name__ == "__main__":
    story.save(__file__)
