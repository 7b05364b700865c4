"""Three Spooler Controllers exchange jobs: the same role stands on both ends of the row, and any direction will do.

1 and 2 talk, opened by 2. 3 cannot open to 1, although 1 can open to 3: reported all the same. 2 and 3 never met.
"""

from samples import plays
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp

one, two, three = (Host(name=f"spooler-{n}", address=f"192.0.2.3{n}", ttl=128) for n in (1, 2, 3))
story = Story()

plays.private(story, two, one, 81, at=1.0)
plays.private(story, one, three, 81, at=2.0)
tcp(story, three, one, 81, at=3.0).knock(times=5)
plays.private(story, two, one, 81, at=30.0)

_RULE = "inter-server/far-roaming"
EXPECT = Expect(
    exit=1,
    findings={
        (_RULE, "spooler-3", "spooler-1"): Found("blocked", "violation", {81: Port("blocked", "no-answer")}),
        (_RULE, "spooler-2", "spooler-3"): Found("missing", "warning", {81: Port("not-attempted")}),
    },
    fine={
        (_RULE, "spooler-2", "spooler-1"): Found("satisfied", "ok", {81: Port("open")}),
    },
)

if __name__ == "__main__":
    story.save(__file__)
