"""One client over an in-process bus and a scripted store: what it is sent from `auth` to the end."""

import asyncio

import pytest

from signalman.gateway import beginning
from signalman.principal import Principal
from signalman.protocol import CloseCode
from tests.servers import wait_for_async
from tests.unit.gateway.make import event, principal
from tests.unit.gateway.world import World, types


async def test_from_auth_to_live() -> None:
    """hello, welcome, subscribed, snapshot, caught_up, events: in this order and complete."""
    world = World()
    client = world.client()
    client.say(type="auth", token="good")
    assert types(await client.until("welcome")) == ["hello", "welcome"]
    assert types(await client.subscribed()) == ["subscribed", "snapshot", "caught_up"]
    await world.publish(event(1))
    (events,) = await client.until("events")
    assert [e["id"] for e in events["events"]] == ["e-1"]  # type: ignore[attr-defined] # decoded JSON
    await world.gateway.disconnect(client.connection)


async def test_what_happens_during_the_snapshot_follows_it() -> None:
    """Events published while the tables are read are delivered after the rows and before `caught_up`."""
    world = World()
    client = await world.ready()
    world.store.gate.clear()
    client.say(type="subscribe", id="s", channel="streams")
    await asyncio.sleep(0.01)
    await world.publish(event(1))
    world.store.gate.set()
    assert types(await client.until("caught_up")) == ["subscribed", "snapshot", "events", "caught_up"]


async def test_a_wrong_credential_ends_with_4401() -> None:
    """The error is written first, then the close code is due."""
    client = World().client()
    client.say(type="auth", token="bad")
    heard = await client.until("error")
    assert (heard[-1]["code"], client.connection.closing) == ("token_invalid", CloseCode.NOT_AUTHENTICATED)


async def test_a_directory_that_is_away_ends_with_1013() -> None:
    """The client is told to come back, not that its credential is wrong."""
    client = World().client()
    client.say(type="auth", token="later")
    heard = await client.until("error")
    assert (heard[-1]["code"], client.connection.closing) == ("directory_unavailable", CloseCode.OVERLOADED)


async def test_without_clickhouse_events_go_on_and_the_snapshot_follows() -> None:
    """A clear error, live events, and when the store is back a `reset` with the rows."""
    world = World()
    client = await world.ready()
    world.store.away = True
    client.say(type="subscribe", id="s", channel="streams")
    heard = await client.until("error")
    assert types(heard) == ["subscribed", "error"]
    error = heard[-1]
    assert (error["id"], error["code"], error["retry_after_ms"]) == ("s", "snapshot_unavailable", 2000)
    await world.publish(event(1))
    assert types(await client.until("events")) == ["events"]
    world.store.away = False
    world.clock.move(2.5)
    heard = await client.until("caught_up")
    assert types(heard) == ["reset", "subscribed", "snapshot", "events", "caught_up"]
    assert (heard[0]["reason"], heard[1]["seq"]) == ("snapshot", 0)


async def test_a_table_that_turns_out_too_large_is_said() -> None:
    """Who was promised a snapshot learns that none will come."""
    world = World()
    client = await world.ready()
    world.store.away = True
    client.say(type="subscribe", id="s", channel="streams")
    await client.until("error")
    world.store.away, world.store.too_large = False, True
    world.clock.move(2.5)
    heard = await client.until("error")
    assert [(m["type"], m.get("code")) for m in heard] == [("error", "snapshot_too_large")]
    await world.publish(event(1))
    assert types(await client.until("events")) == ["events"]


async def test_the_snapshot_error_is_said_once() -> None:
    """While the store stays away the client is not told again and again."""
    world = World()
    client = await world.ready()
    world.store.away = True
    client.say(type="subscribe", id="s", channel="streams")
    await client.until("error")
    for _ in range(4):
        world.clock.move(60)
        await asyncio.sleep(0.005)
    assert "error" not in types(client.pull())


async def test_a_slow_reader_is_reset_once_and_then_sent_away() -> None:
    """Lapped, it starts over; lapped again, it is closed with 1013; nothing was buffered for it."""
    world = World(view_frames=5)
    client = await world.ready()
    await client.subscribed()
    for number in range(20):
        await world.publish(event(number))
    heard = await client.until("caught_up")
    assert types(heard)[:2] == ["reset", "subscribed"]
    assert heard[0]["reason"] == "slow"
    for number in range(20):
        await world.publish(event(number))
    heard = await client.until("error")
    assert (heard[-1]["code"], client.connection.closing) == ("too_slow", CloseCode.OVERLOADED)


