"""The SQL Server Browser names the instance's port, and a filter drops exactly that port.

Question and answer are fine; the connection to the announced 52101 gets none.
"""

from samples import speech
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp, udp

management = Host(name="management-1", address="192.0.2.20", ttl=128)
database = Host(name="database", address="198.51.100.60", segment="databases", ttl=128, delay=0.0006)
story = Story()
for at in (1.0, 41.0):
    question = udp(story, management, database, 1434, at=at)
    question.say(speech.sql_browser_request("SAFEQ"))
    question.answer(speech.sql_browser_answer("SAFEQ", 52101))
    tcp(story, management, database, 52101, at=at + 0.01).knock(times=5)
closing = udp(story, management, database, 1434, at=80.0)
closing.say(speech.sql_browser_request("SAFEQ"))
closing.answer(speech.sql_browser_answer("SAFEQ", 52101))

EXPECT = Expect(
    exit=1,
    findings={
        ("other/sql-instance", "management-1", "database"): Found(
            "blocked", "violation", {52101: Port("blocked", "no-answer")}
        ),
    },
    fine={("other/sql-browser", "management-1", "database"): Found("satisfied", "ok", {1434: Port("open")})},
)

if __name__ == "__main__":
    story.save(__file__)
