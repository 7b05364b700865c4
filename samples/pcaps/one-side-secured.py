"""Security was switched on at the Spooler Controller and forgotten on one workstation.

Two workstations speak TLS with it for half a minute. The third sends clear text, and the server hangs up at once. In
the same site an old hardware terminal logs people in without encryption: its session works, and whoever listens reads
card numbers.
"""

from samples import plays, speech
from samples.cast import SERVER, printer, workstation
from samples.expect import Expect, Found, Port
from samples.story import Story
from samples.talk import tcp

story = Story()
for number, at in ((1, 1.0), (2, 2.0)):
    secured = tcp(story, workstation(number), SERVER, 5555, at=at)
    secured.open()
    secured.say(speech.tls_client_hello())
    secured.answer(speech.tls_server_hello())
    secured.say(speech.tls_client_finish())
    secured.answer(speech.tls_server_finish())
    for _ in range(3):
        secured.wait(10.0)
        secured.say(speech.tls_data())
        secured.answer(speech.tls_data())
    secured.close()

for at in (5.0, 20.0, 35.0):
    forgotten = tcp(story, workstation(3), SERVER, 5555, at=at)
    forgotten.open()
    forgotten.say(speech.opaque())
    forgotten.close("server")

for number in (1, 2, 3):
    plays.tls(story, workstation(number), SERVER, 9443, at=10.0 + number)

terminal = tcp(story, printer(1), SERVER, 4096, at=8.0)
terminal.open()
for asked in (b".SQ 1.0 SQPR00000001", b".CFG", b".NOP", b".CARD 0000000000", b".END"):
    terminal.say(asked + b"\r\n")
    terminal.answer(asked.split(b" ")[0] + b" OK\r\n")
    terminal.wait(5.0)
terminal.close()

_RULES = ("workstation-to-server/spooler-controller", "workstation-outbound/spooler-controller")
_SECURED = Found("satisfied", "ok", {5555: Port("open", says="others speak clear text on this port")})
_FORGOTTEN = Found("failing", "violation", {5555: Port("failing", "closed-without-data", says="at one side only?")})
EXPECT = Expect(
    exit=1,
    findings={(rule, "workstation-3", "print-server"): _FORGOTTEN for rule in _RULES},
    fine={
        **{(rule, f"workstation-{number}", "print-server"): _SECURED for rule in _RULES for number in (1, 2)},
        **{
            ("workstation-to-server/end-user-web", f"workstation-{number}", "print-server"): Found("satisfied", "ok")
            for number in (1, 2, 3)
        },
        ("printer-to-server/terminal-session", "terminal-1", "print-server"): Found(
            "satisfied", "ok", {4096: Port("open", says="card number sent in clear text")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
