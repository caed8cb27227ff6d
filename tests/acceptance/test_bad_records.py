"""Records that nobody should have written, between good ones, through running processes."""

import base64
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord

from tests.acceptance.bad_records import BAD, SECRET, Bad
from tests.acceptance.processes import Installation, counted
from tests.acceptance.records import STREAM, TENANT, Topics, value
from tests.acceptance.scenario import Client, judge_chain
from tests.servers import Kafka
from tests.servers.ports import free_port, wait_for_async

HUGE = 5_000_000
TOO_HUGE = 9_000_000


class Running:
    """A relay and a client behind a gateway."""

    def __init__(self, topics: Topics, client: Client, relay_port: int) -> None:
        self.topics = topics
        self.client = client
        self.relay_port = relay_port
        self.good: list[str] = []

    async def put_good(self) -> None:
        """Append an event that has to arrive."""
        self.good.append(str(uuid4()))
        await self.topics.put_events(self.good[-1:])

    async def arrived(self) -> None:
        """Fail unless every good event has arrived, in order, and nothing else has."""
        await self.client.until(lambda: set(self.good) <= set(self.client.ids("streams")))
        assert self.client.ids("streams") == self.good
        judge_chain(self.client, "streams")

    def data(self, event_id: str) -> Mapping[str, Any]:
        """What the client was told of an event."""
        events = [event for message in self.client.of("events") for event in message["events"]]
        return next(event["data"] for event in events if event["id"] == event_id)

    def outcome(self, outcome: str) -> float:
        """How many records of the analytics topic ended so."""
        return counted(self.relay_port, "signalman_relay_records_total", topic="analytics", outcome=outcome)


@pytest.fixture
async def running(real_kafka: Kafka, installation: Installation) -> AsyncIterator[Running]:
    """Processes at work."""
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        port = free_port()
        stack.enter_context(installation.relay(port=port))
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(Client(url, TENANT, installation.jwt(TENANT, time.time())))
        await client.subscribe(["streams"], snapshot=False)
        yield Running(topics, client, port)


async def test_bad_records_are_put_aside(running: Running, installation: Installation) -> None:
    """Whatever is wrong with a record, the good ones around it arrive in order; it lies among the dead letters, once
    and as it was, with a reason that repeats none of its values; and the partition moves on, committed to its end.
    """
    places = {}
    for bad in BAD:
        await running.put_good()
        places[await running.topics.put(bad.value, headers=bad.headers)] = bad
        await running.put_good()
    await running.arrived()

    letters = await running.topics.dead_letters(len(BAD))
    assert [said["offset"] for _, said in letters] == sorted(places)
    for letter, said in letters:
        _judge_letter(places[said["offset"]], letter, said, installation.topics["analytics"])
    await running.topics.all_committed()
    assert running.outcome("dead_letter") == len(BAD)
    assert len(await running.topics.read(installation.dead_letters)) == len(BAD)
    assert SECRET not in installation.output()
    assert SECRET not in "\n".join(running.client.frames)


def _judge_letter(bad: Bad, letter: ConsumerRecord, said: Mapping[str, Any], topic: str) -> None:
    place = f"{topic}:0:{said['offset']}"
    assert said["error"] == bad.error, place
    assert base64.b64decode(said["value_base64"], validate=True) == (bad.value or b""), bad.error
    assert (said["topic"], said["partition"], said["consumer"]) == (topic, 0, "signalman-analytics")
    assert said["timestamp"].endswith("Z")
    assert "key_base64" not in said
    assert letter.key == place.encode()
    headers = dict(letter.headers)
    assert (headers["source"], headers["original_topic"]) == (b"signalman-analytics", topic.encode())
    # What the platform reads out of a body, it may repeat: the record's ids. Where those are bad, they are values.
    assert SECRET not in said["error"]


