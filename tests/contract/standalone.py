"""Signalman's own schema on a real server: a database for each test."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import uuid4

from signalman.access.own_tokens import RANDOM_BYTES, new_token
from signalman.backends.standalone.tokens import NewToken
from tests.servers import Postgres

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0002"

_numbers = count(1)


@contextmanager
def database(server: Postgres) -> Iterator[str]:
    """The name of an empty database."""
    name = f"standalone_{next(_numbers)}"
    server.create_database(name)
    try:
        yield name
    finally:
        server.run_sql("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def role(server: Postgres, name: str, *grants: str, on: str) -> Iterator[str]:
    """The URL of a new role in database *on*, with nothing but these grants."""
    server.run_sql(on, "; ".join([f"CREATE ROLE {name} LOGIN PASSWORD '{name}'", *grants]))
    try:
        yield f"postgresql://{name}:{name}@{server.host}:{server.port}/{on}"
    finally:
        server.run_sql(on, f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def token(**changes: Any) -> tuple[str, NewToken]:
    """The text of a new token, and what is kept of it."""
    text = new_token(uuid4().bytes * (RANDOM_BYTES // 16))
    fields: dict[str, Any] = {
        "id": uuid4(),
        "name": "a program",
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "scope": (TENANT,),
        "roles": frozenset(),
        "permissions": frozenset({"streams:read"}),
        "expires_at": None,
    }
    return text, NewToken(**(fields | changes))
