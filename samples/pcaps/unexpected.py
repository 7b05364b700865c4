"""One flow for every reason why a flow is not wanted, beside the few things that this site asks for.

A reached target is a violation, one that refused by itself a warning (the network let it through), one that was
stopped a notice.
"""

from samples import plays, speech
from samples.cast import SERVER, printer, workstation
from samples.expect import Expect, Odd
from samples.story import Host, Story
from samples.talk import tcp, udp

management = Host(name="management-1", address="192.0.2.20", ttl=128)
cloud = Host(name="cloud", address="198.51.100.200", segment="internet", ttl=64, delay=0.01)
intranet = Host(name="intranet", address="192.0.2.99", ttl=64)
mfd, user = printer(), workstation()
story = Story()

# What is asked for: a browser on the administration and on the users' page, a scan by FTP.
plays.tls(story, user, management, 443, at=1.0, subject="management-1")
plays.tls(story, user, management, 9443, at=2.0, subject="management-1")
plays.ftp_login(story, mfd, SERVER, at=3.0).close()

# Monitoring from a desk instead of from the machine itself.
plays.exchange(
    story, user, management, 19898, speech.rmi_greeting(), speech.rmi_acknowledge("203.0.113.101", 50000), at=5.0
)
# A server that opens a share on somebody's desk.
plays.exchange(story, SERVER, user, 445, speech.smb_negotiate(), speech.smb_negotiated(), at=6.0)
# A server that reports to somebody who is not in the site, and a workstation that does what workstations do.
plays.tls(story, SERVER, cloud, 8443, at=7.0, subject="cloud")
plays.tls(story, user, intranet, 443, at=8.0, subject="intranet")
# A port in the range of FTP data that no control connection ever announced.
plays.private(story, mfd, SERVER, 50123, at=9.0)
# FTP the wrong way round: the printer is the client in this row.
backwards = plays.ftp_login(story, SERVER, mfd, at=10.0)
backwards.close()
# The administration's port, asked by a printer: the server itself says no.
for at in (11.0, 14.0):
    curious = tcp(story, mfd, management, 443, at=at)
    curious.syn()
    curious.refuse()
# A clock that answers shows that the two servers hear one another.
clock = udp(story, SERVER, management, 123, at=11.5)
clock.say(speech.ntp_request())
clock.answer(speech.ntp_request())
# Remote desktop is in no row at all, and the other server does not answer to it.
tcp(story, SERVER, management, 3389, at=12.0).knock(times=5)
plays.tls(story, user, management, 443, at=40.0, subject="management-1")

EXPECT = Expect(
    exit=1,
    unexpected=(
        Odd("localhost-only", "workstation-1", "management-1", 19898, "open"),
        Odd("into-workstation", "print-server", "workstation-1", 445, "open"),
        Odd("outside-site", "print-server", "198.51.100.200", 8443, "open"),
        Odd("outside-site", "workstation-1", "192.0.2.99", 443, "open", severity="notice"),
        Odd("unannounced-dynamic-port", "mfd-1", "print-server", 50123, "open"),
        Odd("wrong-direction", "print-server", "mfd-1", 21, "open"),
        Odd("wrong-role", "mfd-1", "management-1", 443, "refused", "reset-by-responder", severity="warning"),
        Odd("not-in-matrix", "print-server", "management-1", 3389, "blocked", "no-answer", severity="notice"),
    ),
)

if __name__ == "__main__":
    story.save(__file__)
