"""`make soak`: everything at work for some minutes, and something killed every few seconds.

Two relays, two gateways behind a balancer, Kafka, Redis, ClickHouse and PostgreSQL as processes; clients of three
tenants; events of all of them. At the end every client must have had every event of its tenant once, and none of
another's. The counts are printed; the exit code says whether they are right.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from tests.soak.run import Options, soak


def main() -> int:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rate", type=float, default=60.0, help="events a second, of all tenants together")
    parser.add_argument("--seed", type=int, default=1, help="of the order of kills")
    given = parser.parse_args()
    # What is lost and found again is what this is about; the libraries would tell of it all the time.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    options = Options(given.seconds, given.clients, given.rate, given.seed)
    with tempfile.TemporaryDirectory(prefix="signalman-soak-") as folder:
        account = asyncio.run(soak(Path(folder), options, tell))
    sys.stdout.write(account.text())
    return 0 if account.is_right else 1


def tell(news: str) -> None:
    """Show a person that something is going on."""
    sys.stdout.write(f"{news}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
