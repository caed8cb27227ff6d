"""The doorman: whom he turns away, by the first lines of a request alone."""

from dataclasses import replace

import pytest

from signalman.backends.memory_quotas import MemoryQuotas
from signalman.errors import Limited
from signalman.gateway.admission import Admission
from signalman.metrics import Metrics
from signalman.web.doorman import Doorman
from signalman.web.peers import Peers
from tests.access import NO_LIMITS
from tests.unit.gateway.quotas import Clock, FakeShared

ADDRESS, OTHER, PROXY = "203.0.113.9", "203.0.113.10", "10.0.0.1"
LIMITS = replace(NO_LIMITS, failures=1, failure_pause_seconds=10.0, failure_longest_pause_seconds=40.0)


class Entrance:
    """A doorman, and what he goes by."""

    def __init__(self, *trusted: str) -> None:
        self.clock = Clock()
        self.metrics = Metrics()
        self.shared = FakeShared(self.clock)
        self.admission = Admission(
            self.shared, MemoryQuotas(self.clock), LIMITS, self.metrics, key=b"a key of the tests", clock=self.clock
        )
        self.doorman = Doorman(self.admission, Peers(trusted, limited=True), self.metrics)

    async def block(self, address: str) -> None:
        """Have *address* fail until it has to wait."""
        attempt = await self.admission.attempt(address)
        await attempt.failed()
        await attempt.failed()

    def asks(self, target: bytes, peer: str = ADDRESS, *forwarded: bytes) -> Limited | None:
        """What the doorman says to a request."""
        return self.doorman.refuses(
            peer, target, [(b"host", b"x"), *((b"x-forwarded-for", each) for each in forwarded)]
        )

    def counted(self, name: str, **labels: str) -> float:
        """The metric *name*."""
        return self.metrics.registry.get_sample_value(f"signalman_{name}_total", labels) or 0.0


@pytest.mark.parametrize("target", [b"/v1/ws", b"/v1/ws?ticket=x", b"/v1/channels", b"/v1/tickets"])
async def test_who_has_to_wait_is_turned_away_until_he_need_not(target: bytes) -> None:
    """With the time that is left; nobody else is asked, and others are not concerned."""
    entrance = Entrance()
    assert entrance.asks(target) is None
    await entrance.block(ADDRESS)
    entrance.shared.asked.clear()
    entrance.clock.now += 3.0
    limited = entrance.asks(target)
    assert limited is not None
    assert (limited.code, limited.limit) == ("too_many_attempts", "failures")
    assert limited.retry_after == pytest.approx(7.0)
    assert ADDRESS not in str(limited)
    assert entrance.asks(target, OTHER) is None
    assert not entrance.shared.asked
    entrance.clock.now += 7.1
    assert entrance.asks(target) is None


@pytest.mark.parametrize("target", [b"/healthz", b"/readyz", b"/metrics", b"/", b"/static/main.js", b"/v1", b"*"])
async def test_what_takes_no_credential_is_for_everybody(target: bytes) -> None:
    """A kubelet or Prometheus may share the address."""
    entrance = Entrance()
    await entrance.block(ADDRESS)
    assert entrance.asks(target) is None
    assert entrance.counted("limited", limit="failures") == 0


async def test_each_refusal_is_counted() -> None:
    """As a limit that was reached; a handshake also as one that was refused."""
    entrance = Entrance()
    await entrance.block(ADDRESS)
    entrance.asks(b"/v1/ws")
    entrance.asks(b"/v1/ws?x=y")
    entrance.asks(b"/v1/channels")
    entrance.asks(b"/v1/ws", OTHER)
    assert entrance.counted("limited", limit="failures") == 3
    assert entrance.counted("handshakes", outcome="refused") == 2


async def test_a_trusted_proxy_is_not_taken_for_its_clients() -> None:
    """Whoever fails behind it has to wait, and nobody else; nor do they where the proxy itself has to."""
    entrance = Entrance(PROXY)
    await entrance.block(ADDRESS)
    await entrance.block(PROXY)
    assert entrance.asks(b"/v1/ws", PROXY, OTHER.encode()) is None
    assert entrance.asks(b"/v1/ws", PROXY, b"198.51.100.1", OTHER.encode()) is None
    assert entrance.asks(b"/v1/ws", PROXY, ADDRESS.encode()) is not None
    assert entrance.asks(b"/v1/ws", PROXY, f"{OTHER}, {ADDRESS}".encode()) is not None


async def test_nobody_escapes_by_what_he_says() -> None:
    """What an untrusted peer writes does not count."""
    entrance = Entrance()
    await entrance.block(ADDRESS)
    assert entrance.asks(b"/v1/ws", ADDRESS, OTHER.encode()) is not None
    assert entrance.asks(b"/v1/ws", OTHER, ADDRESS.encode()) is None
