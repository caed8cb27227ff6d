"""What events flow through, each with what it guarantees. Implementations live in `backends/`.

Every method that talks to a backend raises `BackendUnavailable` when the backend does not answer, and nothing else
from a driver.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from signalman.event import Batch, Feed, History, Outgoing, Position, Publication, Published, Record, Scope
from signalman.table import Table


class Source(Protocol):
    """Records of the platform's topics, partition by partition in offset order, at least once."""

    def batches(self) -> AsyncIterator[Batch]:
        """Yield batches for ever, none of them without records or a skip. A record is not yielded again unless its
        partition moved or the process restarted before `commit`. Asking for the next batch does not commit the last.

        What lay on a partition before it was ours, and is older than the source's limit of age, is passed over and told
        with the next batch, which has no records where nothing else is there.
        """
        ...

    async def commit(self, batch: Batch) -> None:
        """Remember that everything up to the end of *batch* is done, its skip included. Only a hint: lost when the
        group rebalances.
        """
        ...

    async def dead_letter(self, record: Record, value: bytes) -> None:
        """Append *value* to the dead-letter topic, durably, before returning. *record* gives key and headers.

        Raises `LetterTooLarge` when the topic is there and refuses the size.
        """
        ...


class BusListener(Protocol):
    """Who hears what a bus delivers. Called on the event loop, never concurrently, and must not block or raise."""

    def publication(self, publication: Publication) -> None:
        """A batch of a subscribed feed. In order per feed; a hole shows as ``prev`` beyond the last position."""
        ...

    def retired(self, feed: Feed, position: Position, reason: str) -> None:
        """A subscribed feed has begun a new epoch and stands at *position*; what came before is void. *reason* is
        ``skipped``, see `Bus.retire`, or ``epoch``.
        """
        ...

    def lost(self) -> None:
        """The bus is away, or a part of it: until `recovered`, publications may be missing."""
        ...

    def recovered(self, positions: Mapping[Feed, Position | None]) -> None:
        """These feeds may have missed something; they are subscribed again and stood at these positions when that was
        acknowledged. After `lost` it is called once everything wanted is subscribed again, with all feeds that were
        interrupted; without `lost` before it, for feeds that moved within the bus.
        """
        ...


class Bus(Protocol):
    """Feeds: relays publish, gateways subscribe."""

    async def publish(self, batch: Sequence[Outgoing]) -> Published:
        """Give each event the next ``seq`` of its feed, keep it in the feed's history, and deliver it to all
        subscribers; except those that have entered before, by their record or by their identity.

        When it raises, some of *batch* may have been published. It may then be called again with the same batch, also
        by another process: nothing enters twice. A partition's records must come in the order of their offsets.
        """
        ...

    async def retire(self, reason: str) -> None:
        """Begin a new epoch on every feed, and tell all subscribers: records were passed over that may have belonged to
        any of them. Feeds that began one a moment ago are spared, so that several relays may say so at once.
        """
        ...

    async def beat(self, seconds: float) -> None:
        """Say that events are being read and published, which holds for so many *seconds*."""
        ...

    async def is_fed(self) -> bool:
        """Whether somebody has said so, and it still holds."""
        ...

    def now_ms(self) -> int:
        """The bus's own clock, by which publications are stamped: Unix milliseconds."""
        ...

    def listen(self, listener: BusListener) -> None:
        """Name the one listener of this process, before the first `subscribe`."""
        ...

    async def subscribe(self, feed: Feed) -> Position | None:
        """Hear *feed* from now on; the position at which it stood is returned once the bus has acknowledged, so that
        every later publication will be heard. None: nothing was ever published on it. Idempotent.
        """
        ...

    async def unsubscribe(self, feed: Feed) -> None:
        """Stop hearing *feed*. Publications already under way may still arrive."""
        ...

    async def history(self, feed: Feed, since_ms: int) -> History:
        """What was published on *feed* from *since_ms* on, by the bus's clock, as far as the bus has kept it. A feed
        that is not there begins with this, so that who follows it has an epoch to come back with.
        """
        ...

    async def missed(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        """Everything published on *feed* after *after*, oldest first. None when the bus no longer has all of it, or
        does not know the very publication that ended there: then nothing is known of what came after it.
        """
        ...

    async def ping(self) -> None:
        """Return when the bus answers."""
        ...


@dataclass(frozen=True, slots=True)
class SnapshotQuery:
    """Which rows of a table are wanted. The scope condition is always applied."""

    table: Table
    scope: Scope
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Column → accepted values, sorted, so that equal queries compare equal."""
    after: tuple[str, ...] | None = None
    """Key of the last row of the page before, as text, one value per key column."""
    limit: int | None = None
    """Rows of a page; None reads all of them, up to the table's ``max_rows``."""


@dataclass(frozen=True, slots=True)
class SnapshotRows:
    """Rows as JSON objects of the table's columns: 64-bit integers as strings, times as RFC 3339 UTC."""

    rows: tuple[dict[str, Any], ...]
    as_of_ms: int
    """When the store was asked, Unix milliseconds: whatever it held then is in the rows."""


class Snapshots(Protocol):
    """Current-state tables. Listed columns only, of one scope only."""

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        """Read rows in the order of their key, its columns compared as text. `BackendUnavailable` also when a limit of
        time is exceeded, `SnapshotTooLarge` when a query without ``limit`` has more rows than the table allows.
        """
        ...

    async def count(self, query: SnapshotQuery) -> int:
        """How many rows *query* has in all, whatever its ``after`` and ``limit``."""
        ...

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        """Each column of the table's source that may be read, with its type as ClickHouse writes it; None when there is
        no such table, or nothing of it may be read.
        """
        ...

    async def ping(self) -> None:
        """Return when the store answers."""
        ...
