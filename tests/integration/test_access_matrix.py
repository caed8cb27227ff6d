"""Every kind of credential, in every state, handed over in every way: real gateways, PostgreSQL and Redis."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from redis.asyncio import Redis as Client
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from signalman.notice import EVERYBODY
from signalman.protocol import CloseCode
from tests.integration.access.credentials import credential
from tests.integration.access.gateways import Served, World, world
from tests.integration.access.people import Person
from tests.integration.access.table import AT_THE_DOOR, WAYS, WHILE_OPEN, expected
from tests.integration.access.ways import CHANNELS, Refused, arrived, buy, hear, outcome, subscribe
from tests.servers import Postgres, Redis, wait_for_async

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

DOOR = {(kind, state, way): word for (kind, state), word in expected(AT_THE_DOOR).items() for way in WAYS}
OPEN = expected(WHILE_OPEN)
WORDS = {"nothing": "nothing_granted"}
"""Word of the table → code of the refusal."""


def visitor(kind: str, state: str, way: str) -> Person:
    """Who comes in a case: to whom something happens while he is here, once; else for every way the same."""
    return Person(f"{kind}, {state}, {way if kind == 'ticket' or way == 'open' else 'door'}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything(
    postgres: Postgres, redis_server: Redis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """All who come, in their states, and the gateways; tickets and open sockets meet theirs later."""
    cases = [*DOOR, *((kind, state, "open") for kind, state in OPEN)]
    people = {visitor(*case) for case in cases}
    async with world(postgres, redis_server, tmp_path_factory.mktemp("matrix"), list(people)) as found:
        for state in {state for _, state, _ in DOOR}:
            concerned = {visitor(kind, of, way) for kind, of, way in DOOR if of == state and kind != "ticket"}
            await found.people.befall(state, list(concerned))
        yield found


@pytest.mark.parametrize(("kind", "state", "way"), DOOR, ids=map(", ".join, DOOR))
async def test_at_the_door(everything: World, kind: str, state: str, way: str) -> None:
    """The kind and the state decide, the way does not; and in the address nothing is taken but a ticket."""
    person = visitor(kind, state, way)
    word = DOOR[kind, state, way]
    brought = await (ticket(everything, state, person) if kind == "ticket" else of_a_kind(kind, state, person))
    found = await outcome(everything.served(kind), way, brought)
    assert found == ("token_in_url" if way == "query" else WORDS.get(word, word))


async def of_a_kind(kind: str, state: str, person: Person) -> str:
    """What *person* brings."""
    return credential(kind, state, person)


async def ticket(everything: World, state: str, person: Person) -> str:
    """A ticket that was good when it was bought; what happened then is *state*."""
    served = everything.served("ticket")
    bought = await buy(served, person.fw_token)
    await everything.people.befall(state, [person])
    if state == "tampered":
        return bought[:-1] + ("A" if bought[-1] != "A" else "Q")
    if state == "unknown":
        return f"sgt_{'A' * 43}"
    if state == "used before":
        async with arrived(served, "header", bought):
            pass
    if state == "expired":
        async with Client.from_url(everything.redis.url) as client:
            async for key in client.scan_iter("matrix-platform*ticket*"):
                await client.pexpire(key, 0)
    return bought


@pytest.mark.parametrize(("kind", "state"), OPEN, ids=map(", ".join, OPEN))
async def test_while_the_socket_is_open(everything: World, kind: str, state: str) -> None:
    """What was right when a socket opened and is so no more ends it, or the part of it that is concerned."""
    person, served = visitor(kind, state, "open"), everything.served(kind)
    async with arrived(served, "header", credential(kind, "good", person)) as socket:
        for channel in CHANNELS:
            await subscribe(socket, channel)
            await until(socket, "caught_up", [])
        before = looked_at(served)
        await everything.people.befall(state, [person])
        served.gateway.standing.notice(EVERYBODY, "relay")
        await wait_for_async(lambda: looked_at(served) > before, what="another look at who is connected")
        assert await becomes(socket) == OPEN[kind, state]


def looked_at(served: Served) -> float:
    """How many connections have been looked at again, with whatever result."""
    return sum(
        served.gateway.metrics.registry.get_sample_value("signalman_rechecks_total", {"outcome": outcome}) or 0.0
        for outcome in ("same", "changed", "ended")
    )


async def becomes(socket: ClientConnection) -> str:
    """What the client has been told of his access."""
    told: list[str] = []
    with suppress(ConnectionClosed):
        await socket.send('{"type": "ping", "t": 1}')
    try:
        await until(socket, "pong", told)
    except ConnectionClosed:
        assert told == ["access_ended"]
        assert socket.close_code == CloseCode.NOT_AUTHENTICATED
        return "ended"
    return {(): "all", ("grant_ended", "unsubscribed", "welcome"): "less"}.get(tuple(told), str(told))


async def until(socket: ClientConnection, type_: str, told: list[str]) -> None:
    """Add to *told* the codes and types of what comes before the next message of *type_*."""
    while (message := await hear(socket))["type"] != type_:
        if message["type"] not in {"subscribed", "heartbeat"}:
            told.append(message.get("code", message["type"]))


async def test_a_ticket_buys_no_ticket(everything: World) -> None:
    """Or whoever got hold of one would have access for ever."""
    served = everything.served("ticket")
    bought = await buy(served, credential("account", "good", Person("account")))
    with pytest.raises(Refused, match="forbidden"):
        await buy(served, bought)
