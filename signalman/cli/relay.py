"""``signalman relay``."""

import typer

import signalman.cli.context as invocation
from signalman.cli.running import run


def relay(context: typer.Context) -> None:
    """Read the platform's topics from Kafka, redact, and publish to Redis. Several share the partitions."""
    config = invocation.of(context).start()
    from signalman import compose

    run(compose.run_relay(config))
