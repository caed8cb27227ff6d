"""The client over real sockets: against a real gateway, and against a server that follows a script."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from signalman.client.connection import Client
from signalman.client.errors import ConnectionEnded
from signalman.client.follow import Follower
from signalman.client.messages import (
    CaughtUp,
    Connected,
    Disconnected,
    Events,
    Message,
    Refused,
    Snapshot,
    Subscribed,
    Subscription,
    Trouble,
)
from signalman.errors import Forbidden, NotAuthenticated
from signalman.protocol import problem
from tests.integration.scripted import Line, scripted
from tests.integration.served import TOKEN, served
from tests.unit.gateway.make import event

STREAMS = Subscription("streams")


def soon() -> Iterator[float]:
    """Waits that tests can bear, told apart from one another."""
    return iter([0.01, 0.02, 0.03, 0.04])


async def until(client: Client | Follower, kind: type[Message], within: float = 5.0) -> list[Any]:
    """Everything up to and including the first message of *kind*."""
    heard: list[Any] = []
    async with asyncio.timeout(within):
        async for message in client:
            heard.append(message)
            if isinstance(message, kind):
                break
    return heard


def ids(messages: list[Any]) -> list[str]:
    """Of the events that are new among them."""
    return [event["id"] for message in messages if isinstance(message, Events) for event in message.news]


def changing(number: int, row: dict[str, Any]) -> bytes:
    """An event that changes a row."""
    rows = [{"table": "streams", "op": "upsert", "row": row}]
    return orjson.dumps({**orjson.loads(event(number)), "rows": rows})


def kinds(messages: list[Any]) -> list[str]:
    """Their names."""
    return [type(message).__name__ for message in messages]


async def test_from_snapshot_to_live() -> None:
    """Against a real gateway: own rows, then every event once and in order."""
    async with served() as world, Client(world.http, TOKEN, [STREAMS]) as client:
        heard = await until(client, CaughtUp)
        assert kinds(heard) == ["Connected", "Subscribed", "Snapshot", "CaughtUp"]
        assert len(heard[2].rows) == 7
        await world.publish(event(1), event(2))
        await world.publish(event(3))
        happened = [e["id"] for _ in range(2) for e in (await until(client, Events))[-1].events]
        assert happened == ["e-1", "e-2", "e-3"]


async def test_every_channel_unless_some_are_named() -> None:
    """Whoever names no channel follows all that the credential may read."""
    async with served() as world, Client(world.http, TOKEN) as client:
        (connected,) = await until(client, Connected)
        assert connected.channels == ("streams", "system")
        begun = [(await until(client, CaughtUp))[-1].subscription.channel for _ in range(2)]
        assert sorted(begun) == ["streams", "system"]


@pytest.mark.parametrize("token", ["wrong", "a.b.c"])
async def test_a_wrong_token_is_not_tried_again(token: str) -> None:
    """The gateway answers 401 once, and the client ends with the gateway's sentence."""
    async with served() as world, Client(world.http, token, [STREAMS]) as client:
        with pytest.raises(NotAuthenticated) as error:
            await until(client, Connected)
        assert error.value.code == "token_invalid"
        assert token not in str(error.value)
        assert await until(client, Connected) == []


@pytest.mark.parametrize("token", ["", " \n", "two words", "line\nbreak", "ключ"])
async def test_what_cannot_be_a_token_is_not_sent(token: str) -> None:
    """A header with a line break would be two headers."""
    with pytest.raises(NotAuthenticated):
        Client("ws://127.0.0.1:1", token)


async def test_an_unknown_channel_is_refused_and_the_others_go_on() -> None:
    """One typing error does not cost the rest."""
    wanted = [Subscription("nonsense"), STREAMS]
    async with served() as world, Client(world.http, TOKEN, wanted) as client:
        heard = await until(client, CaughtUp)
        refused = [message for message in heard if isinstance(message, Refused)]
        assert [(r.subscription.channel, r.code) for r in refused] == [("nonsense", "unknown_channel")]


async def test_a_store_that_is_away_is_trouble_and_not_the_end() -> None:
    """Live events flow without the tables."""
    async with served() as world, Client(world.http, TOKEN, [STREAMS]) as client:
        world.store.available = False
        heard = await until(client, Trouble)
        assert heard[-1].code == "snapshot_unavailable"
        if "Subscribed" not in kinds(heard):
            await until(client, Subscribed)
        await world.publish(event(1))
        assert (await until(client, Events))[-1].events[0]["id"] == "e-1"


