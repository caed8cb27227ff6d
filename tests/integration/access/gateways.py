"""Two real gateways over real PostgreSQL and Redis: one of a platform that knows users, one without a platform."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.backends.standalone.migrations import migrate, migrations
from signalman.catalog import default_folder
from signalman.compose import parts
from signalman.compose.admission import redis_stores
from signalman.compose.directory import directory
from signalman.compose.roles import serve_clients
from signalman.config import load
from signalman.gateway.gateway import Gateway
from signalman.metrics import Metrics
from signalman.web import server
from tests.integration.access.credentials import ACCOUNTS, AUDIENCE, ISSUER, KEY_ID, PUBLISHED
from tests.integration.access.people import People, Person, populated
from tests.integration.access.states import STANDALONE
from tests.integration.key_server import KeyServer
from tests.servers import Postgres, Redis
from tests.unit.access.key_sets import jwk, key_set
from tests.unit.access.make import SECRET
from tests.unit.access.tokens import PRIVATE, pem

COOKIE, ORIGIN = "access_token", "https://dash.example.com"

_LIMITS = (
    *("connections_per_tenant", "connections_per_user", "connections_per_address", "handshakes_per_minute"),
    *("failures", "unauthenticated", "snapshots_per_minute"),
)

_EXTENSION = """
[pack]
name = "matrix"
title = "FrameWorks, with split tokens"
format = 1
extends = "frameworks"

[[access.tokens]]
scheme = "hashed"
prefix = "fw_"

[[access.tokens]]
scheme = "split"
prefix = "tfk_"
secret_prefix = "tfs_"
"""
_KEYS = """
-- name: keys
-- database: commodore
SELECT key.id AS key, key.token_id::text AS id, ARRAY[key.tenant_id::text] AS scope, ARRAY[]::text[] AS roles,
    key.permissions AS permissions, key.user_id::text AS user_id, key.secret_hash AS secret_hash,
    EXTRACT(EPOCH FROM key.expires_at::timestamptz)::float8 AS expires_at
FROM commodore.service_keys AS key
JOIN commodore.users AS owner ON owner.id = key.user_id AND owner.tenant_id = key.tenant_id AND owner.is_active IS TRUE
WHERE key.id = ANY($1::text[]) AND key.is_active AND (key.expires_at IS NULL OR key.expires_at > NOW())
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running gateway."""

    gateway: Gateway
    port: int

    @property
    def url(self) -> str:
        """Address of the WebSocket."""
        return f"ws://127.0.0.1:{self.port}/v1/ws"


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the cases share."""

    platform: Served
    alone: Served
    people: People
    redis: Redis

    def served(self, kind: str) -> Served:
        """The gateway that people of this kind come to."""
        return self.alone if kind in {"jwt alone", "own token"} else self.platform


@asynccontextmanager
async def world(postgres: Postgres, redis: Redis, folder: Path, people: list[Person]) -> AsyncIterator[World]:
    """Everything, with all of *people* there and good."""
    async with AsyncExitStack() as stack:
        postgres.run_sql("postgres", f'DROP DATABASE IF EXISTS "{STANDALONE}"')
        postgres.create_database(STANDALONE)
        await migrate(postgres.dsn(STANDALONE), migrations())
        there = await stack.enter_async_context(populated(postgres))
        await there.settle(people)
        jwks = await stack.enter_async_context(KeyServer(key_set(jwk(key=PUBLISHED, kid=KEY_ID))))
        platform = await stack.enter_async_context(
            _served(_platform(folder / "platform", jwks.url), postgres.dsn("commodore"), redis)
        )
        alone = await stack.enter_async_context(_served(_alone(folder / "alone"), postgres.dsn(STANDALONE), redis))
        yield World(platform, alone, there, redis)


def _platform(folder: Path, jwks_url: str) -> Path:
    """The configuration of the gateway of a platform."""
    (folder / "pack").mkdir(parents=True)
    (folder / "pack" / "pack.toml").write_text(_EXTENSION)
    (folder / "pack" / "directory.sql").write_text(_KEYS)
    keys = []
    for algorithm, key in PRIVATE.items():
        keys.append(str(folder / f"{algorithm}.pem"))
        Path(keys[-1]).write_bytes(pem(key.public_key()))
    more = f"jwt_algorithms = {['HS256', *PRIVATE]}\njwt_public_keys = {keys}\njwks_url = '{jwks_url}'\n"
    return _configuration(folder, more)


def _alone(folder: Path) -> Path:
    """The configuration of a gateway without a platform: the same channels, and nothing that says who somebody is but
    the names of the claims.
    """
    shutil.copytree(default_folder("frameworks"), folder / "pack")
    (folder / "pack" / "directory.sql").unlink()
    pack = folder / "pack" / "pack.toml"
    text, cut = re.subn(r"\n\[\[access\.tokens\]\]\n(.+\n)+", "\n", pack.read_text())
    assert cut == 1
    pack.write_text(text)
    return _configuration(folder, "")


def _configuration(folder: Path, more: str) -> Path:
    accounts = "".join(
        f"[[access.accounts]]\nname = '{name}'\ntoken = '{token}'\nscope = ['{ACCOUNT.tenant}']\nrole = 'owner'\n"
        f"permissions = ['{'read' if name == 'all' else 'analytics:read'}']\n"
        for name, token in ACCOUNTS.items()
    )
    limits = "".join(f"{name} = 0\n" for name in _LIMITS)
    path = folder / "signalman.toml"
    path.write_text(
        f"[channels]\npath = '{folder / 'pack'}'\n[limits]\n{limits}"
        f"[gateway]\nhost = '127.0.0.1'\nport = 0\nallowed_origins = ['{ORIGIN}']\n"
        "dashboard = false\ndrain_seconds = 1\n"
        f"[access]\njwt_secret = '{SECRET}'\njwt_issuers = ['{ISSUER}']\njwt_audiences = ['{AUDIENCE}']\n"
        f"cookie = '{COOKIE}'\nrecheck_seconds = 60\n{more}{accounts}"
    )
    return path


ACCOUNT = Person("account")
"""Whose tenant the accounts of the configuration read."""


@asynccontextmanager
async def _served(path: Path, directory_url: str, redis: Redis) -> AsyncIterator[Served]:
    environ = {
        "SIGNALMAN_DIRECTORY__URL": directory_url,
        "SIGNALMAN_REDIS__URL": redis.url,
        "SIGNALMAN_REDIS__PREFIX": f"matrix-{path.parent.name}",
    }
    config = load(path, environ)
    pack, metrics = parts.catalog(config), Metrics()
    accounts = directory(config, pack)
    assert accounts is not None
    async with accounts, parts.redis_bus(config) as bus, redis_stores(config) as stores:
        gateway = parts.gateway(
            config, pack, bus=bus, snapshots=MemorySnapshots(), directory=accounts, stores=stores, metrics=metrics
        )
        listener = server.bind(config.gateway.host, config.gateway.port)
        serving = asyncio.create_task(serve_clients(config, gateway, listener))
        try:
            yield Served(gateway, listener.getsockname()[1])
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
