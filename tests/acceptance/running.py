"""A relay, a gateway and a client of one tenant, and events that are told one by one."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

from tests.acceptance.processes import Installation, counted, port_of, ready
from tests.acceptance.records import TENANT, Topics
from tests.acceptance.scenario import Client, judge_chain
from tests.servers.ports import free_port


class Running:
    """Processes at work. Good events go into partition 0, where their order is known."""

    def __init__(self, topics: Topics, client: Client, *, relay_port: int, url: str) -> None:
        self.topics = topics
        self.client = client
        self.relay_port = relay_port
        self.gateway_port = port_of(url)
        self.url = url
        self.good: list[str] = []

    async def put_good(self, count: int = 1) -> None:
        """Append events that have to arrive."""
        self.good += (new := event_ids(count))
        await self.topics.put_events(new)

    async def arrived(self) -> None:
        """Fail unless every good event has arrived, in order, and nothing else has."""
        await arrive(self.client, self.good)
        assert self.client.ids("streams") == self.good
        judge_chain(self.client, "streams")

    def data(self, event_id: str) -> Mapping[str, Any]:
        """What the client was told of an event."""
        events = [event for message in self.client.of("events") for event in message["events"]]
        return next(event["data"] for event in events if event["id"] == event_id)

    def outcome(self, outcome: str) -> float:
        """How many records of the analytics topic ended so."""
        return counted(self.relay_port, "signalman_relay_records_total", topic="analytics", outcome=outcome)


@asynccontextmanager
async def run(installation: Installation) -> AsyncIterator[Running]:
    """A relay and a gateway, and a client that has subscribed to channel streams without a snapshot."""
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        # Both start at the same time, which halves the wait.
        relay_port = free_port()
        port = {"SIGNALMAN_RELAY__PORT": str(relay_port)}
        relay = stack.enter_context(installation.run("relay", ["relay"], port))
        url = stack.enter_context(installation.gateway())
        relay.wait_ready(lambda: ready(relay_port), timeout=60)
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        yield Running(topics, client, relay_port=relay_port, url=url)


def client_of(installation: Installation, url: str) -> Client:
    """A client of the tenant of all events here, with a JWT."""
    return Client(url, TENANT, installation.jwt(TENANT, time.time()))


def event_ids(count: int) -> list[str]:
    """New ones."""
    return [str(uuid4()) for _ in range(count)]


async def arrive(client: Client, ids: list[str], within: float = 30.0) -> None:
    """Return once *client* has events of all *ids*."""
    await client.until(lambda: set(ids) <= set(client.ids("streams")), within)
