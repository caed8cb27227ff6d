"""Each line of the audit: there, once, and without anything that a log must not hold."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import orjson
import pytest
import structlog

from signalman.errors import NotAuthenticated
from signalman.event import Feed
from signalman.gateway import audit
from signalman.principal import Principal
from tests.unit.gateway.make import TENANT, event
from tests.unit.gateway.world import Client, World

SECRETS = (
    "fw_secret_credential",
    "fw_another_secret",
    "key-digest",
    "user-behind",
    "role-name",
    "some:permission",
    "filter-value",
    "payload",
)
WHO = Principal(
    "token",
    "t-1",
    (TENANT,),
    roles=frozenset({"role-name"}),
    permissions=frozenset({"streams:read", "infrastructure:read", "some:permission"}),
    expires_at=1_500.0,
    user_id="user-behind",
    key="key-digest",
)
LESS = replace(WHO, permissions=frozenset({"streams:read"}))
KNOWN = {"visitor": "mark", "kind": "token", "principal": "t-1", "scope": [TENANT]}


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[dict[str, Any]]]:
    """Every line that is logged, ours or not."""
    with structlog.testing.capture_logs() as captured:
        yield cast("list[dict[str, Any]]", captured)
    text = orjson.dumps(captured, default=repr).decode()
    assert not [secret for secret in SECRETS if secret in text]


def told(captured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of the audit, and forget them. The connection's number is any."""
    names = {"connect", "refuse", "refresh", "subscribe", "unsubscribe", "revoke", "close"}
    found = [dict(line) for line in captured if line["event"] in names]
    captured.clear()
    for line in found:
        assert line.pop("log_level") == "info"
        assert isinstance(line.pop("connection"), int)
    return found


async def check(credential: str) -> Principal:
    """One credential is good."""
    if credential != "fw_secret_credential":
        raise NotAuthenticated("token_invalid", "No.")
    return WHO


async def connected(world: World) -> Client:
    """Somebody who has sent his credential as the first message."""
    client = world.client()
    client.say(type="auth", token="fw_secret_credential")
    await client.until("welcome")
    return client


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(30):
        await asyncio.sleep(0)


async def test_a_conversation(lines: list[dict[str, Any]]) -> None:
    """Connect, subscribe, unsubscribe, renew, leave: one line each, and none for what happens on a subscription."""
    world = World(check=check)
    client = await connected(world)
    assert told(lines) == [{"event": "connect", **KNOWN}]
    await client.subscribed(filter={"node_id": "filter-value"})
    reads = {"channel": "streams", "reads": [TENANT]}
    assert told(lines) == [{"event": "subscribe", **KNOWN, **reads}]
    await world.publish(event(1, secret="payload", node_id="filter-value"))
    await client.until("events")
    client.say(type="unsubscribe", id="s")
    await client.until("unsubscribed")
    assert told(lines) == [{"event": "unsubscribe", **KNOWN, **reads, "by": "client"}]
    client.say(type="auth", token="fw_secret_credential")
    await client.until("welcome")
    assert told(lines) == [{"event": "refresh", **KNOWN, "by": "client"}]
    await world.gateway.disconnect(client.connection)
    assert told(lines) == [{"event": "close", **KNOWN, "reason": "client", "code": None}]