async def test_a_letter_tells_whose_record_it_was(running: Running, installation: Installation) -> None:
    """Key, headers and the ids that can be read are in the letter, and on it, as the platform's own consumers do."""
    headers = (("tenant_id", TENANT.encode()), ("event_type", b"stream_buffer"), ("odd", b"\xff"))
    await running.topics.put(b'{"event_id": 1', key=b"k\xff", headers=headers)
    (letter, said), *_ = await running.topics.dead_letters(1)
    assert base64.b64decode(said["key_base64"]) == letter.key == b"k\xff"
    assert said["headers"] == {"tenant_id": TENANT, "event_type": "stream_buffer", "odd": "\ufffd"}
    assert (said["tenant_id"], said["event_type"], "event_id" in said) == (TENANT, "stream_buffer", False)
    assert letter.headers == (
        ("source", b"signalman-analytics"),
        ("original_topic", installation.topics["analytics"].encode()),
        ("tenant_id", TENANT.encode()),
        ("event_type", b"stream_buffer"),
    )

    await running.topics.put(value("lifted-id", source=None))
    _, (_, lifted) = await running.topics.dead_letters(2)
    assert lifted["error"] == "missing at source"
    ids = {"tenant_id": TENANT, "event_id": "lifted-id", "event_type": "stream_buffer"}
    assert {name: lifted[name] for name in ids} == ids == lifted["headers"]


async def test_what_is_understood_and_goes_nowhere(running: Running, installation: Installation) -> None:
    """An event of no tenant reaches nobody and one of an unknown type no channel: counted, and no dead letters."""
    lost = [str(uuid4()) for _ in range(4)]
    await running.put_good()
    await running.topics.put(value(lost[0], without="tenant_id"))
    await running.topics.put(value(lost[1], tenant_id=""))
    await running.topics.put(value(lost[2], event_type="stream_of_consciousness"))
    await running.topics.put(value(lost[3], event_type="playback_boot"))
    await running.put_good()
    await running.arrived()
    await running.topics.all_committed()
    outcomes = ("published", "unscoped", "unknown", "ignored", "dead_letter")
    await wait_for_async(lambda: [running.outcome(name) for name in outcomes] == [2, 2, 1, 1, 0])
    assert await running.topics.read(installation.dead_letters) == []
    text = "\n".join(running.client.frames)
    assert not [event_id for event_id in lost if event_id in text]


async def test_what_is_odd_and_arrives(running: Running, installation: Installation) -> None:
    """A field that no list names, 5 MB of it, headers that are no text: the event arrives, but not the field."""
    payload = {"buffer_state": "DRY", "field_of_2031": SECRET, "tracks": [{"codec": "H264", "new": SECRET}]}
    huge = {"buffer_state": "DRY", "field_of_2031": SECRET * (HUGE // len(SECRET))}
    events = [str(uuid4()) for _ in range(3)]
    running.good += events
    await running.topics.put(value(events[0], data={"stream_id": STREAM, "stream_buffer": payload}))
    await running.topics.put(value(events[1], data={"stream_id": STREAM, "stream_buffer": huge}))
    headers = (("tenant_id", b"\xff\xfe"), ("event_type", b"\x80"), ("\N{SNOWMAN}", b"\x00"))
    await running.topics.put(value(events[2]), headers=headers)
    await running.put_good()
    await running.arrived()
    assert running.data(events[0])["tracks"] == [{"codec": "H264"}]
    assert running.data(events[1]) == {"stream_id": STREAM, "buffer_state": "DRY"} | _lifted(running.data(events[1]))
    assert SECRET not in "\n".join(running.client.frames)
    await running.topics.all_committed()
    assert await running.topics.read(installation.dead_letters) == []


def _lifted(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: data[name] for name in ("node_id", "cluster_id") if name in data}


async def test_huge_records_that_are_bad(running: Running) -> None:
    """5 MB of garbage are in their letter whole; what is beyond the limit of size is not even parsed, and its letter
    says how large it was instead.
    """
    garbage = b"{" + b"x" * HUGE
    await running.put_good()
    await running.topics.put(garbage)
    await running.topics.put(value(str(uuid4()), data={"stream_id": STREAM, "padding": "x" * TOO_HUGE}))
    await running.put_good()
    await running.arrived()
    (_, whole), (_, beyond) = await running.topics.dead_letters(2)
    assert (whole["error"], base64.b64decode(whole["value_base64"]) == garbage) == ("not_json", True)
    assert (beyond["error"], beyond["value_base64"]) == ("too_large", "")
    assert beyond["value_omitted_bytes"] > TOO_HUGE
    await running.topics.all_committed()
