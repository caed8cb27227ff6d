"""Who joins late has the same tables as who watched from the start: on real servers, while ClickHouse is behind."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
import redis.asyncio

from signalman.simulate.tenants import tenant_ids
from tests.acceptance.follower import Follower
from tests.acceptance.life import first_insert, live
from tests.acceptance.processes import Installation, counted, port_of
from tests.acceptance.records import Topics
from tests.acceptance.scenario import CATALOG, Platform
from tests.servers import Redis
from tests.servers.ports import wait_for_async

Followers = dict[str, Follower]
"""One for each channel."""
Keyed = dict[tuple[Any, ...], Mapping[str, Any]]

(TENANT,) = tenant_ids(1)
LAG_SECONDS = 8.0
JOINS = 3
TABLES = {"streams": ["streams"], "analytics": ["viewers", "artifacts", "artifact_copies"], "system": ["nodes"]}


@pytest.mark.timeout(600)  # many processes start, on whatever machine
async def test_late_tables_equal_early_ones(installation: Installation, redis_server: Redis) -> None:
    """With ClickHouse eight seconds behind, clients join at several moments. When both have the same events, the
    tables of each equal, row by row, those of the clients that have been there from the start; what the rows of
    ClickHouse alone said at that moment was something else. Then Redis is emptied: who is there is told `reset`, reads
    the tables anew, and is right again.
    """
    platform = Platform(start=time.time(), tenants=1, viewers_per_stream=10, speed=8.0)
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        stack.enter_context(installation.relay())
        url = stack.enter_context(installation.gateway())
        # In one partition: of two changes of a row within one second nobody could tell the order otherwise.
        life = asyncio.create_task(live(installation, platform, lag=LAG_SECONDS, partition_of=lambda _: 0))
        await first_insert(installation, [TENANT])

        # What happened before the platform's start was on no topic; from then on it is in the tables.
        await _ingested(installation, platform.start)
        early = await _join(installation, url, stack, "early")
        behind = 0
        for number in range(JOINS):
            await platform.until(len(platform.emitted) + 400)
            late = await _join(installation, url, stack, f"late {number}")
            platform.pause()
            behind += await _compare(early, late)
            platform.resume()
        assert behind > 0
        assert counted(port_of(url), "signalman_snapshot_lag_seconds", table="streams") > 1

        platform.pause()
        at_rest = time.time()
        await wait_for_async(lambda: time.time() > at_rest + LAG_SECONDS + 8, within=30)
        async with redis.asyncio.Redis.from_url(redis_server.url) as admin:
            await admin.flushall()
        platform.resume()
        await platform.until(len(platform.emitted) + 400)
        for follower in early.values():
            await follower.until(partial(_has_begun_anew, follower))
        late = await _join(installation, url, stack, "after all was forgotten")
        platform.pause()
        await _compare(early, late)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def _ingested(installation: Installation, moment: float) -> None:
    """Wait until ClickHouse has all that happened before *moment*, however long that takes on a busy machine.
    It is given changes in their order, some at a time: when it has newer ones twice over, the older ones are in.
    """
    sql = "SELECT toUnixTimestamp(max(updated_at)) FROM node_state_current"

    def newest() -> int:
        return int(installation.clickhouse.run_sql(sql))

    await wait_for_async(lambda: newest() > moment + 1, within=60, interval=0.2)
    then = newest()
    await wait_for_async(lambda: newest() > then, within=60, interval=0.2)


async def _join(installation: Installation, url: str, stack: AsyncExitStack, name: str) -> Followers:
    token = installation.jwt(TENANT, time.time())
    made = {channel: Follower(url, token, channel, snapshot=True, name=name) for channel in TABLES}
    await asyncio.gather(*(stack.enter_async_context(follower) for follower in made.values()))
    return made


async def _compare(early: Followers, late: Followers) -> int:
    """Fail unless both have the same rows, once they stand at the same place in each feed. Returns in how many tables
    the snapshot alone would have been wrong.
    """
    behind = 0
    for channel, tables in TABLES.items():
        await wait_for_async(partial(_together, early[channel], late[channel]), within=20, interval=0.2)
        now_ms = round(time.time() * 1000)
        for table in tables:
            one, other = _rows(early[channel], table, now_ms), _rows(late[channel], table, now_ms)
            assert one == other, f"{table}: {_difference(one, other)}"
            assert one or table in {"artifacts", "artifact_copies"}, f"{table}: nothing to compare"
            behind += one != _keyed(table, late[channel].read.get(table, []))
    return behind


def _together(one: Follower, other: Follower) -> bool:
    return one.seq == other.seq


def _has_begun_anew(follower: Follower) -> bool:
    return follower.resets == ["epoch"] and follower.told["caught_up"] == 2


def _rows(follower: Follower, table: str, now_ms: int) -> Keyed:
    follower.tables.expire(now_ms)
    return _keyed(table, follower.tables.rows(table))


def _keyed(table: str, rows: Sequence[Mapping[str, Any]]) -> Keyed:
    key = next(channel.tables[table].key for channel in CATALOG.channels.values() if table in channel.tables)
    return {tuple(row[column] for column in key): row for row in rows}


def _difference(one: Keyed, other: Keyed) -> str:
    """A few rows that differ, column by column."""
    keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    told = []
    for key in keys[:3]:
        here, there = one.get(key), other.get(key)
        if here is None or there is None:
            told.append(f"{key}: {'early' if there is None else 'late'} only: {here or there}")
        else:
            columns = [column for column in here.keys() | there.keys() if here.get(column) != there.get(column)]
            told.append(f"{key}: " + ", ".join(f"{c}: {here.get(c)!r} / {there.get(c)!r}" for c in sorted(columns)))
    return f"{len(keys)} rows differ; " + "; ".join(told)
