"""Somewhere a tunnel swallows big packets without telling anyone: the handshake works, the job does not.

The job's small first line is acknowledged; the full segment after it is repeated again and again, unheard.
"""

from samples import speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
for at in (1.0, 41.0):
    job = tcp(story, SERVER, printer(), 9100, at=at)
    job.open()
    job.say(b"\x1b%-12345X@PJL JOB\r\n")
    job.say(speech.print_job(3)[:1460], heard=False)
    for wait in (0.3, 0.6, 1.2, 2.4, 4.8):
        job.repeat(wait)
    job.wait(9.6)
    job.reset("client")

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "blocked", "violation", {9100: Port("blocked", "dropped-after-handshake")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
