"""Channels that skip: a reader that is too slow is told what it will never get, and goes on."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.channel import Catalog
from signalman.gateway import subscriptions
from signalman.gateway.join import Joined, at_index
from signalman.gateway.requests import Cursor, Filter, Subscribe
from signalman.gateway.resume import refusal, resume
from signalman.gateway.subscription import Subscription
from signalman.protocol import CloseCode
from tests.unit.gateway.make import NOW_MS, catalog, event, finished, followed, publication
from tests.unit.gateway.world import Message, World, types

REQUEST = Subscribe(type="subscribe", id="s", channel="streams")
ENDS = Filter(frozenset({"stream_end"}))


def skipping() -> Catalog:
    """The catalog, with a channel ``streams`` whose slow readers skip."""
    pack = catalog()
    return replace(pack, channels={**pack.channels, "streams": replace(pack.channels["streams"], slow_reader="skip")})


def ids(messages: list[Message]) -> list[str]:
    """The ids of the events in *messages*."""
    return [each["id"] for message in messages for each in message.get("events", ())]  # type: ignore[attr-defined]


async def test_a_slow_reader_is_told_what_is_left_out() -> None:
    """No reset and no snapshot: one `dropped`, then the newer half of what there is, chained to it, and live events."""
    world = World(view_frames=8, pack=skipping())
    client = await world.ready()
    await client.subscribed()
    for number in range(20):
        await world.publish(event(number))
    heard = client.pull()
    assert types(heard) == ["dropped", *["events"] * 4]
    dropped = heard[0]
    assert (dropped["from"], dropped["to"], dropped["count"]) == (0, 16, 16)
    assert str(dropped["epoch"]).startswith("e1.")
    assert heard[1]["prev"] == 16
    assert ids(heard) == [f"e-{number}" for number in range(16, 20)]
    await world.publish(event(20))
    assert ids(await client.until("events")) == ["e-20"]
    assert world.metrics.dropped_events.labels("streams")._value.get() == 1


async def test_the_epoch_is_told_once() -> None:
    """Who has had an event knows it."""
    world = World(view_frames=8, pack=skipping())
    client = await world.ready()
    await client.subscribed()
    await world.publish(event(0))
    await client.until("events")
    for number in range(1, 20):
        await world.publish(event(number))
    dropped = client.pull()[0]
    assert (dropped["from"], dropped["count"], "epoch" in dropped) == (1, 15, False)


async def test_lapped_again_within_a_minute_it_is_sent_away() -> None:
    """As on any channel: it cannot keep up. An hour later it is forgiven."""
    world = World(view_frames=8, pack=skipping())
    client = await world.ready()
    await client.subscribed()
    for _ in range(2):
        world.clock.move(61)
        for number in range(20):
            await world.publish(event(number))
        assert types(client.pull())[0] == "dropped"
    for number in range(20):
        await world.publish(event(number))
    heard = await client.until("error")
    assert (heard[-1]["code"], client.connection.closing) == ("too_slow", CloseCode.OVERLOADED)
    assert "events" not in types(heard)


async def test_its_beginning_comes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is lapped again and again while it reads its rows is not too slow for the channel: nothing of the rows
    is lost, and the hole comes once, where it is.
    """
    monkeypatch.setattr(subscriptions, "PULL_BYTES", 1)
    world = World(view_frames=8, pack=skipping())
    client = await world.ready()
    client.say(type="subscribe", id="s", channel="streams")
    heard = await client.until("subscribed")
    for _ in range(2):
        for number in range(20):
            await world.publish(event(number))
        heard += client.pull()
    heard += client.pull()
    assert types(heard) == ["subscribed", "snapshot", "dropped", "caught_up", "events"]
    assert heard[2]["to"] == heard[3]["seq"] == heard[4]["prev"]
    assert heard[2]["from"] == heard[0]["seq"]
    assert client.connection.closing is None


async def test_another_break_is_a_reset() -> None:
    """The channel skips what its readers are too slow for, not what the gateway never had."""
    world = World(pack=skipping())
    client = await world.ready()
    await client.subscribed()
    await world.publish(event(1))
    await client.until("events")
    world.clock.move(60)
    await world.publisher.retire("skipped")
    heard = await client.until("caught_up")
    assert (heard[0]["type"], heard[0]["reason"]) == ("reset", "skipped")


def begin(subscription: Subscription, joined: Joined) -> None:
    """Let *subscription* begin, and flow."""
    subscription.begin(joined, [])
    subscription.go_live(complete=True)


def read(subscription: Subscription) -> list[dict[str, Any]]:
    """What a reader gets when it reads again; a lapped one is told what is left out."""
    if subscription.lost == "slow" and not subscription.beginning:
        subscription.skip()
    return [orjson.loads(data) for data in subscription.pull(1 << 20)[0]]


@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=4), min_size=1, max_size=60),
    st.sets(st.integers(0, 59)),
    st.integers(2, 9),
    st.sampled_from([Filter(), ENDS]),
)
def test_every_event_is_delivered_or_counted(
    batches: list[list[bool]], reads: set[int], max_frames: int, filter_: Filter
) -> None:
    """Whatever is published and whenever one reads: the chain has no hole, each `dropped` tells exactly how many events
    of the view it stands for, and a cursor at any place of the chain gets exactly what follows it.
    """
    feed = followed(max_frames=max_frames)
    subscription = Subscription(REQUEST, feed.view(filter_))
    begin(subscription, at_index(subscription.view, subscription.entry))
    wanted: list[tuple[int, str]] = []
    heard: list[dict[str, Any]] = []
    seq = 0
    for number, batch in enumerate(batches):
        named = [f"{number}.{n}" for n in range(len(batch))]
        events = [
            event(0, "stream_end" if end else "stream_buffer", pad=name) for name, end in zip(named, batch, strict=True)
        ]
        feed.publication(publication(seq, *events), NOW_MS)
        wanted += [(seq + n + 1, named[n]) for n, end in enumerate(batch) if end or not filter_]
        seq += len(batch)
        if number in reads:
            heard += read(subscription)
    heard += read(subscription)
    heard += read(subscription)  # what was lapped while its beginning waited

    chain = [m for m in heard if m["type"] in {"events", "dropped"}]
    places = [(m["from"], m["to"]) if m["type"] == "dropped" else (m["prev"], m["seq"]) for m in chain]
    assert all(one[1] == other[0] for one, other in pairwise([(0, 0), *places]))
    for message, (since, to) in zip(chain, places, strict=True):
        between = [name for at, name in wanted if since < at <= to]
        if message["type"] == "dropped":
            assert message["count"] == len(between)
        else:
            assert [each["data"]["pad"] for each in message["events"]] == between
    assert sum(m["count"] if m["type"] == "dropped" else len(m["events"]) for m in chain) == len(wanted)

    for message in [m for m in chain if m["type"] == "dropped"]:
        cursor = Cursor(epoch=subscription.view.token("e1"), seq=message["to"])
        assert refusal(subscription.view, cursor) is None
        back = Subscription(REQUEST, subscription.view)
        begin(back, finished(resume(subscription.view, cursor)))
        got = [each["data"]["pad"] for data in back.pull(1 << 20)[0] for each in orjson.loads(data).get("events", ())]
        assert got == [name for at, name in wanted if at > cursor.seq]
