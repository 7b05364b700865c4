"""HTTP answers in a stream: found where they begin, and nowhere inside a body."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyser.services.http import Segment, answers, content, last_status

BODY = st.one_of(
    st.binary(max_size=40), st.just(b"HTTP/1.1 500 Error\r\n\r\n"), st.just(b"\r\n\r\nHTTP/1.1 401 No\r\n\r\n")
)


@st.composite
def _answer(draw: st.DrawFn) -> tuple[int, bytes, bytes]:
    """A status, a body, and the answer that carries them."""
    status = draw(st.sampled_from([100, 200, 204, 304, 401, 500]))
    body = b"" if status in (100, 204, 304) else draw(BODY)
    line = b"HTTP/1.1 %d Word\r\nServer: x\r\n" % status
    if status in (100, 204, 304):
        return status, body, line + b"\r\n"
    if draw(st.booleans()):
        return status, body, line + b"Content-Length: %d\r\n\r\n" % len(body) + body
    cut = draw(st.integers(0, len(body)))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:cut], body[cut:]) if part)
    return status, body, line + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@given(st.lists(_answer(), min_size=1, max_size=5))
def test_answers_follow_one_another_whatever_their_bodies_look_like(told: list[tuple[int, bytes, bytes]]) -> None:
    """Statuses and bodies are those that were sent, though bodies hold status lines."""
    stream = b"".join(answer for _, _, answer in told)
    found = [answer for _, answer in answers(stream)]
    assert [answer.status for answer in found] == [status for status, _, _ in told]
    assert [content(stream, answer) for answer in found] == [body for _, body, _ in told]


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_read_without_harm(before: bytes, behind: bytes) -> None:
    """Whatever stands around a status line, reading ends, and moves on with every answer."""
    places = [at for at, _ in answers(before + b"HTTP/1.1 200 OK\r\n" + behind)]
    assert places == sorted(set(places))


def _page(status: int, size: int, *, told: bool) -> bytes:
    length = b"Content-Length: %d\r\n" % size if told else b"Transfer-Encoding: chunked\r\n"
    return b"HTTP/1.1 %d Word\r\n" % status + length + b"\r\n"


def test_a_segment_inside_a_body_is_no_answer() -> None:
    """By its place if the length was told, else because the initiator has said nothing since."""
    for told in (True, False):
        first = Segment(2**32 - 100, 500, _page(200, 3000, told=told))
        inside = Segment(1000, 500, b"HTTP/1.1 500 Error\r\n\r\n")
        assert last_status([first, inside]) == (200, 0)
        assert last_status([first, inside._replace(ack=700)]) == (500, 1)


def test_an_answer_may_follow_where_the_one_before_ends() -> None:
    """Two questions were sent at once; a header that is cut tells no end, so that what follows is believed."""
    page = _page(200, 10, told=True)
    first = Segment(2**32 - 20, 500, page)
    behind = Segment((2**32 - 20 + len(page) + 10) % 2**32, 500, b"HTTP/1.1 503 Busy\r\n\r\n")
    assert last_status([first, behind]) == (503, 1)
    assert last_status([first._replace(data=page[:30]), behind]) == (503, 1)


def test_only_final_answers_count() -> None:
    assert last_status([Segment(0, 1, b"HTTP/1.1 100 Continue\r\n\r\n")]) is None
    assert last_status(
        [Segment(0, 1, b"HTTP/1.1 401 No\r\n\r\n"), Segment(90, 2, b"HTTP/1.1 100 Continue\r\n\r\n")]
    ) == (401, 0)
    assert last_status([]) is None
