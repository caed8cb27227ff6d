"""Announcements that access may have ended: real records, which the pack understands."""

import orjson
import pytest

from signalman.catalog import default_folder, load
from signalman.event import Record
from signalman.notice import Notice, notice
from signalman.relay.decode import Decoder
from signalman.relay.signals import Signals
from signalman.simulate import announcements
from signalman.simulate.announcements import Announcement, announced
from signalman.simulate.messages import messages
from tests.unit.simulate.make import NOW, TENANT

USER, TOKEN, PLAN = "user-1", "token-1", "plan-1"

CASES: list[tuple[Announcement, set[Notice]]] = [
    (announcements.token_revoked(TENANT, USER, TOKEN), {notice("token", TOKEN), notice("user", USER)}),
    (announcements.wallet_unlinked(TENANT, USER, "0xabc"), {notice("user", USER)}),
    (announcements.tenant_updated(TENANT, "is_active"), {notice("scope", TENANT)}),
    (announcements.tenant_deleted(TENANT), {notice("scope", TENANT)}),
    (announcements.subscription_updated(TENANT, PLAN, "suspended"), {notice("scope", TENANT)}),
    (announcements.subscription_canceled(TENANT, PLAN), {notice("scope", TENANT)}),
]
each = pytest.mark.parametrize(("told", "concerned"), CASES, ids=[told.event_type for told, _ in CASES])


@each
def test_it_concerns_whom_it_names(told: Announcement, concerned: set[Notice]) -> None:
    """Read as the relay reads it, each is a signal of FrameWorks' pack, about those and nobody else."""
    catalog = load(default_folder("frameworks"))
    emitted = announced(told, NOW)
    record = Record("service_events", 0, 0, 0, emitted.key, emitted.value, emitted.headers)
    decoded = Decoder(catalog, {"service_events": "service"}).decode(record)
    assert set(Signals(catalog).notices(decoded)) == concerned


@each
def test_it_is_written_as_the_platform_does(told: Announcement, concerned: set[Notice]) -> None:
    """On the control plane's topic, with the inner message alone, whose fields are the platform's."""
    assert concerned
    emitted = announced(told, NOW)
    body = orjson.loads(emitted.value)
    assert emitted.topic == "service"
    assert (body["event_type"], body["tenant_id"]) == (told.event_type, TENANT)
    assert set(body["data"]) <= set(messages()[told.message])
    assert "event_id" not in dict(emitted.headers)


def test_every_one_is_another_record() -> None:
    """Two of them, or one at two times, have two ids; the same at the same time is the same record again."""
    told = [announced(told, time) for told, _ in CASES for time in (NOW, NOW + 1)]
    assert len({one.key for one in told}) == len(told)
    assert announced(CASES[0][0], NOW) == announced(CASES[0][0], NOW)


def test_every_signal_of_the_pack_can_be_announced() -> None:
    """So that whatever the pack listens to can be tried."""
    assert {name for _, name in load(default_folder("frameworks")).signals} == {told.event_type for told, _ in CASES}
