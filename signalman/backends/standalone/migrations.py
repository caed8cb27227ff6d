"""The schema, made and kept up to date by plain SQL files: ``0001_<what>.sql``, ``0002_<what>.sql`` and so on."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from signalman.backends.postgres_hosts import Connection
from signalman.backends.standalone.session import session
from signalman.errors import ConfigError, Fault

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")

_LOCK = 0x5369676E616C6D61
"""Number of the advisory lock: "Signalma" in ASCII."""

_RIGHTS = (
    "CREATE on the database (GRANT CREATE ON DATABASE … TO …), or a schema 'signalman' of its own"
    " (CREATE SCHEMA signalman AUTHORIZATION …)"
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    version: int
    name: str
    """Of the file."""
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> tuple[Migration, ...]:
    """Those that come with this version of Signalman, in their order."""
    folder = resources.files("signalman.backends.standalone")
    found = [(match, file) for file in folder.iterdir() if (match := _FILE.fullmatch(file.name))]
    return tuple(
        Migration(int(match[1]), file.name, file.read_text("utf-8"))
        for match, file in sorted(found, key=lambda pair: pair[1].name)
    )


async def migrate(url: str, wanted: Sequence[Migration]) -> list[str]:
    """Bring the schema to *wanted*: all that is missing in one transaction, or nothing. Names of what was applied.

    Whoever else does so at the same time waits, and then finds nothing left to do.

    Raises:
        ValueError: The URL cannot be understood. It is not repeated.
        ConfigError: The database has migrations that this version does not know, or knows with another text.
        BackendUnavailable: The server does not answer or refuses, with what to do about it.
    """
    async with session(url, "migrate", rights=_RIGHTS) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await _prepare(connection)
        applied = {
            row["version"]: (row["name"], row["checksum"])
            for row in await connection.fetch("SELECT version, name, checksum FROM signalman.migrations")
        }
        _compare(applied, wanted)
        missing = [each for each in wanted if each.version not in applied]
        for each in missing:
            await _apply(connection, each)
    return [each.name for each in missing]


async def _prepare(connection: Connection) -> None:
    # CREATE SCHEMA IF NOT EXISTS asks for the right to create one even where it is there.
    if await connection.fetchval("SELECT to_regnamespace('signalman') IS NULL"):
        await connection.execute("CREATE SCHEMA signalman")
    if await connection.fetchval("SELECT to_regclass('signalman.migrations') IS NULL"):
        await connection.execute(
            "CREATE TABLE signalman.migrations (version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )


def _compare(applied: Mapping[int, tuple[str, str]], wanted: Sequence[Migration]) -> None:
    known = {each.version: each for each in wanted}
    faults = []
    for version, (name, checksum) in applied.items():
        if version not in known:
            reason = "is in the database, and this version of Signalman does not know it: use the newer one"
            faults.append(Fault(name, "", reason))
        elif known[version].checksum != checksum:
            reason = "is not the text that was applied to the database: a migration never changes, add another one"
            faults.append(Fault(known[version].name, "", reason))
    latest = max(applied, default=0)
    faults += [
        Fault(each.name, "", "comes before a migration that was applied already: give it the next number")
        for each in wanted
        if each.version < latest and each.version not in applied
    ]
    if faults:
        raise ConfigError(faults)


async def _apply(connection: Connection, migration: Migration) -> None:
    await connection.execute(migration.sql)
    await connection.execute(
        "INSERT INTO signalman.migrations (version, name, checksum) VALUES ($1, $2, $3)",
        *(migration.version, migration.name, migration.checksum),
    )
