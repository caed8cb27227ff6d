"""What a table's rows show: its operators, then the net below them, as the relay has them for events."""

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog

from signalman.event import Json, Scope
from signalman.net import Net
from signalman.redaction import Operators, Pseudonyms
from signalman.table import Table

log = structlog.get_logger(__name__)

Row = dict[str, Json]

_ROWS_AT_ONCE = 100
"""Rows that are cleaned before the event loop gets its turn: a few milliseconds."""


class Shown:
    """Cleans rows of one table."""

    def __init__(self, table: Table, net: Net, pseudonyms: Pseudonyms) -> None:
        self._table = table
        self._net = net
        self._operators = Operators(table.redact, pseudonyms)
        # A list column is exposed with its items; no pack lists columns of deeper types.
        listed = (path for column in table.expose for path in (column, f"{column}[]"))
        self._exposed = frozenset(listed) | self._operators.exposed
        self.hashes_key: Final = any(each.path in table.key and each.operation == "hash" for each in table.redact)
        """Whether rows are known by pseudonyms: the store has them in another order, and its own keys stay here."""

    async def clean(self, rows: Iterable[Row], scope: Scope) -> list[Row]:
        """*rows*, all of *scope*, as subscribers may see them; without those that are left without their key."""
        kept: list[Row] = []
        removed = unread = 0
        for number, row in enumerate(rows, 1):
            done, unfit = self._operators.apply(row, scope)
            clean, here = self._net.clean(done, self._exposed)
            removed += here
            unread += unfit
            if not (here or unfit) or all(column in clean for column in self._table.key):
                kept.append(clean)
            if number % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        if removed:
            log.warning("snapshot_addresses_removed", table=self._table.name, values=removed)
        if unread:
            log.warning("snapshot_values_unread", table=self._table.name, values=unread)
        return kept
