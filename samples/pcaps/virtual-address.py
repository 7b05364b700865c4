"""Two Terminal Servers behind a load balancer: printers know only its address, and it asks the servers for their health.

The first printer's session goes to the virtual address and counts for the group. The balancer's probes (SYN, SYN-ACK,
RST, as its vendor page asks) are neither a service nor a stranger. The second printer itself only ever tests 5022 in
that way, which proves the port and not the service.
"""

from samples import plays
from samples.cast import printer
from samples.expect import Expect, Found, Port
from samples.story import Host, Story

one = Host(name="terminal-server-1", address="192.0.2.10", ttl=128)
two = Host(name="terminal-server-2", address="192.0.2.11", ttl=128)
balancer = Host(name="balancer", address="192.0.2.100", ttl=64)
prober = balancer.using("192.0.2.101")
story = Story()

for number in (1, 2):
    plays.snmp(story, one, printer(number), at=0.5 + number / 10)
    plays.tls(story, two, printer(number), 7627, at=number + 0.2, subject="HP MFP E87660")
    plays.tls(story, printer(number), balancer, 5025, at=number + 3.0, subject="terminal-servers")
plays.tls(story, printer(1), balancer, 5022, at=6.0, subject="terminal-servers")
plays.probe(story, printer(2), balancer, 5022, at=7.0)
for second in range(8, 33, 5):
    plays.probe(story, prober, one, 5022, at=float(second))
    plays.probe(story, prober, two, 5022, at=second + 0.01)

EXPECT = Expect(
    exit=0,
    findings={
        ("printer-to-server/terminal-application", "mfd-2", "terminal-servers"): Found(
            "inconclusive", "notice", {5022: Port("probe-only")}
        ),
    },
)

if __name__ == "__main__":
    story.save(__file__)
