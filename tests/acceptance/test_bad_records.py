"""Records that nobody should have written, between good ones, through running processes."""

import base64
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord

from tests.acceptance.bad_records import BAD, SECRET, Bad
from tests.acceptance.processes import Installation
from tests.acceptance.records import STREAM, TENANT, value
from tests.acceptance.running import Running, run
from tests.servers import Kafka
from tests.servers.ports import wait_for_async

HUGE = 5_000_000
TOO_HUGE = 9_000_000
KEY = b"key \xff"


@pytest.fixture
async def running(real_kafka: Kafka, installation: Installation) -> AsyncIterator[Running]:
    """Processes at work."""
    async with run(installation) as running:
        yield running


async def test_bad_records_are_put_aside(running: Running, installation: Installation) -> None:
    """Whatever is wrong with a record, the good ones around it arrive in order; it lies among the dead letters, once
    and as it was, with a reason that repeats none of its values; and the partition moves on, committed to its end.
    """
    places = {}
    for bad in BAD:
        await running.put_good()
        places[await running.topics.put(bad.value, key=KEY, headers=bad.headers)] = bad
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
    assert said["error"] == bad.error, said["offset"]
    assert base64.b64decode(said["value_base64"], validate=True) == (bad.value or b""), bad.error
    assert (said["topic"], said["partition"], said["consumer"]) == (topic, 0, "signalman-analytics")
    assert datetime.fromisoformat(said["timestamp"]).tzinfo
    assert base64.b64decode(said["key_base64"]) == letter.key == KEY
    assert letter.headers[:2] == (("source", b"signalman-analytics"), ("original_topic", topic.encode()))


async def test_a_letter_tells_whose_record_it_was(running: Running, installation: Installation) -> None:
    """Key, headers and the ids that can be read are in the letter, and on it, as the platform's own consumers do."""
    headers = (("tenant_id", TENANT.encode()), ("event_type", b"stream_buffer"), ("odd", b"\xff"))
    await running.topics.put(b'{"event_id": 1', key=KEY, headers=headers)
    (letter, said), *_ = await running.topics.dead_letters(1)
    assert base64.b64decode(said["key_base64"]) == letter.key == KEY
    assert said["headers"] == {"tenant_id": TENANT, "event_type": "stream_buffer", "odd": "\ufffd"}
    assert (said["tenant_id"], said["event_type"], "event_id" in said) == (TENANT, "stream_buffer", False)
    assert letter.headers == (
        ("source", b"signalman-analytics"),
        ("original_topic", installation.topics["analytics"].encode()),
        ("tenant_id", TENANT.encode()),
        ("event_type", b"stream_buffer"),
    )

    await running.topics.put(value("lifted-id", source=None))
    _, (letter, lifted) = await running.topics.dead_letters(2)
    assert letter.key == f"{installation.topics['analytics']}:0:1".encode()
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
    assert running.data(events[1]) == {"stream_id": STREAM, "buffer_state": "DRY"}
    assert SECRET not in "\n".join(running.client.frames)
    await running.topics.all_committed()
    assert await running.topics.read(installation.dead_letters) == []


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
