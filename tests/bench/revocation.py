"""Section ``revocation``: how long a socket lives after its token was taken back, at two gateways around real servers.

From the moment at which the platform's accounts are asked to take the token back, or its event is handed to Kafka, to
the moment at which the client has been closed. There is no baseline: nothing else is compared.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import orjson

from tests.acceptance.processes import Installation, counted, port_of
from tests.acceptance.records import TENANT, Topics
from tests.acceptance.revoking import NOTIFY, Accounts, ApiToken, Holder, give_out
from tests.bench.figures import Effort, Figure
from tests.bench.installed import Publish, installed, publishing, spread
from tests.bench.stalled import Stalled

_MOST_SOCKETS = 100
_MOST_STALLED = 10
_LONGEST = 90.0
"""Seconds after which a socket that is still open is a fault, and no figure."""
_NOTICED = {"SIGNALMAN_ACCESS__RECHECK_SECONDS": "60"}
_UNNOTICED = {"SIGNALMAN_DIRECTORY__LISTEN": "false"}
_FILLING = {"data": {"stream_id": "", "issues_description": "x" * 50_000}}
_FILLINGS = 160


def revocation(effort: Effort) -> Iterator[Figure]:
    """Ten sockets for each round, up to a hundred, each with a token of its own; a tenth of them that do not read.

    Raises:
        LeftOut: This machine lacks a server.
    """
    sockets = min(_MOST_SOCKETS, 10 * effort.rounds)
    period = min(30.0, effort.seconds / 4)
    with installed(relayed=True) as installation, asyncio.Runner() as runner:
        installation.postgres.run_sql("postgres", NOTIFY.read_text())
        yield from spread("by NOTIFY", runner.run(_by_notify(installation, sockets)))
        stalled, aborted = runner.run(_stalled(installation, min(_MOST_STALLED, sockets // 10)))
        yield from spread("by NOTIFY, stalled client", stalled)
        yield Figure("stalled clients that were cut off", aborted, "sockets")
        if installation.kafka.real:
            yield from spread("by the platform's event", runner.run(_by_event(installation, sockets)))
        what = f"by poll every {period:g} s"
        yield from spread(what, runner.run(_by_poll(installation, sockets, period)), "s")


@asynccontextmanager
async def _gateways(installation: Installation, env: Mapping[str, str]) -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as stack:
        yield [stack.enter_context(installation.gateway(env)) for _ in range(2)]


@asynccontextmanager
async def _open(
    installation: Installation, env: Mapping[str, str], sockets: int
) -> AsyncIterator[tuple[list[Holder], Accounts]]:
    """So many sockets over two gateways in turn, and the accounts that take their tokens back."""
    tokens = await asyncio.to_thread(give_out, installation.postgres, TENANT, sockets)
    async with (
        _gateways(installation, env) as urls,
        Accounts(installation.postgres) as accounts,
        AsyncExitStack() as stack,
    ):
        holders = [Holder(urls[number % 2], token) for number, token in enumerate(tokens)]
        for holder in holders:
            await stack.enter_async_context(holder)
        yield holders, accounts


async def _by_notify(installation: Installation, sockets: int) -> list[float]:
    """One by one."""
    took = []
    async with _open(installation, _NOTICED, sockets) as (holders, accounts):
        for holder in holders:
            began = await accounts.revoke(holder.token)
            await holder.closed(within=_LONGEST)
            took.append(holder.closed_at - began)
    return took


async def _by_event(installation: Installation, sockets: int) -> list[float]:
    """The database tells nothing; what the platform sends its services goes through Kafka, relay and Redis."""
    took = []
    with installation.relay():
        async with (
            Topics(installation) as topics,
            _open(installation, {**_UNNOTICED, **_NOTICED}, sockets) as (holders, accounts),
        ):
            for holder in holders:
                await accounts.revoke(holder.token)
                began = time.monotonic()
                await topics.put(_revoked(holder.token), topic=installation.topics["service"])
                await holder.closed(within=_LONGEST)
                took.append(holder.closed_at - began)
    return took


async def _by_poll(installation: Installation, sockets: int, period: float) -> list[float]:
    """Nobody tells anything; the tokens are taken back at random moments of one period."""
    chance = random.Random(1)
    env = {**_UNNOTICED, "SIGNALMAN_ACCESS__RECHECK_SECONDS": str(period)}
    async with _open(installation, env, sockets) as (holders, accounts):

        async def taken_back(holder: Holder, after: float) -> float:
            await asyncio.sleep(after)
            async with one_at_a_time:
                began = await accounts.revoke(holder.token)
            await holder.closed(within=_LONGEST)
            return holder.closed_at - began

        one_at_a_time = asyncio.Lock()
        return await asyncio.gather(*(taken_back(holder, chance.uniform(0, period)) for holder in holders))


async def _stalled(installation: Installation, sockets: int) -> tuple[list[float], float]:
    """Clients that have stopped reading while there is more for them than any buffer holds; and how many of them the
    gateway says that it cut off.
    """
    tokens = await asyncio.to_thread(give_out, installation.postgres, TENANT, sockets)
    took = []
    with installation.gateway(_NOTICED) as url:
        async with publishing(installation) as publish, Accounts(installation.postgres) as accounts:
            for token in tokens:
                async with Stalled(url, token.text) as client:
                    await _fill(publish)
                    began = await accounts.revoke(token)
                    took.append(await client.cut_off(within=_LONGEST) - began)
        return took, counted(port_of(url), "signalman_aborted_total")


async def _fill(publish: Publish) -> None:
    for _ in range(_FILLINGS):
        await publish({"id": str(uuid4()), "type": "stream_lifecycle_update", **_FILLING})


def _revoked(token: ApiToken) -> bytes:
    """The record by which the platform tells its services that a token was taken back."""
    return orjson.dumps(
        {
            "event_id": str(uuid4()),
            "event_type": "token_revoked",
            "timestamp": "2026-08-20T10:12:00Z",
            "source": "commodore",
            "tenant_id": TENANT,
            "user_id": token.user,
            "resource_type": "user",
            "resource_id": token.user,
            "data": {"user_id": token.user, "tenant_id": TENANT, "auth_type": "api_token", "token_id": token.id},
        }
    )
