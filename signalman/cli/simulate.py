"""``signalman simulate``."""

from typing import Annotated

import typer

import signalman.cli.context as invocation
from signalman.cli.running import run


def simulate(
    context: typer.Context,
    kafka: Annotated[
        str | None, typer.Option(metavar="HOST:PORT,...", help="Brokers to write to, instead of the configured ones.")
    ] = None,
    clickhouse: Annotated[  # noqa: FBT002 # typer reads it as a flag
        bool, typer.Option("--clickhouse", help="Play the platform's ClickHouse ingest as well.")
    ] = False,
    rate: Annotated[float | None, typer.Option(help="Records a second; 0: the platform's own cadence.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same events.")] = None,
    tenants: Annotated[int | None, typer.Option(help="How many tenants the platform has.")] = None,
    lag: Annotated[float | None, typer.Option(metavar="SECONDS", help="How far the ingest lags behind.")] = None,
    speed: Annotated[float | None, typer.Option(help="How much faster than the clock its time runs.")] = None,
    duration: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Stop after so long; else run until stopped.")
    ] = None,
) -> None:
    """Pretend to be the platform: write believable events to Kafka."""
    brokers = None if kafka is None else [broker.strip() for broker in kafka.split(",")]
    config = invocation.of(context).start(
        {
            ("kafka", "brokers"): ("--kafka", brokers),
            ("simulate", "rate"): ("--rate", rate),
            ("simulate", "seed"): ("--seed", seed),
            ("simulate", "tenants"): ("--tenants", tenants),
            ("simulate", "lag_seconds"): ("--lag", lag),
            ("simulate", "speed"): ("--speed", speed),
        }
    )
    from signalman import compose

    run(compose.simulate(config, clickhouse=clickhouse, duration_seconds=duration))
