"""The wrong mirror port: a busy capture in which neither the server nor the printer of the site appears."""

from samples import plays
from samples.expect import Expect
from samples.story import Host, Story

reader = Host(name="reader", address="203.0.113.5", segment="office")
news = Host(name="news", address="198.51.100.200")
story = Story()
plays.every(2.0, 20.0, lambda at: plays.tls(story, reader, news, 443, at=at), start=1.0)
plays.every(5.0, 20.0, lambda at: plays.http(story, reader, news, 80, at=at), start=1.5)

EXPECT = Expect(exit=3)

if __name__ == "__main__":
    story.save(__file__)
