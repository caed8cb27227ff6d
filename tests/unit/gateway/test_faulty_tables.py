"""What clients see of tables that the store does not have as the channel needs them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from signalman.event import Feed
from signalman.principal import Principal
from tests.unit.gateway.make import ROLES, TENANT, catalog, event
from tests.unit.gateway.world import Client, Message, World, types

SYSTEM = Feed("system", (TENANT,))


async def arrive(world: World) -> Client:
    """Somebody who may read everything, and knows it."""
    return await world.ready(Principal("account", "dev", (TENANT,), ROLES))


async def pass_time(world: World) -> None:
    """Long enough for whatever is tried again."""
    world.clock.move(60)
    for _ in range(20):
        await asyncio.sleep(0)


async def subscribe(client: Client, channel: str, until: str = "caught_up", **more: Any) -> list[Message]:
    """Subscribe under the channel's name."""
    client.say(type="subscribe", id=channel, channel=channel, **more)
    return await client.until(until)


async def test_a_faulty_table_is_said_at_once_and_events_flow() -> None:
    """The client is not left waiting for a query that must fail, and the table is not even asked for; when it is
    mended, a `reset` brings the rows.
    """
    world = World()
    world.store.missing = {"streams_current"}
    await world.gateway.inspection.look()
    client = await arrive(world)
    heard = await subscribe(client, "streams", "error")
    assert types(heard) == ["subscribed", "error"]
    assert heard[0]["tables"] == []
    error = heard[1]
    assert (error["id"], error["code"], error["status"]) == ("streams", "snapshot_unavailable", 503)
    assert (error["retry_after_ms"], "'streams'" in str(error["detail"])) == (5000, True)
    assert "streams_current" not in str(error)
    await world.publish(event(1))
    assert types(await client.until("events")) == ["events"]
    for _ in range(3):
        await pass_time(world)
        assert client.pull() == []
    assert world.store.read_tables == []

    world.store.missing.clear()
    await world.gateway.inspection.look()
    await pass_time(world)
    heard = await client.until("caught_up")
    assert types(heard) == ["reset", "subscribed", "snapshot", "caught_up"]
    assert (heard[0]["reason"], heard[1]["tables"]) == ("snapshot", ["streams"])


async def test_the_channels_other_tables_are_there() -> None:
    """Of two tables one is faulty: the other comes, with `caught_up`, and `tables` names what there is. When the one is
    mended, both come.
    """
    world = World()
    world.store.without = {("nodes_current", "tenant_id")}
    await world.gateway.inspection.look()
    client = await arrive(world)
    heard = await subscribe(client, "system")
    assert types(heard) == ["subscribed", "snapshot", "error", "caught_up"]
    assert (heard[0]["tables"], heard[1]["table"]) == (["orchestrators"], "orchestrators")
    assert (heard[2]["code"], "'system'" in str(heard[2]["detail"])) == ("snapshot_unavailable", True)
    assert world.store.read_tables == ["orchestrators"]
    await pass_time(world)
    assert client.pull() == []

    world.store.without.clear()
    await world.gateway.inspection.look()
    await pass_time(world)
    heard = await client.until("caught_up")
    assert types(heard) == ["reset", "subscribed", "snapshot", "snapshot", "caught_up"]
    assert heard[1]["tables"] == ["nodes", "orchestrators"]


async def test_a_table_that_breaks_is_found_out_by_who_wants_it() -> None:
    """Not only a minute later: the first who cannot read it is told so, and has the channel's other tables next."""
    world = World()
    await world.gateway.inspection.look()
    world.clock.move(5)
    world.store.missing = {"nodes_current"}
    client = await arrive(world)
    heard = await subscribe(client, "system", "error")
    assert "The tables cannot be read now" in str(heard[-1]["detail"])
    await pass_time(world)
    heard = await client.until("caught_up")
    assert types(heard) == ["reset", "subscribed", "snapshot", "error", "caught_up"]
    assert heard[1]["tables"] == ["orchestrators"]


async def test_other_channels_do_not_notice() -> None:
    """One connection, two channels, one of them at fault."""
    world = World()
    world.store.missing = {"nodes_current", "orchestrators_current"}
    await world.gateway.inspection.look()
    client = await arrive(world)
    await subscribe(client, "system", "error")
    assert types(await subscribe(client, "streams")) == ["subscribed", "snapshot", "caught_up"]


async def test_what_one_has_is_not_taken_away_for_another_table() -> None:
    """One table is mended and the other one breaks: who has the other's rows keeps them, and gets both when both are
    there.
    """
    world = World()
    world.store.missing = {"nodes_current"}
    await world.gateway.inspection.look()
    client = await arrive(world)
    await subscribe(client, "system")
    world.store.missing = {"orchestrators_current"}
    await world.gateway.inspection.look()
    await pass_time(world)
    assert client.pull() == []
    world.store.missing = set()
    await world.gateway.inspection.look()
    await pass_time(world)
    heard = await client.until("caught_up")
    assert heard[1]["tables"] == ["nodes", "orchestrators"]


async def test_who_has_the_rows_goes_on_with_them() -> None:
    """A table that becomes faulty while a client is away is no reason to take from it what it has."""
    world = World()
    client = await arrive(world)
    heard = await subscribe(client, "system")
    await world.publish(event(1, "node_lifecycle_update"), feed=SYSTEM)
    (events,) = await client.until("events")
    world.store.missing = {"nodes_current"}
    await world.gateway.inspection.look()
    back = await arrive(world)
    heard = await subscribe(back, "system", resume={"epoch": events["epoch"], "seq": 1})
    assert types(heard) == ["subscribed", "caught_up"]
    assert (heard[0]["recovered"], heard[0]["tables"]) == (True, ["nodes", "orchestrators"])


@pytest.mark.parametrize("more", [{"snapshot": False}, {"filter": {"node_id": "n"}}])
async def test_who_does_not_want_the_table_is_not_bothered(more: dict[str, Any]) -> None:
    """Without a snapshot, or with a filter that the faulty table has no column for, there is nothing to say."""
    world = World()
    world.store.missing = {"orchestrators_current"}
    await world.gateway.inspection.look()
    client = await arrive(world)
    assert "error" not in types(await subscribe(client, "system", **more))


async def test_the_store_away_and_a_table_at_fault_are_told_apart() -> None:
    """First nothing can be read, then one table can."""
    world = World()
    world.store.missing = {"nodes_current"}
    await world.gateway.inspection.look()
    world.store.away = True
    client = await arrive(world)
    heard = await subscribe(client, "system", "error")
    assert "The tables cannot be read now" in str(heard[-1]["detail"])
    world.store.away = False
    await pass_time(world)
    heard = await client.until("caught_up")
    assert types(heard) == ["reset", "subscribed", "snapshot", "error", "caught_up"]


async def test_readiness_does_not_depend_on_tables() -> None:
    """A load balancer must not take a gateway away that serves everything else."""
    world = World(pack=replace(catalog(), title="Another"))
    world.store.missing = {"streams_current", "nodes_current", "orchestrators_current"}
    await world.gateway.inspection.look()
    await world.gateway.ready()
