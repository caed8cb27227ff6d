"""A pretend FrameWorks: believable Kafka records, and the ClickHouse rows that the platform makes of them."""

from signalman.simulate.pace import at_rate
from signalman.simulate.runner import run
from signalman.simulate.tenants import tenant_ids
from signalman.simulate.warehouse import Warehouse
from signalman.simulate.wire import Emitted
from signalman.simulate.world import World

__all__ = ["Emitted", "Warehouse", "World", "at_rate", "run", "tenant_ids"]
