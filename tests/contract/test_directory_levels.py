"""Another platform's accounts need no code: three levels of scope, split keys, roles in different places."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signalman.access_ports import Holder
from signalman.backends.postgres import PostgresDirectory
from signalman.catalog.statements import read_statements
from tests.contract.directories import connected
from tests.servers import Postgres

HERE = Path(__file__).with_name("levels")
DATABASE = "three_levels"
HASH = "$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo"


class World:
    """Two organizations with workspaces and tenants, and the directory over them."""

    def __init__(self, server: Postgres, directory: PostgresDirectory) -> None:
        self.server = server
        self.directory = directory
        self.organization, self.workspace, self.tenant, self.other_tenant = (str(uuid.uuid4()) for _ in range(4))
        self.foreign_organization, self.foreign_workspace, self.foreign_tenant = (str(uuid.uuid4()) for _ in range(3))

    async def build(self) -> None:
        """Put them into the database."""
        for organization, workspace, tenants in (
            (self.organization, self.workspace, (self.tenant, self.other_tenant)),
            (self.foreign_organization, self.foreign_workspace, (self.foreign_tenant,)),
        ):
            await self.run("INSERT INTO organizations VALUES ($1)", organization)
            await self.run("INSERT INTO workspaces VALUES ($1, $2)", workspace, organization)
            for tenant in tenants:
                await self.run("INSERT INTO tenants VALUES ($1, $2)", tenant, workspace)

    async def run(self, sql: str, *values: object) -> None:
        """Run one statement as the platform would."""
        async with connected(self.server, DATABASE) as connection:
            await connection.execute(sql, *values)

    async def key(self, tenant: str | None = None, **changes: str) -> Holder | None:
        """What is found of a new key of the workspace, or of *tenant* in it, after *changes* to its row, as SQL."""
        key_id = f"tfk-{uuid.uuid4().hex}"
        await self.run(
            "INSERT INTO api_keys (key_id, secret_hash, workspace_id, tenant_id) VALUES ($1, $2, $3, $4)",
            *(key_id, HASH, self.workspace, tenant),
        )
        await self.run(
            "INSERT INTO api_key_permissions SELECT api_key_id, unnest($2::text[]) FROM api_keys WHERE key_id = $1",
            *(key_id, ["logs:read", "alerts:read"]),
        )
        for column, sql in changes.items():
            await self.run(f"UPDATE api_keys SET {column} = {sql} WHERE key_id = $1", key_id)
        return (await self.directory.keys([key_id, "tfk-unknown"])).get(key_id)

    async def user(self, *assignments: tuple[int, str | None], **changes: str) -> Holder | None:
        """What is found of a new user with these roles, each in the organization or in a tenant."""
        user_id = str(uuid.uuid4())
        await self.run("INSERT INTO users (user_id, organization_id) VALUES ($1, $2)", user_id, self.organization)
        for role, tenant in assignments:
            await self.run("INSERT INTO user_roles VALUES ($1, $2, $3)", user_id, role, tenant)
        for column, sql in changes.items():
            await self.run(f"UPDATE users SET {column} = {sql} WHERE user_id = $1", user_id)
        return (await self.directory.users([user_id, "nobody"])).get(user_id)


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Postgres:
    """The server, with the platform's database."""
    postgres.create_database(DATABASE)
    postgres.run_sql(DATABASE, (HERE / "schema.sql").read_text("utf-8"))
    return postgres


@pytest.fixture
async def world(server: Postgres) -> AsyncIterator[World]:
    """The accounts, asked by the pack's SQL."""
    statements = read_statements((HERE / "directory.sql").read_text("utf-8"))
    async with PostgresDirectory(server.dsn(), statements, {"accounts": DATABASE}) as directory:
        world = World(server, directory)
        await world.build()
        yield world


async def test_the_pack_fits_its_database(world: World) -> None:
    """Every statement is what it should be."""
    await world.directory.ping()
    assert world.directory.knows == {"keys", "users"}


async def test_a_key_of_a_workspace_reaches_all_below(world: World) -> None:
    """Its scope ends there; with it comes what its secret is checked against."""
    found = await world.key()
    assert found is not None
    assert found.scope == (world.organization, world.workspace)
    assert (found.permissions, found.secret_hash) == (frozenset({"logs:read", "alerts:read"}), HASH)


