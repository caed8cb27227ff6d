"""What a connection may do, and until when: each condition of the decision, alone."""

from dataclasses import replace

import pytest

from signalman.errors import BadMessage
from signalman.event import PLATFORM, Feed
from signalman.gateway.entitlement import Entitlement
from signalman.gateway.requests import Subscribe
from signalman.principal import Principal
from tests.unit.gateway.make import OTHER, TENANT, api_token, catalog, platform_catalog, principal

MINE = Feed("streams", (TENANT,))
EXPIRES = 1_000.0


def entitled(who: Principal) -> Entitlement:
    """What *who* may do."""
    entitlement = Entitlement(catalog())
    entitlement.give(who)
    return entitlement


def asking(channel: str = "streams", *scope: str) -> Subscribe:
    """A request for *channel*, at one's own scope unless another is named."""
    return Subscribe(type="subscribe", id="s", channel=channel, scope=list(scope) or None)


def refusal(entitlement: Entitlement, request: Subscribe) -> BadMessage:
    """Why *request* is refused."""
    with pytest.raises(BadMessage) as refused:
        entitlement.permitted(request)
    assert refused.value.request_id == "s"
    return refused.value


def test_nobody_may_do_anything() -> None:
    """Until a principal is given, nothing is open, nothing goes on and nothing expires."""
    nobody = Entitlement(catalog())
    assert (nobody.principal, nobody.channels, nobody.covers(MINE)) == (None, [], False)
    assert not nobody.continues(principal())
    assert refusal(nobody, asking()).code == "not_authenticated"
    assert (nobody.expires_at, nobody.has_expired(1e12), nobody.due(1e12, 60.0)) == (None, False, None)


def test_what_is_given_is_what_is_granted() -> None:
    """The channels of the principal's grants are open at its scope, and no other channel and no other scope is."""
    entitlement = Entitlement(catalog())
    who = api_token("streams:read")
    assert entitlement.give(who) is True
    assert (entitlement.principal, entitlement.channels) == (who, ["streams"])
    assert entitlement.covers(MINE)
    assert not entitlement.covers(Feed("streams", (OTHER,)))
    assert not entitlement.covers(Feed("system", (TENANT,)))


def test_what_was_given_before_is_gone() -> None:
    """A principal takes the place of the one before with all that it had, also where it has nothing itself."""
    entitlement = entitled(api_token("streams:read"))
    assert entitlement.give(api_token("infrastructure:read")) is True
    assert (entitlement.channels, entitlement.covers(MINE)) == (["system"], False)
    assert entitlement.give(api_token()) is False
    assert entitlement.channels == []
    assert refusal(entitlement, asking("system")).code == "forbidden"


def test_channels_are_named_in_order() -> None:
    """A client is told each of them once, however many grants there are for it."""
    entitlement = Entitlement(platform_catalog())
    entitlement.give(principal(operator=True))
    assert entitlement.channels == ["streams", "system"]


def test_the_same_credential_goes_on() -> None:
    """One with other rights and another expiry takes the old one's place."""
    newer = replace(
        principal(), roles=frozenset(), permissions=frozenset({"x"}), expires_at=5.0, key="k", operator=True
    )
    assert entitled(principal()).continues(newer)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(principal(), kind="token"), id="another kind"),
        pytest.param(replace(principal(), id="u-2"), id="another id"),
        pytest.param(principal(OTHER), id="another scope"),
        pytest.param(replace(principal(), scope=(TENANT, "below")), id="a narrower scope"),
    ],
)
def test_another_credential_does_not(other: Principal) -> None:
    """Kind, id and scope must each be the same."""
    assert not entitled(principal()).continues(other)


def test_a_request_becomes_a_channel_and_a_feed() -> None:
    """One's own scope where none is named, and the platform's for those who run it."""
    entitlement = Entitlement(platform_catalog())
    entitlement.give(principal(operator=True))
    streams, system = (entitlement._catalog.channels[name] for name in ("streams", "system"))
    assert entitlement.permitted(asking()) == (streams, MINE)
    assert entitlement.permitted(asking("streams", TENANT)) == (streams, MINE)
    assert entitlement.permitted(asking("system", *PLATFORM)) == (system, Feed("system", PLATFORM))
    assert refusal(entitlement, asking("streams", *PLATFORM)).code == "forbidden"


def test_a_request_is_refused_with_its_reason() -> None:
    """A channel that there is not, a scope that is not reached, a channel that is not granted: each says which, and
    none says more than that.
    """
    entitlement = entitled(api_token("streams:read"))
    unknown = refusal(entitlement, asking("rivers"))
    assert (unknown.code, str(unknown)) == ("unknown_channel", "There is no such channel; there are streams, system.")
    elsewhere = refusal(entitlement, asking("streams", OTHER))
    assert elsewhere.code == "forbidden"
    assert str(elsewhere) == "This credential does not reach that scope (tenant); omit it to get your own."
    closed = refusal(entitlement, asking("system"))
    assert (closed.code, str(closed)) == ("forbidden", "This credential does not grant channel 'system' there.")


def test_expiry_begins_with_its_moment() -> None:
    """A credential is worth nothing from its expiry on; one without an expiry never runs out."""
    entitlement = entitled(principal(expires_at=EXPIRES))
    assert entitlement.expires_at == EXPIRES
    assert [entitlement.has_expired(now) for now in (EXPIRES - 1, EXPIRES, EXPIRES + 1)] == [False, True, True]
    forever = entitled(principal())
    assert (forever.has_expired(1e12), forever.due(1e12, 60.0)) == (False, None)


def test_expiry_is_said_once_ahead() -> None:
    """From so many seconds before it on, and again only for another expiry."""
    entitlement = entitled(principal(expires_at=EXPIRES))
    asked = [entitlement.due(now, 60.0) for now in (EXPIRES - 61, EXPIRES - 60, EXPIRES - 59, EXPIRES)]
    assert asked == [None, EXPIRES, None, None]
    entitlement.give(principal(expires_at=EXPIRES + 100))
    assert [entitlement.due(now, 60.0) for now in (EXPIRES, EXPIRES + 40)] == [None, EXPIRES + 100]
    entitlement.give(principal())
    assert entitlement.due(EXPIRES + 100, 60.0) is None
