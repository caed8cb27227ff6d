"""When the store is asked for its tables, what is said of the answers, and what follows from them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import structlog
from prometheus_client import generate_latest

from signalman.channel import Catalog
from signalman.errors import BackendUnavailable, TableFaulty
from signalman.gateway.inspection import APART, EVERY, RETRY, WHILE_FAULTY, Inspection
from signalman.metrics import Metrics
from signalman.table import RowChange, Setting, Table
from tests.unit.gateway.make import catalog, event_type

PACK = catalog()
STREAMS, NODES = PACK.channels["streams"].tables["streams"], PACK.channels["system"].tables["nodes"]


class OverError(Exception):
    """The test has seen enough."""


class Store:
    """Tables as the pack has them, but for those in `missing`."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.away = False
        self.asked: list[str] = []
        self.takes: Callable[[], None] = lambda: None

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        """Part of `Columns`."""
        self.asked.append(table.name)
        await asyncio.sleep(0)
        self.takes()
        if self.away:
            raise BackendUnavailable("clickhouse", "the connection failed")
        if table.name in self.missing:
            return None
        return {**dict.fromkeys(table.columns, "String"), "tenant_id": "UUID"}


class Case:
    """An inspection of a store, with its metrics."""

    def __init__(self, pack: Catalog = PACK) -> None:
        self.store, self.metrics = Store(), Metrics()
        self.naps: list[float] = []
        self.events: list[object] = []
        self.now = 0.0
        self.inspection = Inspection(pack, self.store, self.metrics, clock=lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        if seconds <= APART:
            self.now += seconds
            await asyncio.sleep(0)
            return
        self.naps.append(seconds)
        if not self.events:
            raise OverError
        change = self.events.pop(0)
        if callable(change):
            change()

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    async def run(self, *changes: object) -> None:
        """Look, and once more after each of *changes*."""
        self.events = list(changes)
        with pytest.raises(OverError):
            await self.inspection.run()

    async def is_sound(self, channel: str, table: Table) -> bool:
        """Whether it may be read."""
        return await self.inspection.sound(channel, [table]) == [table]

    def gauge(self, channel: str, table: str) -> float:
        """The metric, as Prometheus reads it."""
        value = self.metrics.registry.get_sample_value("signalman_tables_faulty", {"channel": channel, "table": table})
        assert value is not None, generate_latest(self.metrics.registry).decode()
        return value


async def test_what_is_sound_is_told_by_the_metric_alone() -> None:
    """Nothing in the log, and the next look a minute later."""
    case = Case()
    with structlog.testing.capture_logs() as lines:
        await case.run()
    assert (lines, case.naps) == ([], [EVERY])
    assert case.store.asked == ["streams", "nodes", "orchestrators"]
    assert case.gauge("streams", "streams") == case.gauge("system", "nodes") == 0


async def test_a_fault_is_said_once_by_channel_and_so_is_its_end() -> None:
    """A person reads one line when it begins and one when it ends, however often one looks; and one looks often."""
    case = Case()
    case.store.missing = {"nodes", "orchestrators"}
    with structlog.testing.capture_logs() as lines:
        await case.run(None, case.store.missing.clear)
    assert case.naps == [WHILE_FAULTY, WHILE_FAULTY, EVERY]
    faulty, sound = lines
    assert (faulty["event"], faulty["channel"], len(faulty["faults"])) == ("channel_tables_faulty", "system", 2)
    assert faulty["faults"][0].startswith("nodes: there is no table 'nodes_current'")
    assert (sound["event"], sound["channel"]) == ("channel_tables_sound", "system")
    assert case.gauge("system", "nodes") == 0


async def test_only_what_is_faulty_is_refused() -> None:
    """Other tables of the channel, and other channels, are read as ever."""
    case = Case()
    assert await case.is_sound("system", NODES), "before anybody has looked, reading tells"
    case.store.missing = {"nodes"}
    await case.inspection.look()
    with pytest.raises(TableFaulty, match="channel 'system'") as refused:
        await case.inspection.check("system", NODES)
    assert "nodes_current" not in str(refused.value)
    await case.inspection.check("streams", STREAMS)
    both = list(PACK.channels["system"].tables.values())
    assert [table.name for table in await case.inspection.sound("system", both)] == ["orchestrators"]
    assert (case.gauge("system", "nodes"), case.gauge("system", "orchestrators")) == (1, 0)


async def test_a_fault_that_comes_later_is_noticed() -> None:
    """A column can go while the gateway runs."""
    case = Case()
    with structlog.testing.capture_logs() as lines:
        await case.run(lambda: case.store.missing.add("streams"))
    assert [line["event"] for line in lines] == ["channel_tables_faulty"]
    assert not await case.is_sound("streams", STREAMS)


async def test_while_the_store_is_away_nothing_changes() -> None:
    """It is asked again, at growing distances; what was known holds, and one line says that nothing is known."""
    case = Case()
    case.store.missing = {"nodes"}

    def leave() -> None:
        case.store.away = True

    with structlog.testing.capture_logs() as lines:
        await case.run(leave, *[None] * 6)
    assert case.naps == [WHILE_FAULTY, 2.0, 4.0, 8.0, 16.0, RETRY[1], RETRY[1], RETRY[1]]
    assert [line["event"] for line in lines] == ["channel_tables_faulty", "channel_tables_unknown"]
    assert not await case.is_sound("system", NODES)


async def test_what_only_looks_different_is_a_warning() -> None:
    """The table is read; the log says once, for whoever wrote the pack, that its rows are unlike those of events."""
    change = RowChange("streams", "upsert", columns=(Setting("status", "integer", nullable=False),))
    events = {"e": replace(event_type("e"), rows=(change,))}
    pack = replace(PACK, channels={"streams": replace(PACK.channels["streams"], events=events)})
    case = Case(pack)
    with structlog.testing.capture_logs() as lines:
        await case.run(None)
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("channel_tables_unlike_events", "warning")
    assert line["warnings"] == ["streams: column 'status' of type String is not what events have there: integer"]
    assert await case.is_sound("streams", STREAMS)


async def test_before_anybody_is_refused_the_store_is_asked_once_more() -> None:
    """A table that was made a moment ago is there, whenever one looked last; and a thousand who want one that is not
    cost the store one look in a second.
    """
    case = Case()
    case.store.missing = {"nodes"}
    await case.inspection.look()
    case.store.asked.clear()
    case.now += APART
    answers = await asyncio.gather(*(case.is_sound("system", NODES) for _ in range(1000)))
    assert not any(answers)
    assert case.store.asked == ["nodes", "orchestrators"]
    case.store.missing.clear()
    case.now += APART
    assert await case.is_sound("system", NODES)


async def test_who_comes_after_a_table_was_made_gets_it() -> None:
    """Also when the last look was a moment ago: nobody is refused for what was known before he came."""
    case = Case()
    case.store.missing = {"nodes"}
    await case.inspection.look()
    case.store.missing.clear()
    case.now += APART / 10
    answers = await asyncio.gather(*(case.is_sound("system", NODES) for _ in range(10)))
    assert all(answers)
    assert case.now == pytest.approx(APART)
    assert case.store.asked == ["streams", "nodes", "orchestrators", "nodes", "orchestrators"]


async def test_asking_once_more_in_vain_changes_nothing() -> None:
    """The store is away at that very moment: what was known holds, and nobody asks again at once."""
    case = Case()
    case.store.missing = {"nodes"}
    await case.inspection.look()
    case.store.away = True
    case.store.asked.clear()
    case.now += APART
    assert [await case.is_sound("system", NODES) for _ in range(3)] == [False] * 3
    assert case.store.asked == ["nodes"]


async def test_who_waits_for_a_store_that_hangs_does_not_ask_it_again() -> None:
    """However long the answer took: else each of a thousand would wait for as long, one after the other."""
    case = Case()
    case.store.missing = {"nodes"}
    await case.inspection.look()
    case.store.asked.clear()
    case.store.away = True
    case.store.takes = lambda: case.move(10)
    case.now += APART
    await asyncio.gather(*(case.is_sound("system", NODES) for _ in range(5)))
    assert case.store.asked == ["nodes"]