async def test_a_break_costs_nothing() -> None:
    """Against a real gateway: what happened while the socket was gone comes after it is back, and nothing comes twice.
    The rows are not sent again.
    """
    async with served() as world, Client(world.http, TOKEN, [STREAMS], delays=soon) as client:
        await until(client, CaughtUp)
        await world.publish(event(1))
        before = await until(client, Events)
        assert client._socket is not None
        client._socket.transport.abort()
        await world.publish(event(2))
        await world.publish(event(3))
        after = await until(client, CaughtUp)
        await world.publish(event(4))
        after += await until(client, Events)
    assert [kind for kind in kinds(after) if kind != "Events"] == [
        "Disconnected",
        "Connected",
        "Subscribed",
        "CaughtUp",
    ]
    assert [message.recovered for message in after if isinstance(message, Subscribed)] == [True]
    assert ids([*before, *after]) == ["e-1", "e-2", "e-3", "e-4"]


async def test_a_lost_connection_goes_on_at_another_server() -> None:
    """With the place where it stood, events and bookmarks counted, and with nothing but what was missed."""

    async def breaks(line: Line) -> None:
        await line.welcome()
        assert "resume" not in await line.begin(seq=5)
        await line.happen(5, "replayed")
        await line.catch_up(6)
        await line.happen(6, "live")
        await line.say("bookmark", view="v1", seq=9)
        line.socket.transport.abort()

    async def goes_on(line: Line) -> None:
        await line.welcome()
        assert (await line.go_on("v7"))["resume"] == {"epoch": "e1", "seq": 9}
        await line.happen(9, "missed", view="v7")
        await line.catch_up(10, "v7")
        await line.stay()

    async with (
        scripted(breaks) as first,
        scripted(goes_on) as second,
        Client(first, "t", [STREAMS], delays=soon) as client,
    ):
        heard = await until(client, Disconnected)
        client._url = f"{second}/v1/ws"  # a load balancer's choice
        heard += await until(client, CaughtUp)
    assert kinds(heard)[-5:] == ["Disconnected", "Connected", "Subscribed", "Events", "CaughtUp"]
    assert heard[-3].recovered
    assert ids(heard) == ["replayed", "live", "missed"]


async def test_what_cannot_be_resumed_says_why() -> None:
    """First the reason, then the new beginning."""

    async def breaks(line: Line) -> None:
        await line.welcome()
        await line.begin(seq=5)
        await line.catch_up(5)
        line.socket.transport.abort()

    async def begins_anew(line: Line) -> None:
        await line.welcome()
        asked = await line.hear()
        await line.say("reset", view="v1", id=asked["id"], reason="trimmed")
        await line.begun(asked, seq=80)
        await line.stay()

    async with scripted(breaks, begins_anew) as url, Client(url, "t", [STREAMS], delays=soon) as client:
        await until(client, Disconnected)
        heard = await until(client, Subscribed)
    assert kinds(heard) == ["Connected", "Reset", "Subscribed"]
    assert (heard[1].reason, heard[2].recovered) == ("trimmed", False)


async def test_a_connection_lost_before_it_caught_up_begins_anew() -> None:
    """Half a snapshot is none; but an event that was there before is known again."""

    async def breaks(line: Line) -> None:
        await line.welcome()
        await line.begin(seq=5)
        await line.happen(5, "once")
        line.socket.transport.abort()

    async def begins(line: Line) -> None:
        await line.welcome()
        assert "resume" not in await line.begin(seq=4)
        await line.happen(4, "earlier", "once", "later")
        await line.stay()

    async with scripted(breaks, begins) as url, Client(url, "t", [STREAMS], delays=soon) as client:
        heard = [*await until(client, Disconnected), *await until(client, Events)]
    assert [m.recovered for m in heard if isinstance(m, Subscribed)] == [False, False]
    assert ids(heard) == ["once", "earlier", "later"]


async def test_nothing_of_an_older_socket_comes_after_a_newer_one() -> None:
    """A server that was given up for dead speaks again, while its successor already does: nobody listens to it."""
    given_up, replaced = asyncio.Event(), asyncio.Event()

    async def falls_silent(line: Line) -> None:
        await line.welcome(heartbeat_ms=20)
        await line.begin(seq=5)
        await line.catch_up(5)
        await given_up.wait()
        with contextlib.suppress(ConnectionClosed):
            await line.happen(5, "from beyond")
        replaced.set()

    async def takes_over(line: Line) -> None:
        await line.welcome()
        await line.go_on()
        given_up.set()
        await replaced.wait()
        await line.happen(5, "new")
        await line.stay()

    async with (
        scripted(falls_silent) as first,
        scripted(takes_over) as second,
        Client(first, "t", [STREAMS], delays=soon) as client,
    ):
        heard = await until(client, Disconnected)
        client._url = f"{second}/v1/ws"
        heard += await until(client, Events)
    assert ids(heard) == ["new"]


