"""Writing dead letters: insistently, and in a way that one oversized record cannot hold up its partition for ever."""

from collections.abc import Mapping, Sequence

import structlog

from signalman.errors import DecodeError, LetterTooLarge
from signalman.event import Record
from signalman.ports import Source
from signalman.relay.deadletter import letter
from signalman.relay.patience import Patience

log = structlog.get_logger(__name__)

Undecodable = tuple[Record, DecodeError]
"""A record that cannot be understood, and why."""


class DeadLetters:
    """The way into the dead-letter topic."""

    def __init__(self, source: Source, consumers: Mapping[str, str], patience: Patience) -> None:
        """Take letters to *source*, signed by *consumers* (Kafka topic → name), with *patience* while it is away."""
        self._source = source
        self._consumers = consumers
        self._patience = patience

    async def write(self, letters: Sequence[Undecodable]) -> None:
        """Write a letter for each of *letters*, in order; when this returns, all are durable."""
        for record, error in letters:
            await self._write_one(record, error)
        if letters:
            _log(letters)

    async def _write_one(self, record: Record, error: DecodeError) -> None:
        consumer = self._consumers.get(record.topic, "signalman")
        try:
            await self._insist(record, letter(record, error, consumer))
        except LetterTooLarge as refusal:
            # Its position and reason are worth more than a partition that stands still for ever.
            log.warning("dead_letter_without_value", detail=str(refusal))
            await self._insist(record, letter(record, error, consumer, with_value=False))

    async def _insist(self, record: Record, value: bytes) -> None:
        async def attempt(_: int) -> None:
            await self._source.dead_letter(record, value)

        await self._patience.insist(attempt)


def _log(letters: Sequence[Undecodable]) -> None:
    """One line for a batch: a broken producer would otherwise write as many lines as records."""
    record, error = letters[0]
    log.warning(
        "records_dead_lettered",
        count=len(letters),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=str(error),
    )
