"""The job was running when the capture began, and ended with a reset that is only a rude goodbye.

Payload and acknowledgements go both ways: the port is open however it ends. A lone FIN of a connection that ended
before the capture is no attempt at all.
"""

from samples import plays, speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

mfd = printer()
story = Story()

job = tcp(story, SERVER, mfd, 9100, at=0.2)
job.resume()
job.say(speech.print_job(6))
job.answer(b"@PJL USTATUS PAGE\r\n1\r\n")
job.say(speech.print_job(6))
job.reset("client")

# Of an earlier job only the server's last FIN is left.
old = tcp(story, SERVER, mfd, 9100, at=0.1)
old.resume()
old.finish("client")

plays.snmp(story, SERVER, mfd, at=5.0)

EXPECT = Expect(
    exit=0,
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "satisfied", "ok", {9100: Port("open", says="mid-stream")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