async def test_the_credential_is_in_the_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    """Not in the URL, not in a message, and not in a log, however talkative."""
    caplog.set_level(logging.DEBUG)

    async def looks(line: Line) -> None:
        request = line.socket.request
        assert request is not None
        assert request.headers["Authorization"] == "Bearer hunter2"
        assert request.path == "/v1/ws"
        await line.welcome()
        assert "hunter2" not in str(await line.begin())
        await line.stay()

    async with scripted(looks) as url, Client(url, "hunter2", [STREAMS]) as client:
        await until(client, Subscribed)
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert "hunter2" not in str(ours)


async def test_a_goodbye_says_when_to_come_back() -> None:
    """`retry_after_ms` is the least; the jitter comes on top, so that not all clients come back at that moment."""

    async def drains(line: Line) -> None:
        await line.welcome()
        await line.say("goodbye", reason="restart", retry_after_ms=1500)
        await line.socket.close(1012, "server restarts")

    waits = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def lasts(line: Line) -> None:
        await line.welcome()
        await line.stay()

    async with scripted(drains, lasts) as url, Client(url, "t", [STREAMS], delays=soon, sleep=sleep) as client:
        lost = (await until(client, Disconnected))[-1]
        await until(client, Connected)
    assert lost.reason == "the gateway says goodbye: restart"
    assert waits == [0.0, 1.51]


@pytest.mark.parametrize(
    ("close", "code", "raised"),
    [
        (4401, "token_expired", NotAuthenticated),
        (4403, "nothing_granted", Forbidden),
        (4400, "bad_message", ConnectionEnded),
    ],
)
async def test_last_words_are_heard_before_the_close(close: int, code: str, raised: type[Exception]) -> None:
    """The error that comes right before a final close gives the reason, and the client does not come back."""

    async def refuses(line: Line) -> None:
        await line.welcome()
        await line.say("error", code=code, detail="Because.", title="", status=400)
        await line.socket.close(close, "short")

    async with scripted(refuses) as url, Client(url, "t", [STREAMS], delays=soon) as client:
        with pytest.raises(raised, match="Because") as error:
            await until(client, Disconnected)
    assert getattr(error.value, "code", None) == code


async def test_events_before_a_close_are_delivered() -> None:
    """A close does not take back what was said before it."""

    async def goes(line: Line) -> None:
        await line.welcome()
        await line.begin()
        for number in range(50):
            await line.happen(number, str(number))
        await line.socket.close(1012, "server restarts")

    async with scripted(goes) as url, Client(url, "t", [STREAMS]) as client:
        heard = await until(client, Disconnected)
    assert [m.seq for m in heard if isinstance(m, Events)] == list(range(1, 51))


async def test_silence_is_death() -> None:
    """A connection on which nothing is heard for two and a half heartbeats is given up: nobody else would notice."""

    async def dies(line: Line) -> None:
        await line.welcome(heartbeat_ms=20)
        await line.begin()
        await line.stay()

    async def lives(line: Line) -> None:
        await line.welcome()
        await line.stay()

    async with scripted(dies, lives) as url, Client(url, "t", [STREAMS], delays=soon) as client:
        heard = await until(client, Disconnected)
        await until(client, Connected)
    assert heard[-1].reason == "nothing was heard for 0.05 s"


async def test_a_hole_is_mended() -> None:
    """The client asks anew on the same connection, from where all was well; what comes between is dropped."""

    async def skips(line: Line) -> None:
        await line.welcome()
        first = await line.begin(seq=5)
        await line.catch_up(5)
        await line.happen(7, "after the hole")
        assert await line.hear() == {"type": "unsubscribe", "id": first["id"]}
        await line.say("unsubscribed", id=first["id"])
        assert (await line.go_on())["resume"] == {"epoch": "e1", "seq": 5}
        await line.happen(5, "in the hole", "at its end", "after the hole")
        await line.stay()

    async with scripted(skips) as url, Client(url, "t", [STREAMS]) as client:
        heard = await until(client, Events)
    assert kinds(heard) == ["Connected", "Subscribed", "CaughtUp", "Subscribed", "Events"]
    assert ids(heard) == ["in the hole", "at its end", "after the hole"]


