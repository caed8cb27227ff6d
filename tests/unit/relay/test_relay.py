import asyncio
import base64
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from signalman.channel import Catalog, Limits
from signalman.event import Batch, Event, Feed, Outgoing, Published, Record
from signalman.fields import Redaction
from signalman.metrics import Metrics
from signalman.redaction import Pseudonyms
from signalman.relay import redact
from signalman.relay.relay import MAX_EVENTS, Relay
from signalman.table import RowChange, Setting, Source
from tests.unit.relay.make import (
    CATALOG,
    NAMES,
    OTHER,
    TENANT,
    FakeBus,
    FakeSource,
    body,
    catalog,
    channel,
    event_type,
    record,
    table,
)

STREAMS = Feed("streams", (TENANT,))
ANALYTICS = Feed("analytics", (TENANT,))
SECRET = "very-personal-value"


class World:
    """A relay between a source of the given batches and a bus, with a clock that stands still and sleep that waits for
    nothing.
    """

    def __init__(self, *batches: list[Record] | Batch, pack: Catalog = CATALOG, **options: Any) -> None:
        self.history: list[str] = []
        self.source = FakeSource(*batches, history=self.history)
        self.bus = FakeBus(self.history)
        self.metrics = Metrics()
        self.slept: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None
        self.relay = Relay(
            self.source,
            self.bus,
            pack,
            NAMES,
            self.metrics,
            clock=lambda: 1_787_220_674.123,
            sleep=self.sleep,
            **options,
        )

    async def sleep(self, seconds: float) -> None:
        """Remember the wait, and let the test look at the relay meanwhile."""
        self.slept.append(seconds)
        self.while_waiting()

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value, 0 where it was never touched."""
        return self.metrics.registry.get_sample_value(f"signalman_relay_{name}", labels) or 0.0


def numbered(number: int, tenant: str = TENANT) -> Record:
    """A stream event that carries its number."""
    payload = {"status": str(number)}
    return record(body(payload=payload, event_id=f"e-{number}", tenant_id=tenant), offset=number)


async def test_records_become_events_and_are_committed() -> None:
    """The whole way: what a tenant sees is redacted, on its own feed, in the order of the partition."""
    world = World([numbered(0), numbered(1, OTHER)], [numbered(2)])
    await world.relay.run()
    events = world.bus.events(STREAMS)
    assert [event["data"]["status"] for event in events] == ["0", "2"]
    assert [event["id"] for event in world.bus.events(Feed("streams", (OTHER,)))] == ["e-1"]
    assert world.history == ["publish", "commit", "publish", "commit"]


async def test_bad_records_do_not_hold_up_good_ones() -> None:
    """Events first, then the letters, and only when both are done the commit."""
    world = World([numbered(0), record(b"{broken", offset=1), record(None, offset=2), numbered(3)])
    await world.relay.run()
    assert world.history == ["publish", "letter 1", "letter 2", "commit"]
    assert [event["id"] for event in world.bus.events(STREAMS)] == ["e-0", "e-3"]
    letters = [orjson.loads(value) for value in world.source.letters]
    assert [(made["error"], made["consumer"]) for made in letters] == [
        ("not_json", "signalman-analytics"),
        ("empty", "signalman-analytics"),
    ]
    assert base64.b64decode(letters[0]["value_base64"]) == b"{broken"


async def test_a_batch_of_only_bad_records_is_committed() -> None:
    """Nothing is published, nothing is stuck."""
    world = World([record(b"x", offset=5)])
    await world.relay.run()
    assert world.history == ["letter 5", "commit"]


async def test_records_for_nobody_are_committed() -> None:
    """Ignored, unknown and unscoped records are counted and gone."""
    batch = [record(body("playback_boot")), record(body("brand_new")), record(body(tenant_id=None))]
    world = World(batch)
    await world.relay.run()
    assert world.history == ["commit"]
    for outcome in ("ignored", "unknown", "unscoped"):
        assert world.metric("records_total", topic="analytics", outcome=outcome) == 1


async def test_bus_away_is_waited_for() -> None:
    """Nothing is committed while the bus is away; attempts slow down; the log has one line each way."""
    world = World([numbered(0), record(b"x", offset=1)])
    world.bus.refuse = 8
    seen: list[str | None] = []
    world.while_waiting = lambda: seen.append(world.relay.waiting_for)
    with capture_logs() as logs:
        await world.relay.run()
    assert world.history == ["publish", "letter 1", "commit"]
    assert world.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert seen == ["bus"] * 8
    assert world.relay.waiting_for is None
    assert [line["event"] for line in logs] == ["relay_waits", "relay_goes_on", "records_dead_lettered"]


async def test_a_failed_publish_is_repeated_as_it_was() -> None:
    """The bus gets the very same batch again: what entered at the first attempt is known by its record."""
    world = World([numbered(0), numbered(1)])
    world.bus.refuse = 2
    await world.relay.run()
    first, second, third = world.bus.attempts
    assert first is second is third
    (outgoing,) = world.bus.published
    assert [event.record.offset for event in outgoing.events] == [0, 1]


async def test_what_the_bus_knew_already_is_counted() -> None:
    """By how it was known; an ordinary batch counts nothing."""
    world = World([numbered(0)], [numbered(1)])
    world.bus.duplicates = Published(events=0, fenced=3, repeated=1)
    await world.relay.run()
    assert world.metric("duplicates_total", kind="fenced") == 6
    assert world.metric("duplicates_total", kind="repeated") == 2

    ordinary = World([numbered(0)])
    await ordinary.relay.run()
    assert ordinary.metric("duplicates_total", kind="fenced") == 0


async def test_a_skip_is_told_before_what_follows_it() -> None:
    """All feeds begin anew, then the batch is published, then all of it is committed; it is counted and logged once."""
    world = World(Batch((numbered(9),), skipped=9), [numbered(10)])
    with capture_logs() as logs:
        await world.relay.run()
    assert world.history == ["retire skipped", "publish", "commit", "publish", "commit"]
    assert world.source.committed[0].skipped == 9
    assert world.metric("skipped_records_total") == 9
    assert [(line["event"], line["count"]) for line in logs] == [("records_skipped", 9)]


async def test_a_skip_of_which_nothing_follows_is_told_and_committed() -> None:
    """A batch without records."""
    world = World(Batch((), skipped=2))
    await world.relay.run()
    assert world.history == ["retire skipped", "commit"]


async def test_a_skip_waits_for_the_bus() -> None:
    """Nothing is published or committed before everybody can be told, and it is counted once."""
    world = World(Batch((numbered(5),), skipped=5))
    world.bus.refuse = 3
    seen: list[str | None] = []
    world.while_waiting = lambda: seen.append(world.relay.waiting_for)
    await world.relay.run()
    assert seen == ["bus"] * 3
    assert world.history == ["retire skipped", "publish", "commit"]
    assert world.metric("skipped_records_total") == 5


async def test_dead_letters_away_are_waited_for() -> None:
    """The batch waits, its events are out already, and no letter is written twice."""
    world = World([record(b"x", offset=0), record(b"y", offset=1), numbered(2)], [numbered(3)])
    world.source.refuse_letters = 4
    seen: list[str | None] = []
    world.while_waiting = lambda: seen.append(world.relay.waiting_for)
    await world.relay.run()
    assert world.history == ["publish", "letter 0", "letter 1", "commit", "publish", "commit"]
    assert seen == ["dead_letters"] * 4


async def test_oversized_letter_does_not_hold_up_its_partition() -> None:
    """A topic that refuses the size gets the letter without the record's value."""
    world = World([record(b"x" * 5_000_000, offset=0), numbered(1)])
    world.source.largest_letter = 1_000_000
    await world.relay.run()
    made = orjson.loads(world.source.letters[0])
    assert (made["value_base64"], made["value_omitted_bytes"], made["error"]) == ("", 5_000_000, "not_json")