async def test_being_lapped_now_and_then_is_forgiven() -> None:
    """One whose network was gone for a moment, and an hour later again, is only reset each time."""
    world = World(view_frames=5)
    client = await world.ready()
    await client.subscribed()
    for _ in range(3):
        world.clock.move(61)
        for number in range(20):
            await world.publish(event(number))
        assert types(await client.until("caught_up"))[0] == "reset"


async def test_a_slow_reader_costs_the_others_nothing() -> None:
    """While one does not read, another gets everything."""
    world = World(view_frames=5)
    slow, quick = await world.ready(), await world.ready()
    await slow.subscribed()
    await quick.subscribed()
    seen: list[object] = []
    for number in range(20):
        await world.publish(event(number))
        seen += [e["id"] for m in quick.pull() for e in m["events"]]  # type: ignore[attr-defined] # decoded JSON
    assert seen == [f"e-{number}" for number in range(20)]


async def test_subscribe_unsubscribe_subscribe_with_one_id() -> None:
    """However fast it comes, exactly one subscription is left and it is whole."""
    world = World()
    client = await world.ready()
    for message in ("subscribe", "unsubscribe", "subscribe", "unsubscribe", "subscribe"):
        client.say(type=message, id="s", **({"channel": "streams"} if message == "subscribe" else {}))
    await client.until("caught_up")
    await world.publish(event(1))
    heard = await client.until("events")
    assert types(heard).count("events") == 1
    await world.gateway.disconnect(client.connection)
    assert world.metrics.views._value.get() == 0


async def test_after_unsubscribe_nothing_comes() -> None:
    """The view is given up and its feed with it."""
    world = World()
    client = await world.ready()
    await client.subscribed()
    client.say(type="unsubscribe", id="s")
    assert types(await client.until("unsubscribed")) == ["unsubscribed"]
    await asyncio.sleep(0.01)
    await world.publish(event(1))
    assert client.pull() == []
    assert world.metrics.feeds._value.get() == 0


async def test_what_happened_just_before_comes_after_the_rows() -> None:
    """The store may not have it yet: a newcomer gets it from the past of the feed."""
    world = World()
    client = await world.ready()
    await world.publish(event(1))
    heard = await client.subscribed()
    assert types(heard) == ["subscribed", "snapshot", "events", "caught_up"]
    assert (heard[0]["seq"], heard[0]["recovered"], heard[3]["seq"]) == (0, False, 1)
    assert world.replayed("join") == (1, 1)


async def test_a_past_that_is_too_short_is_said() -> None:
    """The client is told that its rows may lack something, and an operator sees it."""
    world = World()
    client = await world.ready()
    await world.publisher.retire("skipped")
    heard = await client.subscribed()
    assert heard[0]["partial"] is True
    assert world.metrics.partial_joins._value.get() == 1


async def test_who_comes_back_gets_exactly_what_was_missed() -> None:
    """No rows, no event twice, none left out; on whatever gateway."""
    world = World()
    first, second = await world.ready(), await world.ready()
    heard = await first.subscribed()
    await world.publish(event(1), event(2), event(3))
    cursor = {"epoch": (await first.until("events"))[0]["epoch"], "seq": 1}
    heard = await second.subscribed(resume=cursor)
    assert types(heard) == ["subscribed", "events", "caught_up"]
    assert (heard[0]["recovered"], heard[0]["seq"], heard[0]["tables"]) == (True, 1, ["streams"])
    assert [e["id"] for e in heard[1]["events"]] == ["e-2", "e-3"]  # type: ignore[attr-defined] # decoded JSON
    assert world.outcomes() == {"recovered": 1}
    assert world.replayed("resume") == (1, 2)


async def test_who_cannot_go_on_is_told_why_and_begins_anew() -> None:
    """A reset that names the subscription, since its view is not known yet; then everything from the start."""
    world = World()
    client = await world.ready()
    await world.publish(event(1))
    heard = await client.subscribed(resume={"epoch": "e1.00000000", "seq": 1})
    assert types(heard) == ["reset", "subscribed", "snapshot", "events", "caught_up"]
    assert (heard[0]["id"], heard[0]["reason"], heard[0]["view"]) == ("s", "changed", heard[1]["view"])
    assert heard[1]["recovered"] is False
    assert world.outcomes() == {"changed": 1}