async def test_a_subscription_that_failed_for_now_is_asked_for_again() -> None:
    """With nothing else said meanwhile, after the time that the server gave."""

    async def fails_once(line: Line) -> None:
        await line.welcome()
        asked = await line.hear()
        await line.say("error", id=asked["id"], code="bus_unavailable", detail="Not now.", retry_after_ms=30)
        await line.begin()
        await line.stay()

    async with scripted(fails_once) as url, Client(url, "t", [STREAMS]) as client:
        heard = await until(client, Subscribed)
    assert kinds(heard) == ["Connected", "Trouble", "Subscribed"]


async def test_a_gateway_in_trouble_is_asked_again_and_waits_grow() -> None:
    """Failed handshakes do not start the back-off anew."""
    busy = (503, orjson.dumps(problem("overloaded", "The gateway takes no connections now.")))

    async def lasts(line: Line) -> None:
        await line.welcome()
        await line.stay()

    async with scripted(busy, busy, lasts) as url, Client(url, "t", [STREAMS], delays=soon) as client:
        heard = await until(client, Connected)
    assert [m.retry_in for m in heard[:-1]] == [0.01, 0.02]
    assert heard[0].reason == "The gateway takes no connections now."


async def test_a_connection_that_lasted_starts_the_back_off_anew() -> None:
    """One that only just opened before it broke does not: a gateway that fails at once is not hammered."""
    now = [0.0]

    async def goes_at_once(line: Line) -> None:
        await line.welcome()
        await line.hear()
        line.socket.transport.abort()

    async def lasts_a_while(line: Line) -> None:
        await line.welcome()
        await line.hear()
        now[0] += 60
        line.socket.transport.abort()

    async def stays(line: Line) -> None:
        await line.welcome()
        await line.stay()

    acts = (goes_at_once, goes_at_once, lasts_a_while, stays)
    async with scripted(*acts) as url, Client(url, "t", [STREAMS], delays=soon, clock=lambda: now[0]) as client:
        waits = [(await until(client, Disconnected))[-1].retry_in for _ in range(3)]
    assert waits == [0.01, 0.02, 0.01]


async def test_nobody_at_the_address() -> None:
    """A gateway that is not up yet is waited for; without reconnecting it is an error with a sentence."""
    async with scripted() as url:
        pass
    async with Client(url, "t", [STREAMS], delays=soon) as client:
        (lost,) = await until(client, Disconnected)
        assert lost.reason.startswith("cannot connect: ")
    async with Client(url, "t", [STREAMS], reconnect=False) as client:
        with pytest.raises(ConnectionEnded, match="cannot connect") as error:
            await until(client, Disconnected)
    assert error.value.code == "lost"


async def test_a_wait_can_be_cancelled_and_taken_up_again() -> None:
    """A consumer may time out on the next message and ask again; nothing is lost by it."""

    async def waits(line: Line) -> None:
        await line.welcome()
        await line.begin()
        assert await line.hear() == {"type": "ping", "t": 1}
        await line.happen(0, "late")
        await line.stay()

    async with scripted(waits) as url, Client(url, "t", [STREAMS]) as client:
        await until(client, Subscribed)
        waiting = asyncio.ensure_future(anext(client))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert client._socket is not None
        await client._socket.send('{"type":"ping","t":1}')
        assert (await until(client, Events))[-1].events[0]["id"] == "late"


async def test_rows_come_in_the_parts_that_the_server_chose() -> None:
    """The client adds nothing and leaves nothing out."""
    async with served() as world, Client(world.http, TOKEN, [STREAMS]) as client:
        heard = await until(client, CaughtUp)
    parts = [m for m in heard if isinstance(m, Snapshot)]
    assert [(p.part, p.last, p.key) for p in parts] == [(1, True, ("stream_id",))]


async def test_a_dashboard_has_current_rows() -> None:
    """The tables of a real gateway, kept by what its events say, across a break."""
    async with served() as world, Client(world.http, TOKEN, [STREAMS], delays=soon) as client:
        follower = Follower(client)
        await until(follower, CaughtUp)
        assert len(follower.rows(STREAMS, "streams")) == 7
        key = follower.rows(STREAMS, "streams")[0]["stream_id"]
        await world.publish(changing(1, {"stream_id": key, "status": "idle"}))
        await until(follower, Events)
        assert client._socket is not None
        client._socket.transport.abort()
        await until(follower, Disconnected)
        assert follower.is_stale(STREAMS)
        await world.publish(changing(2, {"stream_id": "new", "status": "live"}))
        await until(follower, CaughtUp)
    status = {row["stream_id"]: row["status"] for row in follower.rows(STREAMS, "streams")}
    assert (len(status), status[key], status["new"]) == (8, "idle", "live")
    assert not follower.is_stale(STREAMS)
