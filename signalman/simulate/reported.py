"""An event as the ingest reads it: fields that are not there are zero, 64-bit integers are text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from signalman.event import Json

Row = dict[str, Any]
"""Column → value, as Python has it."""

NO_UUID = UUID(int=0)
_PREFIXES = ("live+", "pull+", "vod+", "dvr+", "processing+")


@dataclass(frozen=True, slots=True)
class Reported:
    """One event."""

    tenant_id: UUID
    time: datetime
    """When the platform received it."""
    seen: datetime
    """When the ingest does."""
    data: Mapping[str, Json]
    payload: Mapping[str, Json]

    def text(self, name: str) -> str:
        """A text of the payload."""
        return str(self.payload.get(name, ""))

    def whole(self, name: str) -> int:
        """A number of the payload without a fraction."""
        return int(self.payload.get(name, 0))

    def number(self, name: str) -> float:
        """A number of the payload."""
        return float(self.payload.get(name, 0))

    def maybe(self, name: str) -> int | None:
        """A number of the payload, or None when the payload does not have it."""
        return int(self.payload[name]) if name in self.payload else None

    def moment(self, name: str) -> datetime | None:
        """A point in time of the payload, in Unix seconds there; None when it is zero."""
        seconds = self.whole(name)
        return datetime.fromtimestamp(seconds, UTC) if seconds else None

    def moment_ms(self, name: str) -> datetime:
        """A point in time of the payload, in Unix milliseconds there; the event's own time when it is zero."""
        milliseconds = self.whole(name)
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else self.time

    def node(self) -> str:
        """The node that the trigger came from."""
        return str(self.data.get("node_id", ""))

    def stream(self) -> UUID:
        """The stream: the trigger's, else the payload's, else all zeros."""
        found = self.data.get("stream_id") or self.payload.get("stream_id")
        try:
            return UUID(found) if found else NO_UUID
        except ValueError:
            return NO_UUID


def internal(name: str) -> str:
    """A stream's internal name without the media server's prefix."""
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def state(enum: str) -> str:
    """``STAGE_DONE`` as tables have it: ``done``."""
    return enum.partition("_")[2].lower()
