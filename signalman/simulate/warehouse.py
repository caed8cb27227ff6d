"""Where the platform's ingest writes: any ClickHouse, reached by whoever implements this."""

from collections.abc import Sequence
from importlib import resources
from typing import Any, Protocol


class Warehouse(Protocol):
    """One database. Both methods raise `BackendUnavailable` when it does not answer."""

    async def execute(self, sql: str) -> None:
        """Run one statement that has no answer."""
        ...

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert *rows*, each with one Python value per column."""
        ...


def schema() -> tuple[str, ...]:
    """Statements that make the current-state tables where they are not there yet."""
    text = resources.files(__package__).joinpath("schema.sql").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return tuple(statement.strip() for statement in code.split(";") if statement.strip())
