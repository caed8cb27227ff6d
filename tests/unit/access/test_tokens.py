"""API tokens that are known by their SHA-256."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.own_tokens import PREFIX, new_token
from signalman.access.tokens import HashedTokens, token_hash
from signalman.access_ports import Holder
from signalman.access_rules import TokenScheme
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from signalman.errors import BackendUnavailable, NotAuthenticated
from signalman.principal import Principal
from tests.unit.access.make import NOW, ONE_LEVEL, OTHER, TENANT, THREE_LEVELS, USER, holder

DEMO = "fw_0000000000000000000000000000000000000000000000000000000000demo01"
SCHEMES = (TokenScheme("hashed", "fw_"), TokenScheme("hashed", "tok-"), TokenScheme("split", "tok-id-"))


class Counting(MemoryDirectory):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.asked: list[list[str]] = []

    async def tokens(self, digests: Collection[str]) -> Mapping[str, Holder]:
        """Note, then look."""
        self.asked.append(sorted(digests))
        return await super().tokens(digests)


@pytest.fixture
def directory() -> Counting:
    """Knows one token of each prefix."""
    directory = Counting()
    directory.put_token(DEMO, MemoryAccount(holder=holder("streams:read", expires_at=NOW + 60)))
    directory.put_token("tok-1", MemoryAccount(holder=holder(id="t-2", scope=(OTHER,))))
    return directory


@pytest.fixture
def tokens(directory: Counting) -> HashedTokens:
    """Over that directory."""
    return HashedTokens(SCHEMES, directory, ONE_LEVEL)


def test_the_hash_is_the_platforms() -> None:
    """SHA-256 of the whole text; the value is the one in the platform's demo data."""
    assert token_hash(DEMO) == "807a534c30fd84d3544bd6ee5f8b1c4426596a9c8c360b92caf7b667c25db8d8"


async def test_a_token_becomes_what_the_directory_says(tokens: HashedTokens, directory: Counting) -> None:
    """Everything about the principal is the directory's, which sees a digest and nothing else; it is no operator."""
    directory.put_token(
        DEMO, MemoryAccount(holder=holder("a:read", roles=frozenset({"platform_operator"}), expires_at=NOW + 60))
    )

    assert await tokens.authenticate(DEMO, NOW) == Principal(
        "token",
        "t-1",
        (TENANT,),
        frozenset({"platform_operator"}),
        permissions=frozenset({"a:read"}),
        expires_at=NOW + 60,
        user_id=USER,
        key=token_hash(DEMO),
        operator=False,
    )
    assert (await tokens.authenticate("tok-1", NOW)).scope == (OTHER,)
    assert directory.asked == [[token_hash(DEMO)], [token_hash("tok-1")]]


@pytest.mark.parametrize(
    ("credential", "taken"),
    [("fw_", True), ("fw_x", True), ("tok-x", True), ("tok-id-x", False), ("FW_x", False), ("x", False), ("", False)],
)
def test_the_prefix_decides(tokens: HashedTokens, credential: str, taken: bool) -> None:  # noqa: FBT001  # a table
    """Of several prefixes the longest, so that a split token is not hashed whole."""
    assert tokens.takes(credential) is taken


@pytest.mark.parametrize(
    "token",
    ["fw_unknown", "fw_\u00e9", "fw_a b", "fw_\ud800", "fw_" + "a" * 200, "tok-id-x", "other", DEMO.upper()],
)
async def test_every_refusal_has_the_same_words(tokens: HashedTokens, token: str) -> None:
    """Malformed or unknown: nobody learns which from the answer, and the token is not in it."""
    with pytest.raises(NotAuthenticated) as refused:
        await tokens.authenticate(token, NOW)

    assert refused.value.code == "token_invalid"
    assert str(refused.value) == "The API token is unknown, revoked or expired, or its owner blocked."


async def test_what_has_no_form_is_not_looked_up(tokens: HashedTokens, directory: Counting) -> None:
    """A directory is asked about nothing that cannot be a token."""
    for token in ("fw_a b", "fw_" + "a" * 198, "other"):
        with pytest.raises(NotAuthenticated):
            await tokens.authenticate(token, NOW)
    assert directory.asked == []
    with pytest.raises(NotAuthenticated):
        await tokens.authenticate("fw_" + "a" * 197, NOW)
    assert len(directory.asked) == 1


