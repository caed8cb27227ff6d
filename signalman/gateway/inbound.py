"""How much a client may send: messages and bytes, each by a bucket. No clock: moments are passed in."""

from signalman.access.bucket import Bucket
from signalman.access_ports import Rate


class Inbound:
    """What one connection has left. A rate that is None sets no limit."""

    def __init__(self, messages: Rate | None, size: Rate | None, now: float) -> None:
        self._messages = Bucket(messages, now) if messages else None
        self._bytes = Bucket(size, now) if size else None

    def excess(self, data: str | bytes, now: float) -> str | None:
        """The setting that *data* is over, or None; then it is counted. *now* in seconds."""
        if self._messages is not None and self._messages.take(now) > 0:
            return "messages_per_second"
        if self._bytes is not None and self._bytes.take(now, _size(data)) > 0:
            return "bytes_per_second"
        return None


def _size(data: str | bytes) -> int:
    if isinstance(data, bytes) or data.isascii():
        return len(data)
    return len(data.encode("utf-8", "surrogatepass"))
