"""Configuration → limits and tickets, and where the gateways share them."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from signalman.access.tickets import TicketOffice
from signalman.access_ports import Quotas, Tickets
from signalman.backends.memory_quotas import MemoryQuotas
from signalman.backends.memory_tickets import MemoryTickets
from signalman.backends.redis_commands import RedisCommands
from signalman.backends.redis_quotas import RedisQuotas
from signalman.backends.redis_tickets import RedisTickets
from signalman.config import Config
from signalman.gateway.admission import Admission, AdmissionLimits
from signalman.metrics import Metrics

_LONGEST_WAIT = 1.0
"""Seconds that Redis has for an answer here: somebody waits to be let in."""


class Stores(NamedTuple):
    """What gateways share beside the bus."""

    quotas: Quotas
    tickets: Tickets


def memory_stores() -> Stores:
    """For a gateway that is alone."""
    return Stores(MemoryQuotas(), MemoryTickets())


@asynccontextmanager
async def redis_stores(config: Config) -> AsyncIterator[Stores]:
    """For all gateways that have the same Redis. Does not wait for it."""
    redis = config.redis
    # Not the bus's connections: those may be busy for as long as a publication takes.
    commands = RedisCommands(
        redis.url.get_secret_value(),
        cluster=redis.cluster,
        timeout=min(_LONGEST_WAIT, redis.timeout_seconds),
        connections=redis.connections,
    )
    try:
        yield Stores(RedisQuotas(commands, prefix=redis.prefix), RedisTickets(commands, prefix=redis.prefix))
    finally:
        await commands.aclose()


def admission(config: Config, quotas: Quotas, metrics: Metrics) -> Admission:
    """The door of a gateway."""
    limits = AdmissionLimits(**config.limits.model_dump(include=set(AdmissionLimits.__dataclass_fields__)))
    return Admission(quotas, MemoryQuotas(), limits, metrics, key=marks_key(config))


def ticket_office(config: Config, tickets: Tickets) -> TicketOffice:
    """Where tickets are given and taken."""
    return TicketOffice(tickets, seconds=config.access.ticket_seconds)


def marks_key(config: Config) -> bytes:
    """The key of addresses' marks: made of what the gateways of an installation have in common and others do not
    know, so that it is no setting of its own. Of the Redis URL only its password, since the gateways of one
    installation may each know Redis by another name.
    """
    secrets = (
        config.channels.pseudonym_key.get_secret_value(),
        config.access.jwt_secret.get_secret_value(),
        config.access.service_token.get_secret_value(),
        urlsplit(config.redis.url.get_secret_value()).password or "",
    )
    return hmac.digest(b"signalman marks", "\0".join(secrets).encode(), "sha256")
