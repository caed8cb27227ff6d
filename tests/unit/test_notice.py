import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.event import PLATFORM
from signalman.notice import EVERYBODY, NOTICES, About, Notice, concerning, decode, notice
from signalman.principal import Principal

IDS = st.text(min_size=1, max_size=40)
PERSON = "5eedface-5e1f-da7a-face-5e1fda7a0001"


@given(st.sampled_from(["token", "user", "scope"]), st.lists(IDS, min_size=1, max_size=3))
def test_travels_as_it_is(about: About, ids: list[str]) -> None:
    """What one process writes the other reads, whatever characters an id has."""
    told = notice(about, *ids)
    assert decode(told.encode()) == told


def test_everybody_travels_too() -> None:
    """The notice to everybody comes out as itself."""
    assert decode(EVERYBODY.encode()) == EVERYBODY


@given(st.binary(max_size=60))
def test_what_cannot_be_read_concerns_everybody(written: bytes) -> None:
    """A notice of another version is never taken for one that concerns nobody."""
    told = decode(written)
    assert told == EVERYBODY or told.encode() == written


@pytest.mark.parametrize("about", ["token", "user", "scope"])
def test_no_id_stands_in_a_notice(about: About) -> None:
    """It travels over the bus, where a person's id does not belong."""
    told = notice(about, PERSON)
    assert PERSON not in told.encode().decode()
    assert PERSON not in repr(told)


@pytest.mark.parametrize(
    ("about", "ids"), [("token", ()), ("user", ("",)), ("scope", ("a", "")), ("everybody", ("a",))]
)
def test_a_notice_about_nobody_is_a_mistake(about: About, ids: tuple[str, ...]) -> None:
    """An empty id would be the same digest for all who lack one."""
    with pytest.raises(ValueError, match="names somebody"):
        notice(about, *ids)


def test_an_id_of_one_kind_is_none_of_another() -> None:
    """A user with the id of a token is somebody else; and so is a scope whose ids run together in the same text."""
    told = {notice("token", "a"), notice("user", "a"), notice("scope", "a"), notice("scope", "a", "b")}
    assert len({each.mark for each in told}) == 4
    assert notice("scope", "ab", "c") != notice("scope", "a", "bc")


def test_the_case_of_an_id_does_not_matter() -> None:
    """One service of a platform writes UUIDs in upper case, another in lower."""
    assert notice("user", PERSON.upper()) == notice("user", PERSON)


def test_a_token_is_concerned_by_itself_its_owner_and_its_scopes() -> None:
    """All that its standing hangs on, and nothing else."""
    told = concerning(Principal("token", "t1", ("org", "work"), user_id="u1"))
    assert told == {
        notice("token", "t1"), notice("user", "u1"), notice("scope", "org"), notice("scope", "org", "work"),
    }  # fmt: skip


def test_a_user_is_not_concerned_by_a_token_of_the_same_id() -> None:
    """Ids of tokens and of users come from different tables."""
    assert notice("token", "u1") not in concerning(Principal("user", "u1", ("org",), user_id="u1"))


def test_an_account_is_concerned_by_its_scope() -> None:
    """It hangs on nothing else."""
    assert concerning(Principal("account", "demo", ("org",))) == {notice("scope", "org")}


def test_notices_have_a_feed_that_no_pack_can_name() -> None:
    """Names of channels begin with a letter, so no event can enter it and no client subscribe to it."""
    assert NOTICES.channel.startswith("@")
    assert NOTICES.scope == PLATFORM


def test_everybody_is_one_value() -> None:
    """However it is made."""
    assert notice("everybody") == EVERYBODY == Notice("everybody")
