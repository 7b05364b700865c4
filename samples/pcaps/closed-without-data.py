"""The server takes the connection and drops it without a word: a service that is not what it should be.

To the first printer it closes after the request, to the second it resets a bare handshake. The third closes by
itself after a handshake, which proves an open port and nothing else.
"""

from samples import speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
for at in (1.0, 21.0):
    hung_up = tcp(story, printer(1), SERVER, 5610, at=at)
    hung_up.open()
    hung_up.say(speech.opaque())
    hung_up.close("server")

    thrown_out = tcp(story, printer(2), SERVER, 5610, at=at + 2)
    thrown_out.open()
    thrown_out.wait(0.2)
    thrown_out.reset("server")

    wordless = tcp(story, printer(3), SERVER, 5610, at=at + 4)
    wordless.open()
    wordless.wait(1.0)
    wordless.close()

_RULE = "printer-to-server/webdav-scanning"
_CLOSED = Found("failing", "violation", {5610: Port("failing", "closed-without-data")})
EXPECT = Expect(
    exit=1,
    findings={(_RULE, "mfd-1", "print-server"): _CLOSED, (_RULE, "mfd-2", "print-server"): _CLOSED},
    fine={
        (_RULE, "mfd-3", "print-server"): Found("satisfied", "ok", {5610: Port("open", says="protocol unproven")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
