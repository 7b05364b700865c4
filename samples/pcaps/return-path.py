"""The printer answers, and its answers get lost on the way back.

Taken beside the printer: every SYN arrives and is answered, the SYN-ACK is repeated, and the server behaves as if it
had heard nothing.
"""

from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Port
from samples.story import Story, Tap
from samples.talk import tcp

story = Story(taps=(Tap(segment="printers"),))
job = tcp(story, SERVER, printer(), 9100, at=1.0)
job.syn()
job.syn_ack()
# Both ends repeat themselves: the server because it heard nothing, the printer because nobody acknowledged.
for wait in (1.0, 2.0, 4.0):
    job.wait(wait)
    job.syn()
    job.syn_ack()
job.wait(8.0)
job.syn_ack()
# Nothing more comes for a while; the last packet of the capture is somebody's broadcast.
story.arp(40.0, printer(), printer(2), answered=False)

EXPECT = Expect(
    exit=1,
    findings={
        ("server-to-printer/raw-delivery", "print-server", "mfd-1"): Found(
            "blocked", "violation", {9100: Port("blocked", "return-path")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
