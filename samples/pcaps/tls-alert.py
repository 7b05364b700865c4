"""Scanning by WebDAV inside TLS: the network is fine, the certificates are not.

The first printer does not know the issuer and says so; to the second the server finds nothing to agree on. At the
third a plain web server answers the ClientHello in clear text, which is another protocol.
"""

from samples import speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
for at in (1.0, 31.0):
    distrust = tcp(story, printer(1), SERVER, 5610, at=at)
    distrust.open()
    distrust.say(speech.tls_client_hello("print-server.example"))
    distrust.answer(speech.tls_server_hello("print-server"))
    distrust.say(speech.tls_alert("unknown_ca"))
    distrust.close()

    nothing_in_common = tcp(story, printer(2), SERVER, 5610, at=at + 2)
    nothing_in_common.open()
    nothing_in_common.say(speech.tls_client_hello())
    nothing_in_common.answer(speech.tls_alert("handshake_failure"))
    nothing_in_common.close("server")

    misunderstood = tcp(story, printer(3), SERVER, 5610, at=at + 4)
    misunderstood.open()
    misunderstood.say(speech.tls_client_hello())
    misunderstood.answer(speech.http_reply(400, "Bad Request"))
    misunderstood.close("server")

_RULE = "printer-to-server/webdav-scanning"
EXPECT = Expect(
    exit=1,
    findings={
        (_RULE, "mfd-1", "print-server"): Found(
            "failing", "violation", {5610: Port("failing", "tls-alert", by="198.51.100.21", says="unknown_ca")}
        ),
        (_RULE, "mfd-2", "print-server"): Found(
            "failing", "violation", {5610: Port("failing", "tls-alert", by="192.0.2.10", says="handshake_failure")}
        ),
        (_RULE, "mfd-3", "print-server"): Found("wrong-protocol", "violation", {5610: Port("wrong-protocol")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
