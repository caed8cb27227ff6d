"""Published keys: how long they are kept, and when they are fetched."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from signalman.access.jwks import LONGEST, MOST_TRIED
from signalman.access.jwt import JwtVerifier
from signalman.access.keys import PublicKeys
from signalman.errors import BackendUnavailable, NotAuthenticated
from tests.unit.access.key_sets import KEEP, PAUSE, Published, jwk, jwks, key_set
from tests.unit.access.make import NOW, ONE_LEVEL, USER
from tests.unit.access.tokens import CLAIMS, EC_KEY, RSA_KEY, claims, sign


async def test_keys_are_found_by_id_and_algorithm() -> None:
    """A token that gives an id is checked with that key only; one that gives none, with all of the algorithm."""
    keys = jwks(Published(key_set(jwk(kid="a"), jwk(kid="b"), jwk(kid=None), jwk("ES256", "a"))))
    for algorithm, kid, found in (
        ("RS256", "a", 1),
        ("ES256", "a", 1),
        ("ES256", "b", 0),
        ("RS256", None, 3),
        ("EdDSA", None, 0),
        ("RS256", "c", 0),
        ("HS256", None, 0),
    ):
        assert len(await keys.find(algorithm, kid, NOW)) == found, (algorithm, kid)


async def test_a_token_is_not_tried_with_any_number_of_keys() -> None:
    """Whoever leaves the id out makes no more work than this."""
    keys = jwks(Published(key_set(*(jwk(kid=f"k{at}") for at in range(MOST_TRIED + 1)))))
    assert len(await keys.find("RS256", None, NOW)) == MOST_TRIED


async def test_keys_are_kept_for_a_while() -> None:
    """They are fetched once, and again when they have become old and somebody asks."""
    published = Published(key_set(jwk()))
    keys = jwks(published)
    for now, fetched in ((NOW, 1), (NOW, 1), (NOW + KEEP - 1, 1), (NOW + KEEP, 2), (NOW + 2 * KEEP - 1, 2)):
        assert len(await keys.find("RS256", "k1", now)) == 1
        assert published.fetched == fetched


async def test_a_key_that_has_left_is_gone() -> None:
    """And one that has come is there, as soon as the document is read again."""
    published = Published(key_set(jwk(kid="old"), jwk(kid="both")))
    keys = jwks(published)
    assert len(await keys.find("RS256", "old", NOW)) == 1
    published.document = key_set(jwk(kid="both"), jwk(kid="new"))
    assert len(await keys.find("RS256", "new", NOW + PAUSE)) == 1
    assert await keys.find("RS256", "old", NOW + PAUSE) == []
    published.document = key_set()
    assert await keys.find("RS256", "both", NOW + PAUSE + KEEP) == []


async def test_many_who_ask_at_once_have_them_fetched_once() -> None:
    """And one that gives up waiting takes nothing from the others."""
    published = Published(key_set(jwk()))
    published.free.clear()
    keys = jwks(published)
    asking = [asyncio.create_task(keys.find("RS256", "k1", NOW)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking[0].cancel()
    published.free.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert [len(each) for each in found[1:] if isinstance(each, Sequence)] == [1] * 19
    assert published.fetched == 1


async def test_without_any_keys_nobody_is_told_that_his_token_is_bad() -> None:
    """Nobody knows. It is tried again after a pause, and then it works."""
    published = Published(key_set(jwk()))
    published.away = True
    keys = jwks(published)
    for now in (NOW, NOW + PAUSE - 1):
        for kid in ("k1", None):
            with pytest.raises(BackendUnavailable) as away:
                await keys.find("RS256", kid, now)
            assert away.value.backend == "jwks"
            assert isinstance(away.value.__cause__, BackendUnavailable)
            assert away.value.__cause__.detail == "is away"
    assert published.fetched == 1
    published.away = False
    assert len(await keys.find("RS256", "k1", NOW + PAUSE)) == 1


@pytest.mark.parametrize("document", [b"<html>", b"{}", b""])
async def test_keys_outlive_an_outage_of_a_day_and_no_more(document: bytes) -> None:
    """Whether the server is away or answers with something else; a key that came in the meantime may be good or not."""
    published = Published(key_set(jwk()))
    keys = jwks(published)
    await keys.find("RS256", "k1", NOW)
    published.document = document
    for now in (NOW + KEEP, NOW + 3600, NOW + LONGEST - 1):
        assert len(await keys.find("RS256", "k1", now)) == 1
        assert len(await keys.find("RS256", None, now)) == 1
        with pytest.raises(BackendUnavailable):
            await keys.find("RS256", "new", now)
    for kid in ("k1", "new", None):
        with pytest.raises(BackendUnavailable) as away:
            await keys.find("RS256", kid, NOW + LONGEST)
        assert isinstance(away.value.__cause__, BackendUnavailable)
        assert away.value.__cause__.backend == "jwks"
    published.document = key_set(jwk(kid="new"))
    assert len(await keys.find("RS256", "new", NOW + LONGEST + PAUSE)) == 1
    assert await keys.find("RS256", "k1", NOW + LONGEST + PAUSE) == []


async def test_a_clock_that_is_set_back_stops_nothing() -> None:
    """Keys would otherwise stay for as long as it was set back."""
    published = Published(key_set(jwk()))
    keys = jwks(published)
    await keys.find("RS256", "k1", NOW)
    published.document = key_set(jwk(kid="new"))
    assert len(await keys.find("RS256", "new", NOW - 3600)) == 1


async def test_the_log_tells_when_it_changes() -> None:
    """One line when the keys cannot be had, one when they can again; no key, no id."""
    published = Published(key_set(jwk()))
    published.away = True
    keys = jwks(published)
    with capture_logs() as lines:
        for now in (NOW, NOW + PAUSE, NOW + 2 * PAUSE):
            with pytest.raises(BackendUnavailable):
                await keys.find("RS256", "k1", now)
        published.away = False
        for now in (NOW + 3 * PAUSE, NOW + 3 * PAUSE + KEEP):
            await keys.find("RS256", "k1", now)
    assert lines == [
        {"event": "jwks_unavailable", "log_level": "warning", "reason": "is away"},
        {"event": "jwks_fetched", "log_level": "info", "keys": 1},
    ]


async def test_the_log_tells_how_many_keys_there_are() -> None:
    """When that changes, at first even where there are none, and after a failure; not each time they are fetched."""
    published = Published(key_set())
    keys = jwks(published)
    fetched: list[int] = []
    with capture_logs() as lines:
        for at, document in enumerate((key_set(), key_set(jwk()), key_set(jwk()), b"", key_set(jwk()))):
            published.document = document
            await keys.find("RS256", None, NOW + at * KEEP)
            fetched.append(len([line for line in lines if line["event"] == "jwks_fetched"]))
    assert fetched == [1, 2, 2, 2, 3]
    assert [line["keys"] for line in lines if line["event"] == "jwks_fetched"] == [0, 1, 1]


def verifier(published: Published, *sources: Any) -> JwtVerifier:
    """Takes RS256 and ES256."""
    found = [*sources, jwks(published)]
    return JwtVerifier({"RS256": found, "ES256": found}, ONE_LEVEL, CLAIMS)


async def test_tokens_of_published_keys() -> None:
    """With the id of the key that signed, or without any; not with the id of another."""
    check = verifier(Published(key_set(jwk(kid="rsa"), jwk("ES256", "ec"))))
    for key, algorithm, headers, taken in (
        (RSA_KEY, "RS256", {"kid": "rsa"}, True),
        (EC_KEY, "ES256", {"kid": "ec"}, True),
        (EC_KEY, "ES256", None, True),
        (EC_KEY, "ES256", {"kid": "rsa"}, False),
        (EC_KEY, "ES256", {"kid": ""}, False),
    ):
        token = sign(claims(), key=key, algorithm=algorithm, headers=headers)
        if taken:
            assert (await check.verify(token, NOW)).id == USER
        else:
            with pytest.raises(NotAuthenticated):
                await check.verify(token, NOW)


async def test_keys_at_hand_do_not_need_the_published_ones() -> None:
    """A token of a key in a file is checked while the document cannot be fetched, and without fetching it."""
    published = Published(b"")
    published.away = True
    check = verifier(published, PublicKeys([RSA_KEY.public_key()]))
    token = sign(claims(), key=RSA_KEY, algorithm="RS256", headers={"kid": "x"})
    assert (await check.verify(token, NOW)).id == USER
    assert published.fetched == 0
    with pytest.raises(BackendUnavailable):
        await check.verify(sign(claims(), key=EC_KEY, algorithm="ES256"), NOW)
    with pytest.raises(NotAuthenticated):
        await check.verify(sign(claims(aud="x"), key=RSA_KEY, algorithm="RS256"), NOW)


async def test_an_algorithm_that_is_not_taken_asks_nobody() -> None:
    """A stranger's token with HS256 or none has nothing fetched."""
    published = Published(key_set(jwk()))
    check = verifier(published)
    for token in (sign(claims()), sign(claims(), algorithm="HS384", key="x" * 64), "a.b.c"):
        with pytest.raises(NotAuthenticated):
            await check.verify(token, NOW)
    assert published.fetched == 0