async def test_ordinary_letter_always_has_its_value() -> None:
    """However long the topic is away."""
    world = World([record(b"x" * 1000)])
    world.source.refuse_letters = 20
    await world.relay.run()
    assert base64.b64decode(orjson.loads(world.source.letters[0])["value_base64"]) == b"x" * 1000


async def test_source_away_is_waited_for() -> None:
    """A source that raises is asked again, and goes on where it was."""
    world = World([numbered(0)], [numbered(1)])
    world.source.refuse_reads = 3
    await world.relay.run()
    assert world.slept == [0.1, 0.2, 0.4]
    assert [event["id"] for event in world.bus.events(STREAMS)] == ["e-0", "e-1"]


async def test_failed_commit_is_only_logged() -> None:
    """A commit is a hint; the next batch's covers it."""
    world = World([numbered(0)], [numbered(1)])
    world.source.refuse_commits = 1
    with capture_logs() as logs:
        await world.relay.run()
    assert world.history == ["publish", "publish", "commit"]
    assert [line["event"] for line in logs] == ["commit_failed"]


async def test_a_bug_costs_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error on one record is dead-lettered under its type's name; its text goes nowhere."""

    def broken(_self: redact.Redactor, event: Event) -> redact.Redacted:
        if event.id == "e-1":
            raise KeyError(SECRET)
        return redact.Redacted(event, 0, 0)

    monkeypatch.setattr(redact.Redactor, "redact", broken)
    world = World([numbered(0), numbered(1), numbered(2)])
    with capture_logs() as logs:
        await world.relay.run()
    assert [event["id"] for event in world.bus.events(STREAMS)] == ["e-0", "e-2"]
    assert orjson.loads(world.source.letters[0])["error"] == "internal at KeyError"
    assert logs[0]["event"] == "record_failed"
    assert logs[0]["at"].startswith("test_relay.py:")
    assert SECRET not in str(logs)