async def test_refusals(lines: list[dict[str, Any]]) -> None:
    """A wrong credential, at first or as a renewal, and another tenant's scope: with the reason and what is known."""
    world = World(check=check)
    stranger = world.client()
    stranger.say(type="auth", token="fw_another_secret")
    await stranger.until("error")
    await world.gateway.disconnect(stranger.connection)
    closed = {"event": "close", "visitor": "mark", "code": 4401, "reason": "token_invalid"}
    assert told(lines) == [{"event": "refuse", "visitor": "mark", "code": "token_invalid"}, closed]
    client = await connected(world)
    told(lines)
    client.say(type="auth", token="fw_another_secret")
    await client.until("error")
    assert told(lines) == [{"event": "refuse", **KNOWN, "code": "token_invalid"}]
    client.say(type="subscribe", id="s", channel="streams", scope=["5eed517e-ba5e-da7a-517e-ba5eda7a0002"])
    assert told(lines) == [{"event": "refuse", **KNOWN, "code": "forbidden"}]
    nobody = world.client(Principal("user", "u-1", (TENANT,)))
    await world.gateway.disconnect(nobody.connection)
    user = {"visitor": "mark", "kind": "user", "principal": "u-1", "scope": [TENANT]}
    assert told(lines) == [
        {"event": "refuse", **user, "code": "nothing_granted"},
        {"event": "close", **user, "code": 4403, "reason": "nothing_granted"},
    ]


async def test_a_grant_that_ends(lines: list[dict[str, Any]]) -> None:
    """Who ended a subscription can be told apart."""
    world = World(check=check)
    client = await connected(world)
    client.say(type="subscribe", id="s", channel="system")
    await client.until("caught_up")
    told(lines)
    client.connection.judged(LESS, 0.0)
    assert told(lines) == [
        {"event": "refresh", **KNOWN, "by": "directory"},
        {"event": "unsubscribe", **KNOWN, "channel": "system", "reads": [TENANT], "by": "grant_ended"},
    ]


@pytest.mark.parametrize("code", ["access_ended", "token_expired"])
async def test_the_end_of_access(lines: list[dict[str, Any]], code: str) -> None:
    """That it ended, and then that the socket is gone; the subscriptions that go with it are not told one by one."""
    world = World(check=check)
    client = await connected(world)
    await client.subscribed()
    told(lines)
    if code == "access_ended":
        client.connection.judged(None, 0.0)
    else:
        world.clock.now = 1_500.0
        client.connection.tick()
    assert told(lines) == [{"event": "revoke", **KNOWN, "code": code}]
    await settled()
    await world.gateway.disconnect(client.connection)
    assert told(lines) == [{"event": "close", **KNOWN, "code": 4401, "reason": code}]


async def test_a_subscription_that_never_began_is_not_told(lines: list[dict[str, Any]]) -> None:
    """Neither its beginning nor its end."""
    world = World(check=check)
    client = await connected(world)
    told(lines)
    client.say(type="subscribe", id="s", channel="streams")
    client.say(type="unsubscribe", id="s")
    await client.until("unsubscribed")
    await settled()
    assert told(lines) == []


def test_a_handshake_that_is_refused(lines: list[dict[str, Any]]) -> None:
    """There is no connection yet, and perhaps not even a visitor: what is not known is left out."""
    audit.refused(audit.Who(visitor="mark"), "token_invalid")
    audit.refused(audit.Who(), "overloaded")
    assert lines == [
        {"event": "refuse", "log_level": "info", "visitor": "mark", "code": "token_invalid"},
        {"event": "refuse", "log_level": "info", "code": "overloaded"},
    ]


def test_lines_have_their_own_logger() -> None:
    """An operator can send them elsewhere by the logger's name."""
    assert audit.log._logger_factory_args == ("signalman.audit",)


def test_no_line_holds_more_than_it_says(lines: list[dict[str, Any]]) -> None:
    """Whatever a principal holds, each line has its own members and no others."""
    who, feed = audit.Who(7, "mark", WHO), Feed("streams", (TENANT,))
    common = {"event", "log_level", "connection", "visitor", "kind", "principal", "scope"}
    audit.connected(who)
    audit.refused(who, "forbidden")
    audit.refreshed(who, "client")
    audit.subscribed(who, feed)
    audit.unsubscribed(who, feed, "client")
    audit.revoked(who, "access_ended")
    audit.closed(who, 4401, "access_ended")
    more = [set(), {"code"}, {"by"}, {"channel", "reads"}, {"channel", "reads", "by"}, {"code"}, {"code", "reason"}]
    assert [set(line) - common for line in lines] == more
    assert all(common <= set(line) for line in lines)
