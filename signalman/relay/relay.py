"""The relay, stage by stage: source, decode, route, redact, rows, publish.

What cannot be understood goes to the dead letters, and only then the batch is committed: a crash repeats work and never
loses it, and the bus lets in only once what is published again. Events go before letters, so that an unwritable
dead-letter topic holds up the records to come and not the events already understood.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import PurePath

import structlog

from signalman.channel import Catalog
from signalman.errors import BackendUnavailable, DecodeError
from signalman.event import Batch, Record
from signalman.metrics import Metrics
from signalman.net import Net
from signalman.ports import Bus, Source
from signalman.redaction import Pseudonyms
from signalman.relay.deadletters import DeadLetters, Undecodable
from signalman.relay.decode import MAX_BYTES, Decoder
from signalman.relay.patience import Patience, Sleep
from signalman.relay.publish import Addressed, address, outgoing
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from signalman.relay.signals import Signals, address_notices
from signalman.relay.suspicion import Suspicion
from signalman.relay.tally import Tally

log = structlog.get_logger(__name__)

MAX_EVENTS = 1000
"""Events handed to the bus at once, give or take one record's: a batch of batch records would be half a million."""


class Relay:
    """Takes records from a source to the feeds of a bus, in order per partition. A record may be read several times; it
    enters its feed once.
    """

    def __init__(
        self,
        source: Source,
        bus: Bus,
        catalog: Catalog,
        names: Mapping[str, str],
        metrics: Metrics,
        *,
        consumers: Mapping[str, str] | None = None,
        max_record_bytes: int = MAX_BYTES,
        pseudonyms: Pseudonyms | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Wire the stages.

        Args:
            source: Where records come from and dead letters go.
            bus: Where events go.
            catalog: The pack.
            names: Kafka topic → logical topic, for every topic that *source* reads.
            metrics: Told after each batch.
            consumers: Kafka topic → the name that dead letters give as their consumer; the pack's where it has none.
            max_record_bytes: Larger records go to the dead letters unread.
            pseudonyms: For what the pack hashes; it needs them if it does.
            clock: Unix seconds.
            sleep: Waits between attempts while a backend is away.
        """
        self._source = source
        self._bus = bus
        self._decoder = Decoder(catalog, names, max_bytes=max_record_bytes)
        self._signals = Signals(catalog)
        self._router = Router(catalog)
        net = Net()
        suspicion = Suspicion(net)
        self._redactor = Redactor(catalog, net, pseudonyms=pseudonyms, suspicion=suspicion)
        self._rows = Rows(catalog, net, pseudonyms=pseudonyms, suspicion=suspicion)
        self._largest = {channel.name: channel.limits.event_bytes for channel in catalog.channels.values()}
        self._names = names
        self._metrics = metrics
        self._clock = clock
        self._reading = Patience("source", sleep)
        self._publishing = Patience("bus", sleep)
        self._burying = Patience("dead_letters", sleep)
        by_pack = {kafka: catalog.topics[logical].consumer for kafka, logical in names.items()}
        self._dead_letters = DeadLetters(source, {**by_pack, **(consumers or {})}, self._burying)
        self._batches: AsyncIterator[Batch] | None = None
        self._tally = Tally()
        self.alive = False
        """Whether `run` is running."""
        self.last_batch_at: float | None = None
        """When a batch was last done with, by the clock; None before the first."""

    @property
    def is_flowing(self) -> bool:
        """Whether records are being read and published: `run` is running and waits for nobody."""
        return self.alive and self.waiting_for is None

    @property
    def waiting_for(self) -> str | None:
        """``source``, ``bus`` or ``dead_letters`` while that does not answer, else None."""
        return next((each.name for each in (self._reading, self._publishing, self._burying) if each.is_waiting), None)

    async def run(self) -> None:
        """Relay until cancelled, or until the source has no more.

        A backend that raises `BackendUnavailable` is waited for. Any other error of a backend is a bug and ends the
        relay; what was not committed is read again by the next one.
        """
        self.alive = True
        try:
            while batch := await self._reading.insist(self._read):
                await self.relay(batch)
        finally:
            self.alive = False

    async def relay(self, batch: Batch) -> None:
        """Take one batch through all stages. When this returns, all of it is done and committed."""
        started = self._clock()
        self._tally = Tally()
        if batch.skipped:
            await self._announce_skip(batch.skipped)
        letters = await self._publish_events(batch.records)
        await self._bury(letters)
        await self._commit(batch)
        self._report(started)

    async def _publish_events(self, records: Iterable[Record]) -> list[Undecodable]:
        """Publish what *records* mean; returns those that cannot be understood."""
        events: list[Addressed] = []
        letters: list[Undecodable] = []
        for record in records:
            try:
                events += self._understand(record)
            except DecodeError as error:
                letters.append((record, error))
            if len(events) >= MAX_EVENTS:
                await self._publish(events)
                events = []
        await self._publish(events)
        return letters

    async def _read(self, attempt: int) -> Batch | None:
        # An async generator that has raised is exhausted: another attempt needs another one.
        if self._batches is None or attempt:
            self._batches = self._source.batches()
        return await anext(self._batches, None)

    def _understand(self, record: Record) -> list[Addressed]:
        try:
            return self._events_of(record)
        except DecodeError:
            raise
        except Exception as error:  # noqa: BLE001  # one record's bug must not stop all others
            _log_bug(record, error)
            raise DecodeError("internal", type(error).__name__) from None

    def _events_of(self, record: Record) -> list[Addressed]:
        decoded = self._decoder.decode(record)
        if notices := self._signals.notices(decoded):
            self._tally.signal(decoded.topic)
            return address_notices(record, decoded, notices)
        routed = self._router.route(decoded)
        redacted = [self._redactor.redact(event) for event in routed.events]
        # Tables may show what the event itself does not, so their changes are read out of what came in.
        changed = [self._rows.changes(event) for event in routed.events]
        addressed = [
            address(record, event, rows.rows, largest=self._largest[event.channel])
            for (event, *_), rows in zip(redacted, changed, strict=True)
        ]
        self._tally.understood(decoded.topic, routed, redacted, changed, record.timestamp_ms)
        return addressed

    async def _announce_skip(self, count: int) -> None:
        """Before anything that came after it is published: nobody may take the hole for nothing."""
        self._metrics.skipped.inc(count)
        log.warning("records_skipped", count=count)
        await self._publishing.insist(lambda _: self._bus.retire("skipped"))

    async def _publish(self, events: Sequence[Addressed]) -> None:
        if events:
            batch = outgoing(events)
            # An attempt that failed may have published some of it: the same batch again adds only the rest.
            self._tally.published(await self._publishing.insist(lambda _: self._bus.publish(batch)))

    async def _bury(self, letters: Sequence[Undecodable]) -> None:
        for record, _ in letters:
            self._tally.dead_letter(self._names.get(record.topic, "unknown"))
        await self._dead_letters.write(letters)

    async def _commit(self, batch: Batch) -> None:
        try:
            await self._source.commit(batch)
        except BackendUnavailable as error:
            # Only a hint by the port's contract, and the next batch's commit covers this one.
            log.warning("commit_failed", backend=error.backend, detail=error.detail)

    def _report(self, started: float) -> None:
        now = self._clock()
        self._tally.report(self._metrics, now)
        self._metrics.batch_seconds.observe(max(0.0, now - started))
        self.last_batch_at = now


def _log_bug(record: Record, error: Exception) -> None:
    """Where it happened, and never the error's text: that may quote the payload."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    log.error(
        "record_failed",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        exception=type(error).__name__,
        at=f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "",
    )
