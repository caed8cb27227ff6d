"""What operators are told of a gateway: right, bounded, and nothing about people."""

import orjson
import pytest

from signalman.event import Feed
from signalman.gateway import stats
from tests.unit.gateway.make import OTHER, TENANT, api_token, event, principal
from tests.unit.gateway.world import World

SYSTEM = Feed("system", (TENANT,))


async def test_a_gateway_at_work() -> None:
    """Connections by what they are, subscriptions and feeds by channel and tenant, how far the slowest is behind."""
    world = World()
    world.client()
    quick, slow, other = (
        await world.ready(),
        await world.ready(api_token("streams:read")),
        await world.ready(principal(OTHER)),
    )
    await quick.subscribed()
    await slow.subscribed()
    quick.say(type="subscribe", id="t", channel="system")
    await quick.until("caught_up")
    await other.subscribed()
    for number in range(3):
        await world.publish(event(number))
        quick.pull()
    found = world.gateway.stats()
    view = next(iter(quick.connection.subscriptions)).view
    size = sum(len(frame.data) for frame in view.since(0))
    assert found == {
        "connections": 4,
        "unauthenticated": 1,
        "principals": {"user": 1, "token": 1},
        "subscriptions": {"streams": 3, "system": 1},
        "views": 3,
        "feeds": {
            "total": 3,
            "cut": False,
            "listed": [
                _feed("streams", TENANT, seq=3, subscribers=2, behind_events=3, behind_bytes=size),
                _feed("streams", OTHER, seq=0, subscribers=1),
                _feed("system", TENANT, seq=0, subscribers=1),
            ],
        },
        "tenants": {
            "total": 2,
            "cut": False,
            "listed": [
                {"tenant": TENANT, "connections": 2, "subscriptions": {"streams": 2, "system": 1}},
                {"tenant": OTHER, "connections": 1, "subscriptions": {"streams": 1}},
            ],
        },
        "lag_ms": {},
        "bus_lost": False,
        "draining": False,
    }
    assert "u-1" not in orjson.dumps(found).decode()
    slow.pull()
    assert world.gateway.stats()["feeds"]["listed"][0]["behind_events"] == 0


def _feed(channel: str, tenant: str, *, seq: int, subscribers: int, **behind: int) -> dict[str, object]:
    return {
        "channel": channel,
        "scope": [tenant],
        "seq": seq,
        "filling": False,
        "subscribers": subscribers,
        "views": 1,
        "behind_events": 0,
        "behind_bytes": 0,
        **behind,
    }


async def test_long_lists_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest come first, how many there are is said, and that some are missing."""
    monkeypatch.setattr(stats, "LISTED", 1)
    world = World()
    for who in (principal(OTHER), principal(), principal()):
        await (await world.ready(who)).subscribed()
    found = world.gateway.stats()
    for name in ("tenants", "feeds"):
        assert (found[name]["total"], found[name]["cut"], len(found[name]["listed"])) == (2, True, 1)
    assert found["tenants"]["listed"][0]["tenant"] == TENANT
    assert found["feeds"]["listed"][0]["subscribers"] == 2


async def test_a_lapped_reader_is_behind_by_what_is_held() -> None:
    """It has lost the rest: what it would have to be sent is what the log has."""
    world = World(view_frames=2)
    client = await world.ready()
    await client.subscribed()
    for number in range(5):
        await world.publish(event(number))
    assert world.gateway.stats()["feeds"]["listed"][0]["behind_events"] == 2


async def test_the_lag_of_tables_is_told() -> None:
    """As it was measured last, by table."""
    world = World()
    world.gateway.measure._windows.measured("streams", 1_900, world.clock.now)
    assert world.gateway.stats()["lag_ms"] == {"streams": 1_900}
    world.clock.move(601)
    assert world.gateway.stats()["lag_ms"] == {}
