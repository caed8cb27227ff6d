"""Configuration → limits: what the gateways of one installation agree on without being told."""

import dataclasses

import pytest

from signalman.compose.admission import admission, marks_key, memory_stores, redis_stores, ticket_office
from signalman.config import Config
from signalman.config.model import Limits
from signalman.gateway.admission import AdmissionLimits
from signalman.metrics import Metrics

BASE = {
    "channels": {"pseudonym_key": "sixteen characters"},
    "access": {"jwt_secret": "a secret", "service_token": "another"},
    "redis": {"url": "redis://user:password@one:6379/0"},
}


def configured(section: str, **settings: object) -> Config:
    """`BASE`, but for these settings."""
    return Config.model_validate({**BASE, section: {**BASE.get(section, {}), **settings}})


@pytest.mark.parametrize(
    "settings",
    [
        ("redis", {"url": "redis://user:password@two:6380/0"}),
        ("redis", {"connections": 3}),
        ("gateway", {"port": 18011}),
        ("limits", {"failures": 3}),
    ],
)
def test_gateways_of_one_installation_have_one_key(settings: tuple[str, dict[str, object]]) -> None:
    """Whatever else differs between them, also the name by which each knows Redis."""
    assert marks_key(configured(settings[0], **settings[1])) == marks_key(configured("gateway"))


@pytest.mark.parametrize(
    "settings",
    [
        ("redis", {"url": "redis://user:else@one:6379/0"}),
        ("channels", {"pseudonym_key": "other characters"}),
        ("access", {"jwt_secret": "a secrets"}),
        ("access", {"service_token": "other"}),
    ],
)
def test_each_secret_makes_another_key(settings: tuple[str, dict[str, object]]) -> None:
    """Who lacks one of them cannot make the marks of that installation; and the key holds none of them."""
    key = marks_key(configured(settings[0], **settings[1]))
    assert len(key) == 32
    assert key != marks_key(configured("gateway"))


def test_the_limits_are_those_of_the_configuration() -> None:
    """Each by its name, and where nobody says anything, the same as `AdmissionLimits` has by itself."""
    ours = {field.name: getattr(AdmissionLimits(), field.name) for field in dataclasses.fields(AdmissionLimits)}
    assert ours == Limits().model_dump(include=set(ours))
    config = configured("limits", **{name: value + 1 for name, value in ours.items()})
    made = admission(config, memory_stores().quotas, Metrics())
    assert dataclasses.asdict(made.limits) == {name: value + 1 for name, value in ours.items()}


async def test_stores_do_not_wait_for_redis() -> None:
    """A gateway starts while Redis is away."""
    async with redis_stores(configured("gateway")) as stores:
        assert ticket_office(configured("access", ticket_seconds=7.0), stores.tickets).seconds == 7.0