async def test_a_key_of_a_tenant_reaches_no_other(world: World) -> None:
    """Its scope has all levels."""
    found = await world.key(world.tenant)
    assert found is not None
    assert found.scope == (world.organization, world.workspace, world.tenant)


async def test_a_key_of_a_tenant_elsewhere_opens_nothing(world: World) -> None:
    """Its workspace and its tenant's are not the same."""
    assert await world.key(world.foreign_tenant) is None


AHEAD, AGO = "now() AT TIME ZONE 'utc' + INTERVAL '1 hour'", "now() AT TIME ZONE 'utc' - INTERVAL '1 second'"


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"expires_at": AHEAD}, True),
        ({"status": "'rotated'", "grace_period_expires_at": AHEAD}, True),
        ({"expires_at": AGO}, False),
        ({"status": "'rotated'", "grace_period_expires_at": AGO}, False),
        ({"status": "'rotated'"}, False),
        ({"status": "'rotated'", "grace_period_expires_at": AHEAD, "expires_at": AGO}, False),
        ({"status": "'revoked'"}, False),
        ({"revoked_at": AGO}, False),
        ({"status": "'expired'"}, False),
        ({"status": "'something new'"}, False),
        ({"secret_hash": "NULL"}, False),
        ({"secret_hash": "''"}, False),
    ],
)
async def test_a_key_has_its_states(world: World, changes: dict[str, str], good: bool) -> None:  # noqa: FBT001 # a table
    """One that was rotated lives until its grace ends, and says when; a state that nobody knows is not a good one."""
    found = await world.key(**changes)
    assert (found is not None) is good
    assert found is None or found.expires_at is not None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE organizations SET is_active = false WHERE organization_id = $1",
        "UPDATE organizations SET deleted_at = now() WHERE organization_id = $1",
        "UPDATE workspaces SET is_active = false WHERE organization_id = $1",
        "UPDATE workspaces SET deleted_at = now() WHERE organization_id = $1",
        "UPDATE tenants SET is_active = false FROM workspaces WHERE organization_id = $1",
    ],
)
async def test_every_level_has_to_stand(world: World, change: str) -> None:
    """An organization, a workspace or a tenant that is no more takes keys and users with it, each what is below it."""
    await world.run(change, world.organization)
    assert await world.key(world.tenant) is None
    assert await world.user((1, world.tenant)) is None
    assert (await world.key() is None) is ("UPDATE tenants" not in change)
    assert (await world.user((1, None)) is None) is ("organizations" in change)


async def test_a_role_in_the_organization_reaches_all_of_it(world: World) -> None:
    """What somebody may do in one tenant only does not come along."""
    found = await world.user((2, None), (1, world.tenant))
    assert found is not None
    assert found.scope == (world.organization,)
    assert (found.roles, found.permissions) == (frozenset({"viewer"}), frozenset({"logs:read", "alerts:read"}))
    assert found.user_id == found.id


async def test_roles_in_one_tenant_add_up(world: World) -> None:
    """And reach that tenant; one in another organization's is not there at all."""
    found = await world.user((2, world.tenant), (1, world.tenant), (1, world.foreign_tenant))
    assert found is not None
    assert found.scope == (world.organization, world.workspace, world.tenant)
    assert found.permissions == frozenset({"logs:read", "logs:write", "alerts:read"})


@pytest.mark.parametrize(
    "changes", [{"is_active": "false"}, {"deleted_at": "now()"}, {"is_locked": "true"}, {"organization_id": "NULL"}]
)
async def test_a_user_who_is_not_in_order_is_nobody(world: World, changes: dict[str, str]) -> None:
    """Nor is one without an organization: NULL is nobody's scope."""
    assert await world.user((1, None), **changes) is None


async def test_a_user_without_a_place_is_nobody(world: World) -> None:
    """Without roles, with roles in another organization only, or in several tenants, which one scope cannot say."""
    assert await world.user() is None
    assert await world.user((1, world.foreign_tenant)) is None
    assert await world.user((1, world.tenant), (2, world.other_tenant)) is None


async def test_a_role_without_permissions_opens_nothing(world: World) -> None:
    """An empty list is not "unlimited"."""
    found = await world.user((3, None))
    assert found is not None
    assert found.permissions == frozenset()
