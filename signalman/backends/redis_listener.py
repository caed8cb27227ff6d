"""Who hears what comes on Redis channels, and how its mistakes are survived."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

_COMPLAINT_INTERVAL = 60.0
"""Seconds between log lines about a listener that fails: it may do so a thousand times a second."""


class ChannelListener(Protocol):
    """Who hears what comes on the channels. Called on the event loop."""

    def message(self, channel: bytes, data: bytes) -> None:
        """A message on a channel that is subscribed. In order per channel."""
        ...

    def lost(self) -> None:
        """Redis is away, or a part of it on which channels are wanted. Once per loss."""
        ...

    async def restored(self, channels: Sequence[bytes]) -> None:
        """All is subscribed again, and messages on *channels* may have been missed.

        After `lost` it is called once everything wanted is acknowledged; without `lost` before it, for channels that
        moved within the cluster. When it raises, the connections are dropped and made anew. It is cancelled, and called
        again later, when Redis is lost meanwhile.
        """
        ...


class GuardedListener:
    """Calls *listener* and raises nothing: whatever it does wrong, the next message and the next loss reach it."""

    def __init__(self, listener: ChannelListener) -> None:
        self._listener = listener
        self._complain_at = 0.0

    def message(self, channel: bytes, data: bytes) -> None:
        """See `ChannelListener`."""
        try:
            self._listener.message(channel, data)
        except Exception as error:  # noqa: BLE001  the other messages must go on
            self._complain(error)

    def lost(self) -> None:
        """See `ChannelListener`."""
        try:
            self._listener.lost()
        except Exception as error:  # noqa: BLE001  what was lost has to come back all the same
            self._complain(error)

    async def restored(self, channels: Sequence[bytes]) -> str:
        """See `ChannelListener`. Returns why it failed; empty when it did not."""
        try:
            await self._listener.restored(channels)
        except BackendUnavailable as error:
            return error.detail
        except Exception as error:  # noqa: BLE001  it is tried again, on new connections
            self._complain(error)
            return "the listener failed"
        return ""

    def _complain(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._complain_at:
            self._complain_at = now + _COMPLAINT_INTERVAL
            log.error("bus_listener_failed", exc_info=error)