async def test_a_bug_of_a_backend_ends_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is not `BackendUnavailable` is not waited for: the process restarts in a known state."""
    world = World([numbered(0)])

    async def broken(_batch: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.bus, "publish", broken)
    with pytest.raises(ZeroDivisionError):
        await world.relay.run()
    assert world.history == []
    assert not world.relay.alive


@pytest.mark.parametrize(
    "value",
    [
        body(event_id=5, source=SECRET),
        body(timestamp=SECRET),
        body(tenant_id=SECRET),
        body(payload=SECRET),
        body("client_lifecycle_batch", {"samples": [SECRET]}),
        body("client_lifecycle_batch", {"samples": [{SECRET: 1, "event_id": [SECRET]}]}),
        body(event_id=f"{SECRET} 203.0.113.9"),
        b'{"x": "' + SECRET.encode(),
        {SECRET: SECRET},
        [SECRET],
        orjson.dumps(SECRET),
    ],
)
async def test_errors_and_logs_hold_no_values(value: Any) -> None:
    """What is wrong is said without a word of the record, in the letter's error and in the log."""
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    world = World([record(raw)])
    with capture_logs() as logs:
        await world.relay.run()
    (made,) = (orjson.loads(letter) for letter in world.source.letters)
    assert SECRET not in made["error"]
    assert "203.0.113.9" not in made["error"]
    assert SECRET not in str(logs)
    assert len(logs) == 1


async def test_no_event_of_a_refused_batch_record_is_published() -> None:
    """A record is understood as a whole or not at all."""
    world = World([record(body("client_lifecycle_batch", {"samples": [{}, {}, 5]}))])
    await world.relay.run()
    assert world.history == ["letter 0", "commit"]


async def test_huge_batches_are_published_in_parts() -> None:
    """A batch of batch records does not become one call to the bus; order is kept and the commit comes last."""
    samples = [{"session_id": str(number)} for number in range(400)]
    batch = [
        record(body("client_lifecycle_batch", {"samples": samples}, event_id=f"b-{n}"), offset=n) for n in range(7)
    ]
    world = World(batch)
    await world.relay.run()
    assert world.history == ["publish", "publish", "publish", "commit"]
    assert max(len(each.events) for each in world.bus.published) < MAX_EVENTS + 400
    expected = [f"b-{n}-{index}" for n in range(7) for index in range(400)]
    assert [event["id"] for event in world.bus.events(ANALYTICS)] == expected


@pytest.mark.parametrize("size", [5_000_000, 9_000_000])
async def test_huge_records_are_published_or_dead_lettered(size: int) -> None:
    """Five megabytes are an event like any other, nine are refused unread; neither stops the relay."""
    world = World([record(body(payload={"status": "live", "dropped": "x" * size}), offset=0), numbered(1)])
    await world.relay.run()
    assert len(world.bus.events(STREAMS)) + len(world.source.letters) == 2
    assert len(world.source.letters) == (size > 8_000_000)


@pytest.mark.parametrize("kind", ["stream_lifecycle_update", "client_lifecycle_batch"])
async def test_events_larger_than_their_channel_allows_are_dead_lettered(kind: str) -> None:
    """The record as a whole, with the name of the event type and no value; others of the batch go out."""
    channels = {name: replace(each, limits=Limits(event_bytes=1_000)) for name, each in CATALOG.channels.items()}
    large = {"status": "x" * 1_000, "samples": [{"session_id": "1"}, {"session_id": "x" * 1_000}]}
    world = World([record(body(kind, large)), numbered(1)], pack=replace(CATALOG, channels=channels))
    await world.relay.run()
    assert [event["id"] for event in world.bus.events(STREAMS)] == ["e-1"]
    assert world.bus.events(ANALYTICS) == []
    published = "client_lifecycle_update" if "batch" in kind else kind
    assert [orjson.loads(each)["error"] for each in world.source.letters] == [f"too_large at {published}"]