async def test_without_a_snapshot_one_comes_back_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where that fails, begins at the head, as it would have."""
    monkeypatch.setattr(beginning, "AHEAD", 0.01)
    world = World()
    client = await world.ready()
    await world.publish(event(1), event(2))
    token = (await client.subscribed(snapshot=False))[0]["epoch"]
    client.say(type="unsubscribe", id="s")
    await client.until("unsubscribed")
    heard = await client.subscribed(snapshot=False, resume={"epoch": token, "seq": 1})
    assert types(heard) == ["subscribed", "events", "caught_up"]
    assert heard[0]["tables"] == []
    client.say(type="unsubscribe", id="s")
    await client.until("unsubscribed")
    heard = await client.subscribed(snapshot=False, resume={"epoch": token, "seq": 7})
    assert types(heard) == ["reset", "subscribed", "caught_up"]
    assert heard[1]["seq"] == 2


async def test_a_cursor_that_is_ahead_is_waited_for() -> None:
    """Another gateway heard more: what it told comes here as well, a moment later."""
    world = World()
    client, other = await world.ready(), await world.ready()
    await world.publish(event(1))
    token = (await other.subscribed())[0]["epoch"]
    client.say(type="subscribe", id="s", channel="streams", resume={"epoch": token, "seq": 2})
    await asyncio.sleep(0.01)
    assert client.pull() == []
    await world.publish(event(2), event(3))
    heard = await client.until("caught_up")
    assert types(heard) == ["subscribed", "events", "caught_up"]
    assert [e["id"] for e in heard[1]["events"]] == ["e-3"]  # type: ignore[attr-defined] # decoded JSON


async def test_a_reset_before_anything_was_said_names_the_subscription() -> None:
    """The client does not know the view yet."""
    world = World()
    client = await world.ready()
    await world.publish(event(1))
    world.clock.move(60)  # an epoch that has just begun is not retired
    client.say(type="subscribe", id="s", channel="streams")
    await wait_for_async(lambda: any(each.live for each in client.connection.subscriptions))
    await world.publisher.retire("skipped")
    await wait_for_async(lambda: any(each.lost for each in client.connection.subscriptions))
    heard = await client.until("caught_up")
    assert types(heard) == ["reset", "subscribed", "snapshot", "caught_up"]
    assert (heard[0]["id"], heard[0]["reason"]) == ("s", "skipped")


async def test_what_is_stale_is_said_after_welcome() -> None:
    """Whoever comes while a backend is away learns of it, as those who were there did."""
    world = World()
    world.gateway.hub.stale("bus")
    world.gateway.hub.stale("source")
    client = world.client(principal())
    heard = client.pull()
    assert [(m["type"], m.get("backend")) for m in heard[1:]] == [
        ("welcome", None),
        ("stale", "bus"),
        ("stale", "source"),
    ]


async def test_two_subscriptions_take_turns() -> None:
    """A busy subscription does not keep another one waiting."""
    world = World()
    client = await world.ready()
    await client.subscribed()
    client.say(type="subscribe", id="t", channel="streams", filter={"type": "stream_end"})
    await client.until("caught_up")
    await world.publish(*(event(n, pad="x" * 3000) for n in range(40)), event(99, "stream_end"))
    await world.publish(event(100))
    views = {m["view"] for m in client.pull() if m["type"] == "events"}
    assert len(views) == 2


async def test_a_drain_says_goodbye_and_takes_nobody_new() -> None:
    """A planned end is announced, and the gateway is not ready any more."""
    world = World()
    client = await world.ready()
    draining = asyncio.ensure_future(world.gateway.drain(1.0))
    await asyncio.sleep(0)
    assert types(client.pull()) == ["goodbye"]
    assert client.connection.closing is CloseCode.RESTART
    assert world.gateway.full
    await world.gateway.disconnect(client.connection)
    world.clock.move(1)
    await draining


async def test_an_error_of_ours_closes_with_1011() -> None:
    """A bug in a background task ends the connection it served, with the code that says whose fault it was."""

    async def broken(_: str) -> Principal:
        raise ZeroDivisionError

    client = World(check=broken).client()
    client.say(type="auth", token="x")
    heard = await client.until("error")
    assert (heard[-1]["code"], client.connection.closing) == ("internal", CloseCode.INTERNAL)


async def test_time_passes_for_every_connection() -> None:
    """The gateway's one timer reaches them all."""
    world = World()
    client = world.client()
    timer = asyncio.ensure_future(world.gateway.keep_time())
    await asyncio.sleep(0)
    world.clock.move(6)
    assert [m.get("code") for m in await client.until("error")][-1] == "auth_timeout"
    timer.cancel()
