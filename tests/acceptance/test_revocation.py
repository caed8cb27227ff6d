"""A token is taken back while its sockets are open, at two gateways."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidStatus

from tests.acceptance.processes import Installation
from tests.acceptance.records import TENANT
from tests.acceptance.revoking import NOTIFY, Accounts, Holder, give_out
from tests.servers import Postgres, create_frameworks

PROMISED_WITH_NOTICE = 5.0
PROMISED_BY_POLL = 60.0
_SOCKETS = 6


@pytest.fixture
def accounts(own_postgres: Postgres, installation: Installation) -> Postgres:
    """The platform's databases, of this test alone, without triggers."""
    own_postgres.start()
    create_frameworks(own_postgres)
    installation.env["DATABASE_URL"] = own_postgres.dsn()
    return own_postgres


async def _open(stack: AsyncExitStack, installation: Installation, accounts: Postgres) -> list[Holder]:
    """Sockets at two gateways in turn, each with a token of its own, and a last one whose token nobody takes back."""
    urls = [stack.enter_context(installation.gateway()) for _ in range(2)]
    tokens = await asyncio.to_thread(give_out, accounts, TENANT, _SOCKETS + 1)
    holders = [Holder(urls[number % 2], token) for number, token in enumerate(tokens)]
    for holder in holders:
        await stack.enter_async_context(holder)
    return holders


def _ended(holder: Holder) -> bool:
    return (holder.codes, holder.close_code) == (["access_ended"], 4401)


async def test_a_notification_ends_it_at_every_gateway(installation: Installation, accounts: Postgres) -> None:
    """The database tells of it: each of the sockets is closed with 4401 within the promised five seconds, while the
    regular look, once a minute, is far away; the socket of another token stays open.
    """
    accounts.run_sql("postgres", NOTIFY.read_text())
    installation.env["SIGNALMAN_ACCESS__RECHECK_SECONDS"] = "60"
    async with AsyncExitStack() as stack:
        *taken, kept = await _open(stack, installation, accounts)
        platform = await stack.enter_async_context(Accounts(accounts))
        for holder in taken:
            await platform.revoke(holder.token)
            await holder.closed(within=PROMISED_WITH_NOTICE)
            assert _ended(holder)
        assert kept.is_open


async def test_without_notifications_the_regular_look_ends_it(installation: Installation, accounts: Postgres) -> None:
    """Nobody tells of it, as on a database that cannot: the sockets are closed all the same, within the promised
    minute, since everybody is looked up again; the socket of another token stays open.
    """
    installation.env["SIGNALMAN_DIRECTORY__LISTEN"] = "false"
    installation.env["SIGNALMAN_ACCESS__RECHECK_SECONDS"] = "3"
    async with AsyncExitStack() as stack:
        *taken, kept = await _open(stack, installation, accounts)
        platform = await stack.enter_async_context(Accounts(accounts))
        for holder in taken:
            await platform.revoke(holder.token)
        await asyncio.gather(*(holder.closed(within=PROMISED_BY_POLL) for holder in taken))
        assert all(map(_ended, taken))
        assert kept.is_open


async def test_a_refused_token_stays_refused(installation: Installation, accounts: Postgres) -> None:
    """Whoever was sent away and comes back with the same token is refused before the upgrade, at the other gateway
    too, with 401.
    """
    accounts.run_sql("postgres", NOTIFY.read_text())
    async with AsyncExitStack() as stack:
        taken, *others = await _open(stack, installation, accounts)
        platform = await stack.enter_async_context(Accounts(accounts))
        await platform.revoke(taken.token)
        await taken.closed(within=PROMISED_WITH_NOTICE)
        for url in {holder._url for holder in others}:
            with pytest.raises(InvalidStatus) as caught:
                async with Holder(url, taken.token):
                    pass
            assert caught.value.response.status_code == 401
