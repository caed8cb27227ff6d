"""What is really so in the pretend platform at this moment, for tests to compare with."""

from collections.abc import Sequence

from signalman.simulate.streams import Stream


class Truth:
    """Looks at the world from above. Answers for the time of the last step."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = streams

    def streams(self, tenant_id: str) -> frozenset[str]:
        """Ids of a tenant's streams, live or not."""
        return frozenset(stream.stream_id for stream in self._of(tenant_id))

    def live_streams(self, tenant_id: str) -> frozenset[str]:
        """Ids of a tenant's streams that are live."""
        return frozenset(stream.stream_id for stream in self._of(tenant_id) if stream.broadcast is not None)

    def sessions(self, tenant_id: str) -> frozenset[str]:
        """Ids of the playback sessions that are open on a tenant's streams."""
        return frozenset(session for stream in self._of(tenant_id) for session in stream.visits)

    def _of(self, tenant_id: str) -> list[Stream]:
        return [stream for stream in self._streams if stream.tenant.tenant_id == tenant_id]
