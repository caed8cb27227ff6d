"""Samples of what FrameWorks sends, and what becomes of them.

`tests/channels/frameworks/<event type>.json` is the value of a Kafka record, composed so that every field of the
message is filled; `<event type>.published.json` beside it is what subscribers get of it. After a deliberate change of a
list

    python -m tests.channels.frameworks_samples

writes the second ones anew. What it wrote is then read, line by line: the diff of these files is what a change shows to
the world.
"""

import json
from pathlib import Path
from typing import Any

import orjson

from signalman.catalog import default_folder, load
from signalman.channel import Catalog, EventType
from signalman.event import Feed, Json, Record
from signalman.relay.decode import Decoder
from signalman.relay.encode import encode
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from tests.channels.frameworks_facts import PAYLOADS, ROUTES, SERVICE

FOLDER = Path(__file__).parent / "frameworks"
EVENT_TYPES = tuple(" ".join(ROUTES.values()).split())


def sample(event_type: str) -> bytes:
    """The record's value."""
    return (FOLDER / f"{event_type}.json").read_bytes()


def expected(event_type: str) -> Json:
    """What is published of it: a list of ``{"feed": {"channel", "scope"}, "event": {…}}``."""
    return json.loads((FOLDER / f"{event_type}.published.json").read_bytes())


def content(event_type: str) -> dict[str, Any]:
    """The message in the sample: where the platform puts it, whatever the pack says."""
    record: dict[str, Any] = orjson.loads(sample(event_type))
    if event_type == "skipper_investigation":
        return record
    if event_type in SERVICE or event_type == "orchestrator_state_update":
        return dict(record["data"])
    return dict(record["data"][PAYLOADS.get(event_type, event_type).removeprefix("data.")])


def values(where: Json, path: str) -> list[Json]:
    """What stands at *path*, as keep lists write it, in each item of lists and under each key of maps."""
    found = [where]
    for segment in path.split("."):
        objects = [each for each in found if isinstance(each, dict)]
        if segment == "*":
            found = [item for each in objects for item in each.values()]
        else:
            found = [each[segment.removesuffix("[]")] for each in objects if segment.removesuffix("[]") in each]
        if segment.endswith("[]"):
            found = [item for items in found for item in items]
    return found


class Stages:
    """The relay's stages over a pack, from a record's value to what enters the feeds."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._kafka = {name: topic.default for name, topic in catalog.topics.items()}
        self._decoder = Decoder(catalog, {kafka: name for name, kafka in self._kafka.items()})
        self._router, self._redactor, self._rows = Router(catalog), Redactor(catalog), Rows(catalog)

    def event_type(self, name: str) -> EventType:
        """The event type of that name."""
        return self.catalog.routes["service" if name in SERVICE else "analytics", name][1]

    def published(self, name: str) -> list[tuple[Feed, bytes]]:
        """What subscribers get of the sample of that event type."""
        topic = self._kafka["service" if name in SERVICE else "analytics"]
        record = Record(topic, 0, 0, 1_787_220_672_000, None, sample(name))
        return [
            (
                Feed(event.channel, event.scope),
                encode(self._redactor.redact(event).event, self._rows.changes(event).rows),
            )
            for event in self._router.route(self._decoder.decode(record)).events
        ]


def readable(published: list[tuple[Feed, bytes]]) -> list[dict[str, Json]]:
    """*published*, as the expected files have it."""
    return [
        {"feed": {"channel": feed.channel, "scope": list(feed.scope)}, "event": orjson.loads(event)}
        for feed, event in published
    ]


def _write() -> None:
    stages = Stages(load(default_folder("frameworks")))
    for name in EVENT_TYPES:
        text = json.dumps(readable(stages.published(name)), indent=2, ensure_ascii=False)
        (FOLDER / f"{name}.published.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