async def test_pseudonyms_and_unread_values() -> None:
    """The relay hashes with the key that it was given, in events as in rows, and counts what no operator could read."""
    kind = event_type(
        "stream_lifecycle_update",
        {"status": None, "note": None},
        redact=(Redaction("status", "hash"), Redaction("note", "mask")),
        rows=(RowChange("t", "upsert", columns=(Setting("id", "text", nullable=False, sources=(Source("status"),)),)),),
    )
    streams = replace(channel("streams", kind), tables={"t": table("t", ("id",), redact=(Redaction("id", "hash"),))})
    pseudonyms = Pseudonyms(b"k" * 16)
    world = World(
        [record(body(payload={"status": "s", "note": "no address"}))], pack=catalog(streams), pseudonyms=pseudonyms
    )
    await world.relay.run()
    (event,) = world.bus.events(STREAMS)
    hashed = pseudonyms.of("s", (TENANT,))
    assert event["data"] == {"status": hashed}
    assert [row["row"] for row in event["rows"]] == [{"id": hashed}]
    labels = {"channel": "streams", "type": "stream_lifecycle_update"}
    assert world.metric("values_unread_total", **labels) == 1
    assert world.metric("addresses_removed_total", **labels) == 0


async def test_metrics_tell_what_happened() -> None:
    """Records by outcome, events, removals, left-out items, duration and age."""
    world = World(
        [
            record(body(payload={"status": "203.0.113.9"})),
            record(body("client_lifecycle_batch", {"samples": [{}, {}, {"tenant_id": OTHER}]})),
            record(b"x"),
            record(b"x", topic="elsewhere"),
        ]
    )
    await world.relay.run()
    assert world.metric("records_total", topic="analytics", outcome="published") == 2
    assert world.metric("records_total", topic="analytics", outcome="dead_letter") == 1
    assert world.metric("records_total", topic="unknown", outcome="dead_letter") == 1
    assert world.metric("events_total", channel="streams", type="stream_lifecycle_update") == 1
    assert world.metric("events_total", channel="analytics", type="client_lifecycle_update") == 2
    assert world.metric("addresses_removed_total", channel="streams", type="stream_lifecycle_update") == 1
    assert world.metric("items_dropped_total", topic="analytics") == 1
    assert world.metric("batch_seconds_count") == 1
    assert world.metric("record_age_seconds_count") == 2
    assert world.metric("record_age_seconds_sum") == pytest.approx(4.0)


async def test_state_for_readiness() -> None:
    """Alive while running, and never after; the last batch's time is known."""
    world = World([numbered(0)])
    world.bus.refuse = 1
    alive: list[bool] = []
    world.while_waiting = lambda: alive.append(world.relay.alive)
    assert (world.relay.alive, world.relay.last_batch_at) == (False, None)
    await world.relay.run()
    assert alive == [True]
    assert (world.relay.alive, world.relay.last_batch_at) == (False, 1_787_220_674.123)


@pytest.mark.parametrize("absent", ["source", "bus", "dead_letters"])
async def test_it_flows_while_it_waits_for_nobody(absent: str) -> None:
    """Not before it runs, not while any backend is waited for, not after its end."""
    world = World([numbered(0), record(b"x", offset=1)])
    setattr(
        *{
            "source": (world.source, "refuse_reads", 1),
            "bus": (world.bus, "refuse", 1),
            "dead_letters": (world.source, "refuse_letters", 1),
        }[absent]
    )
    waiting: list[bool] = []
    published: list[bool] = []
    world.while_waiting = lambda: waiting.append(world.relay.is_flowing)
    commit = world.source.commit

    async def watch(batch: Batch) -> None:
        published.append(world.relay.is_flowing)
        await commit(batch)

    world.source.commit = watch  # type: ignore[method-assign]  # the test looks on
    assert not world.relay.is_flowing
    await world.relay.run()
    assert waiting == [False]
    assert published == [True]
    assert not world.relay.is_flowing


async def test_a_cancellation_that_a_driver_swallows_is_not_lost() -> None:
    """Python's own `wait_for`, before 3.12, forgets a cancellation that comes together with the answer."""
    world = World([numbered(0)], [numbered(1)])
    publish, asked = world.bus.publish, asyncio.Event()

    async def swallowing(batch: Sequence[Outgoing]) -> Published:
        asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await publish(batch)

    world.bus.publish = swallowing  # type: ignore[method-assign]  # as the driver does
    task = asyncio.create_task(world.relay.run())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.history == ["publish", "commit"]


async def test_cancelling_commits_nothing_half_done() -> None:
    """A relay stopped while the bus is away leaves its batch to the next one."""
    world = World([numbered(0)])
    world.bus.refuse = 1_000_000
    waiting = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    world.relay = Relay(world.source, world.bus, CATALOG, NAMES, world.metrics, sleep=sleep)
    task = asyncio.create_task(world.relay.run())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.history == []
    assert not world.relay.alive
