"""The records that a person asks about: out of a file or standard input, as tools of Kafka print them."""

import base64
import binascii
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson

from signalman.catalog.names import suggestion
from signalman.channel import Catalog
from signalman.errors import SignalmanError
from signalman.event import Json, Record
from signalman.relay.whereabouts import topic_of


class RecordError(SignalmanError):
    """A record that cannot be explained."""


def read_records(file: str, catalog: Catalog, names: Mapping[str, str], topic: str | None) -> list[Record]:
    """The records in *file*, ``-`` for standard input: one JSON value, a list of them, or one on each line.

    A value may be a record's, as Kafka has it, or a dead letter, which holds one in base64.

    Args:
        file: Its name.
        catalog: The pack.
        names: Kafka topic → logical topic.
        topic: Which topic they are of, by either name; None to find out.

    Raises:
        RecordError: There is no record there, or no such topic.
    """
    kafka = None if topic is None else _kafka_name(topic, catalog, names)
    return [_record(value, kafka, catalog, names) for value in _values(_read(file))]


def _read(file: str) -> bytes:
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except FileNotFoundError:
        raise RecordError(f"{file}: there is no such file") from None
    except OSError as error:
        raise RecordError(f"{file}: cannot be read: {error.strerror}") from None
    if not text.strip():
        raise RecordError(f"{'standard input' if file == '-' else file}: is empty")
    return text


def _values(text: bytes) -> list[bytes]:
    """Each record's bytes. What is no JSON at all is one record: the decoder says what is wrong with it."""
    whole = _parsed(text)
    if isinstance(whole, list):
        return [orjson.dumps(each) for each in whole]
    lines = [line for line in text.splitlines() if line.strip()]
    if whole is None and len(lines) > 1 and isinstance(_parsed(lines[0]), dict):
        return lines
    return [text.strip()]


def _record(value: bytes, kafka: str | None, catalog: Catalog, names: Mapping[str, str]) -> Record:
    body = _parsed(value)
    letter = body if isinstance(body, dict) and isinstance(body.get("value_base64"), str) else None
    headers: tuple[tuple[str, bytes], ...] = ()
    if letter is not None:
        value, headers = _unwrapped(letter)
        kafka = kafka or str(letter.get("topic", ""))
    return Record(kafka or _found(value, catalog, names), 0, 0, 0, None, value, headers)


def _unwrapped(letter: Mapping[str, Json]) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    try:
        value = base64.b64decode(letter["value_base64"], validate=True)
    except (binascii.Error, ValueError):
        raise RecordError("the dead letter's value_base64 is not base64") from None
    if not value and letter.get("value_omitted_bytes"):
        raise RecordError("the dead letter is without its record, which was too large: fetch that from its topic")
    headers = letter.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    return value, tuple((name, text.encode()) for name, text in pairs if isinstance(text, str))


def _kafka_name(topic: str, catalog: Catalog, names: Mapping[str, str]) -> str:
    if topic in names:
        return topic
    for kafka, logical in names.items():
        if logical == topic:
            return kafka
    raise RecordError(f"--topic: the pack has no such topic{suggestion(topic, [*catalog.topics, *names])}")


def _found(value: bytes, catalog: Catalog, names: Mapping[str, str]) -> str:
    """The topic that *value* looks like, else any: then it is in its envelope that something is wrong."""
    logical = topic_of(value, catalog) or next(iter(catalog.topics))
    return _kafka_name(logical, catalog, names)


def _parsed(text: bytes) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