async def test_a_mistyped_token_of_our_own_is_not_looked_up() -> None:
    """It carries a checksum: one that was cut or mistyped is refused without asking."""
    directory, token = Counting(), new_token(bytes(32))
    directory.put_token(token, MemoryAccount(holder=holder()))
    tokens = HashedTokens([TokenScheme("hashed", PREFIX)], directory, ONE_LEVEL)

    assert (await tokens.authenticate(token, NOW)).id == "t-1"
    with pytest.raises(NotAuthenticated):
        await tokens.authenticate(token[:-1], NOW)
    assert directory.asked == [[token_hash(token)]]


@pytest.mark.parametrize(
    "changes",
    [{"scope": ()}, {"scope": ("",)}, {"scope": ("no uuid",)}, {"scope": (TENANT, TENANT)}, {"expires_at": NOW}],
    ids=str,
)
async def test_what_a_directory_should_not_have_said(directory: Counting, changes: dict[str, object]) -> None:
    """A statement of a pack that returns a scope that is none, or forgets the expiry, opens nothing."""
    slow = MemoryDirectory(clock=lambda: NOW - 3600)
    slow.put_token(DEMO, MemoryAccount(holder=holder("streams:read", **changes)))

    with pytest.raises(NotAuthenticated):
        await HashedTokens(SCHEMES, slow, ONE_LEVEL).authenticate(DEMO, NOW)


async def test_the_scope_is_brought_into_its_one_form(directory: Counting) -> None:
    """By which feeds are named; and of a pack with lower levels a token needs those that are not optional."""
    directory.put_token("fw_upper", MemoryAccount(holder=holder(scope=(TENANT.upper(),))))

    assert (await HashedTokens(SCHEMES, directory, ONE_LEVEL).authenticate("fw_upper", NOW)).scope == (TENANT,)
    with pytest.raises(NotAuthenticated):
        await HashedTokens(SCHEMES, directory, THREE_LEVELS).authenticate("fw_upper", NOW)


async def test_all_are_looked_at_again_with_one_question(tokens: HashedTokens, directory: Counting) -> None:
    """Who is as before, who has changed, and who is gone; each key is asked for once."""
    first, second = await tokens.authenticate(DEMO, NOW), await tokens.authenticate("tok-1", NOW)
    directory.put_token(DEMO, MemoryAccount(holder=holder("streams:read", expires_at=NOW + 5)))
    directory.put_token("tok-1", MemoryAccount(holder=holder(id="t-2", scope=(OTHER,)), active=False))
    directory.asked.clear()

    found = await tokens.recheck([first, second, first], NOW)

    assert found == {first: replace(first, expires_at=NOW + 5), second: None}
    assert directory.asked == [sorted([token_hash(DEMO), token_hash("tok-1")])]


@pytest.mark.parametrize("changes", [{"scope": (OTHER,)}, {"id": "t-9"}], ids=str)
async def test_a_token_of_another_scope_is_another_token(
    tokens: HashedTokens, directory: Counting, changes: dict[str, object]
) -> None:
    """Who is connected does not go on elsewhere: his subscriptions were made in the scope that he came with."""
    principal = await tokens.authenticate(DEMO, NOW)
    directory.put_token(DEMO, MemoryAccount(holder=holder("streams:read", **changes)))

    assert await tokens.recheck([principal], NOW) == {principal: None}


async def test_a_directory_that_is_away_refuses_nobody(tokens: HashedTokens, directory: Counting) -> None:
    """That is said as what it is, in both questions."""
    principal = await tokens.authenticate(DEMO, NOW)
    directory.available = False

    with pytest.raises(BackendUnavailable):
        await tokens.authenticate(DEMO, NOW)
    with pytest.raises(BackendUnavailable):
        await tokens.recheck([principal], NOW)


def test_only_who_came_so_is_its_own(tokens: HashedTokens) -> None:
    """A principal is known again by kind and key, here and at the gateway where its ticket is redeemed."""
    assert tokens.made(Principal("token", "t", (TENANT,), key=token_hash(DEMO)))
    assert not tokens.made(Principal("token", "t", (TENANT,), key=f"tfk-1:{'0' * 32}"))
    assert not tokens.made(Principal("token", "t", (TENANT,)))
    assert not any(tokens.made(Principal("token", "t", (TENANT,), key=token_hash(DEMO)[1:] + end)) for end in "gA!\n")
    assert not tokens.made(Principal("user", "t", (TENANT,), key=token_hash(DEMO)))


@given(st.text(max_size=300) | st.text(max_size=300).map("fw_{}".format))
async def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    """No credential makes the door break."""
    with pytest.raises(NotAuthenticated):
        await HashedTokens(SCHEMES, MemoryDirectory(), ONE_LEVEL).authenticate(text, NOW)
