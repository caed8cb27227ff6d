from dataclasses import replace
from typing import Any

import pytest

from signalman.access_rules import SignalRule
from signalman.channel import Catalog, ScopeLevel
from signalman.event import Decoded
from signalman.notice import EVERYBODY, NOTICES, notice
from signalman.relay.decode import Decoder
from signalman.relay.explain import explain
from signalman.relay.signals import Signals, address_notices
from tests.unit.relay.make import CATALOG, NAMES, OTHER, TENANT, body, catalog, record
from tests.unit.relay.test_relay import World

USER = "5eedface-5e1f-da7a-face-5e1fda7a0001"
TOKEN = "5eed5a17-da7a-5a17-da7a-5a17da7a0001"
RULE = SignalRule(token="data.token_id", user="user_id|data.user_id", scope=("data.tenant_id|tenant_id",))
KEY = ("service", "token_revoked")
PACK = replace(CATALOG, signals={KEY: RULE})


def decoded(pack: Catalog = PACK, kind: str = "token_revoked", **members: Any) -> Decoded:
    """A record of the control plane, understood."""
    return Decoder(pack, NAMES).decode(record(body(kind, **members), topic="service_events"))


def test_a_signal_concerns_all_whom_it_names() -> None:
    """Token, user and scope, each where the pack says that it stands."""
    told = Signals(PACK).notices(decoded(data={"token_id": TOKEN}, user_id=USER, tenant_id=TENANT))
    assert told == (notice("token", TOKEN), notice("user", USER), notice("scope", TENANT))


def test_an_event_is_no_signal() -> None:
    """What the pack does not name as a signal goes its way; the same type on another topic is another type."""
    assert Signals(PACK).notices(decoded(kind="token_created")) == ()
    other = replace(PACK, signals={("analytics", "token_revoked"): RULE})
    assert Signals(other).notices(decoded(other)) == ()


def test_the_first_place_that_says_something_counts() -> None:
    """As everywhere in a pack."""
    told = Signals(PACK).notices(decoded(data={"tenant_id": OTHER}))
    assert told == (notice("scope", OTHER),)


@pytest.mark.parametrize("data", [{}, {"token_id": ""}, {"token_id": 7}, {"token_id": "x" * 257}, {"token_id": None}])
def test_a_signal_that_names_nobody_concerns_everybody(data: dict[str, Any]) -> None:
    """Better asked in vain than a door left open."""
    pack = replace(PACK, signals={KEY: SignalRule(token="data.token_id")})
    assert Signals(pack).notices(decoded(pack, data=data)) == (EVERYBODY,)


def test_a_scope_is_read_as_far_as_it_is_well_formed() -> None:
    """A change in an organization concerns all of its workspaces; a broken id concerns whoever is above it."""
    levels = (ScopeLevel("organization", "string", "org"), ScopeLevel("workspace", "uuid", "ws"))
    pack = replace(catalog(levels=levels, scope=("o", "w")), signals={KEY: SignalRule(scope=("data.org", "data.ws"))})
    signals = Signals(pack)

    def told(**data: Any) -> object:
        return signals.notices(decoded(pack, data=data, o="x", w=TENANT))

    assert told(org="acme", ws=TENANT.upper()) == (notice("scope", "acme", TENANT),)
    assert told(org="acme") == (notice("scope", "acme"),)
    assert told(org="acme", ws="nonsense") == (notice("scope", "acme"),)
    assert told(ws=TENANT) == (EVERYBODY,)


def test_a_rule_may_stop_above_the_lowest_level() -> None:
    """A signal about an organization has no place for a workspace."""
    levels = (ScopeLevel("organization", "string", "org"), ScopeLevel("workspace", "string", "ws"))
    pack = replace(catalog(levels=levels, scope=("o", "w")), signals={KEY: SignalRule(scope=("data.org",))})
    assert Signals(pack).notices(decoded(pack, data={"org": "a"}, o="a", w="b")) == (notice("scope", "a"),)


def test_a_notice_says_nothing_of_the_record() -> None:
    """Nothing of it but digests goes over the bus; the notices of a record are different events there."""
    seen = decoded(data={"token_id": TOKEN, "error": "203.0.113.9"}, user_id=USER)
    addressed = address_notices(record(body()), seen, Signals(PACK).notices(seen))
    sent = b"".join(event.data for _, event in addressed)
    assert {feed for feed, _ in addressed} == {NOTICES}
    assert len({event.identity for _, event in addressed}) == len(addressed) == 3
    assert not any(text.encode() in sent for text in (TOKEN, USER, TENANT, "203.0.113.9", "token_revoked"))


def test_the_same_signal_again_is_the_same_event() -> None:
    """A mirror's copy of it is not told twice."""
    first, again = decoded(data={"token_id": TOKEN}), decoded(data={"token_id": TOKEN})
    one = address_notices(record(body(), offset=1), first, Signals(PACK).notices(first))
    two = address_notices(record(body(), offset=2), again, Signals(PACK).notices(again))
    assert [event.identity for _, event in one] == [event.identity for _, event in two]


async def test_a_relay_tells_signals_to_gateways_and_to_no_subscriber() -> None:
    """It is published on the feed of notices alone, and counted as what it is."""
    signal = record(body("token_revoked", data={"token_id": TOKEN}), topic="service_events")
    world = World([signal], pack=PACK)
    await world.relay.run()
    [sent] = world.bus.published
    assert sent.feed == NOTICES
    assert [event.data for event in sent.events] == [notice("token", TOKEN).encode(), notice("scope", TENANT).encode()]
    assert world.metrics.registry.get_sample_value(
        "signalman_relay_records_total", {"topic": "service", "outcome": "signal"}
    ) == 1  # fmt: skip


def test_an_explanation_says_whom_a_signal_concerns() -> None:
    """And that it goes to no subscriber."""
    told = explain(record(body("token_revoked", data={"token_id": TOKEN}), topic="service_events"), PACK, NAMES)
    assert (told.outcome, told.concerns, told.first) == ("signal", ("token", "scope"), None)
