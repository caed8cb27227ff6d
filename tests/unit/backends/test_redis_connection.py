"""What a connection makes of the bytes that arrive, without a socket."""

import asyncio
from itertools import pairwise
from typing import Any

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.backends.redis_connection import RedisConnection, refusal
from signalman.errors import BackendUnavailable

REPLIES = st.recursive(
    st.one_of(st.binary(max_size=30), st.integers(-(2**63), 2**63 - 1), st.none()),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


def encoded(reply: Any) -> bytes:
    """A reply as a server writes it."""
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    return b"*%d\r\n%b" % (len(reply), b"".join(map(encoded, reply)))


class Transport(asyncio.Transport):
    """Remembers what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True


class Opened:
    """A connection on a `Transport`, and what it gave out."""

    def __init__(self) -> None:
        self.replies: list[Any] = []
        self.ends: list[str] = []
        self.transport = Transport()
        self.connection = RedisConnection(self.replies.append, self.ends.append)
        self.connection.connection_made(self.transport)


@given(st.lists(REPLIES, max_size=6), st.lists(st.integers(0, 400), max_size=8))
def test_replies_come_out_however_they_were_cut(replies: list[Any], cuts: list[int]) -> None:
    """The network may cut the stream anywhere: the same replies come out, in order, each as soon as it is complete."""

    async def run() -> None:
        opened = Opened()
        stream = b"".join(map(encoded, replies))
        bounds = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        for start, end in pairwise(bounds):
            opened.connection.data_received(stream[start:end])
        assert opened.replies == replies
        assert not opened.ends

    asyncio.run(run())


async def test_answers_go_to_whoever_asked() -> None:
    """Replies belong to the questions in their order; what comes beyond that is given out."""
    opened = Opened()
    asking = asyncio.create_task(opened.connection.ask((b"GET", b"a"), (b"PING",)))
    await asyncio.sleep(0)
    assert opened.transport.written == [b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n"]
    opened.connection.data_received(b"$1\r\nx\r\n+PONG\r\n:7\r\n")
    assert await asking == [b"x", b"PONG"]
    assert opened.replies == [7]


async def test_an_error_is_raised_where_it_was_asked_and_given_out_elsewhere() -> None:
    """An answer that is an error is `BackendUnavailable`; an error that nobody asked for is a reply."""
    opened = Opened()
    asking = asyncio.create_task(opened.connection.ask((b"AUTH", b"hunter2")))
    await asyncio.sleep(0)
    opened.connection.data_received(b"-ERR unknown command AUTH hunter2\r\n-ERR other\r\n")
    with pytest.raises(BackendUnavailable, match="ERR") as caught:
        await asking
    assert "hunter2" not in str(caught.value)
    assert [type(reply) for reply in opened.replies] == [hiredis.ReplyError]


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 200 OK\r\n", b"*x\r\n", b"$-7\r\n", b"\x16\x03\x01"])
async def test_what_is_not_redis_ends_the_connection(garbage: bytes) -> None:
    """A protocol error is the end: where the next reply begins is unknown. What came before it is given out."""
    opened = Opened()
    opened.connection.data_received(b":1\r\n" + garbage + b":2\r\n")
    assert opened.replies == [1]
    assert opened.ends == ["the server does not speak Redis"]
    assert opened.transport.aborted


async def test_nothing_comes_after_the_end() -> None:
    """Whoever takes a reply may end the connection: the rest of what has arrived is not given out, nor what arrives
    later, and the end is told once.
    """
    opened = Opened()

    def take(reply: Any) -> None:
        opened.replies.append(reply)
        opened.connection.drop("enough")

    opened.connection._take = take
    opened.connection.data_received(b":1\r\n:2\r\n")
    opened.connection.data_received(b":3\r\n")
    opened.connection.connection_lost(None)
    assert opened.replies == [1]
    assert opened.ends == ["enough"]
    assert not opened.connection.is_open


async def test_whoever_waits_hears_of_the_end() -> None:
    """A question that will not be answered fails at once, and so does one that is asked too late."""
    opened = Opened()
    asking = asyncio.create_task(opened.connection.ask((b"PING",)))
    await asyncio.sleep(0)
    opened.connection.connection_lost(ConnectionResetError("10.0.0.1"))
    with pytest.raises(BackendUnavailable, match="ConnectionResetError"):
        await asking
    with pytest.raises(BackendUnavailable):
        await opened.connection.ask((b"PING",))
    assert opened.ends == ["the connection broke (ConnectionResetError)"]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("LOADING Redis is loading the dataset in memory", "the server refuses (LOADING)"),
        ("NOAUTH", "the server refuses (NOAUTH)"),
        ("hunter2 is wrong", "the server refuses"),
        ("HUNTER2 is wrong", "the server refuses"),
        ("", "the server refuses"),
    ],
)
def test_a_refusal_says_no_more_than_its_kind(text: str, detail: str) -> None:
    """The text of an error may hold our own words."""
    assert refusal(hiredis.ReplyError(text)).detail == detail
