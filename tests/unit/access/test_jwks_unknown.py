"""Published keys: what an id that is none of theirs has done, and what not."""

import pytest

from signalman.access.jwks import LONGEST_KID, MOST_MISSING
from signalman.errors import BackendUnavailable
from tests.unit.access.key_sets import KEEP, PAUSE, Published, jwk, jwks, key_set
from tests.unit.access.make import NOW


async def test_an_unknown_id_has_them_fetched_after_a_pause() -> None:
    """Right after a fetch another would bring nothing, and may be what an attacker wants."""
    published = Published(key_set(jwk()))
    keys = jwks(published)
    for at in range(50):
        assert await keys.find("RS256", f"unknown-{at}", NOW + at * 0.1) == []
    assert published.fetched == 1
    for at in range(50):
        assert await keys.find("RS256", f"unknown-{at}", NOW + PAUSE + at * 0.1) == []
    assert published.fetched == 2


async def test_an_id_that_is_known_to_be_unknown_is_not_asked_for() -> None:
    """Until the keys are old: who sends the same bad token again and again has them fetched once."""
    published = Published(key_set(jwk()))
    keys = jwks(published)
    await keys.find("RS256", "k1", NOW)
    for now in (NOW + PAUSE, NOW + 3 * PAUSE, NOW + 5 * PAUSE):
        assert await keys.find("RS256", "bad", now) == []
    assert published.fetched == 2
    published.document = key_set(jwk(), jwk(kid="bad"))
    await keys.find("RS256", "worse", NOW + 6 * PAUSE)
    assert len(await keys.find("RS256", "bad", NOW + 6 * PAUSE)) == 1


async def test_who_is_known_is_not_looked_for() -> None:
    """A key that is among several is there, however long ago the last fetch."""
    published = Published(key_set(jwk(kid="a"), jwk(kid="b")))
    keys = jwks(published)
    for kid in ("a", "b"):
        assert len(await keys.find("RS256", kid, NOW + PAUSE)) == 1
        assert len(await keys.find("RS256", kid, NOW + 3 * PAUSE)) == 1
    assert published.fetched == 1


async def test_a_key_that_was_found_late_is_not_taken_for_unknown() -> None:
    """It came with the document that was fetched for it; when it has gone and come back, it is found again."""
    published = Published(key_set(jwk(kid="a")))
    keys = jwks(published)
    await keys.find("RS256", "a", NOW)
    published.document = key_set(jwk(kid="a"), jwk(kid="b"))
    assert len(await keys.find("RS256", "b", NOW + PAUSE)) == 1
    published.document = key_set(jwk(kid="a"))
    assert await keys.find("RS256", "c", NOW + 2 * PAUSE) == []
    published.document = key_set(jwk(kid="a"), jwk(kid="b"))
    assert len(await keys.find("RS256", "b", NOW + 3 * PAUSE)) == 1


async def test_the_longest_id_is_looked_for() -> None:
    """And one that is longer is not."""
    published = Published(key_set(jwk(kid="a")))
    keys = jwks(published)
    await keys.find("RS256", "a", NOW)
    published.document = key_set(jwk(kid="x" * LONGEST_KID), jwk(kid="y" * (LONGEST_KID + 1)))
    assert await keys.find("RS256", "y" * (LONGEST_KID + 1), NOW + PAUSE) == []
    assert published.fetched == 1
    assert len(await keys.find("RS256", "x" * LONGEST_KID, NOW + PAUSE)) == 1


async def test_an_unknown_id_is_forgotten_with_the_keys() -> None:
    """While they are kept it is known to be bad; from then on, where they cannot be fetched, nobody knows."""
    published = Published(key_set(jwk()))
    keys = jwks(published)
    assert await keys.find("RS256", "bad", NOW) == []
    await keys.find("RS256", "bad", NOW + PAUSE)
    published.away = True
    assert await keys.find("RS256", "bad", NOW + PAUSE + KEEP - 1) == []
    with pytest.raises(BackendUnavailable):
        await keys.find("RS256", "bad", NOW + PAUSE + KEEP)


async def test_the_oldest_unknown_id_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """By when it was last looked for in vain."""
    monkeypatch.setattr("signalman.access.jwks.MOST_MISSING", 2)
    keys = jwks(Published(key_set(jwk())))
    await keys.find("RS256", "k1", NOW)
    for after, kid in ((PAUSE, "a"), (KEEP - PAUSE, "b"), (PAUSE + KEEP, "a"), (2 * PAUSE + KEEP, "c")):
        await keys.find("RS256", kid, NOW + after)
    assert list(keys._missing) == ["a", "c"]


async def test_unknown_ids_are_remembered_within_bounds() -> None:
    """In number and length: what a stranger sends does not fill the memory."""
    published = Published(key_set(jwk()))
    keys = jwks(published)
    for at in range(MOST_MISSING + 10):
        await keys.find("RS256", f"unknown-{at}", NOW + at * PAUSE)
    assert len(keys._missing) == MOST_MISSING
    fetched = published.fetched
    assert await keys.find("RS256", "x" * (LONGEST_KID + 1), NOW + (MOST_MISSING + 11) * PAUSE) == []
    assert published.fetched - fetched <= 1
    assert "x" * (LONGEST_KID + 1) not in keys._missing
