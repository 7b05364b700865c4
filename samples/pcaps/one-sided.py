"""The mirror port copies only what the server sends.

Towards the first printer there are nothing but SYNs: no witness says whether answers came, so nothing can be told.
Towards the second the server acknowledges a handshake and goes on printing, which proves the unseen answers.
"""

from samples import speech
from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
tcp(story, SERVER, printer(1), 9100, at=1.0).knock(times=5)

job = tcp(story, SERVER, printer(2), 9100, at=2.0)
job.open()
job.say(speech.print_job())
job.close()
tcp(story, SERVER, printer(1), 9100, at=30.0).knock(times=4)

# The mirror: every packet that the server did not send is lost to the capture.
story.moments = [moment for moment in story.moments if moment.sender == SERVER]

EXPECT = Expect(
    exit=0,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "inconclusive", "notice", {9100: Port("one-sided")}
        ),
    },
    fine={
        ("server-to-printer/raw-delivery", "print-server", "mfd-2"): Found(
            "satisfied", "ok", {9100: Port("open", says="inferred")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
