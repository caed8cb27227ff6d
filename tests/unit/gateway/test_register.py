"""Who is connected as whom, and whom a notice concerns."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from signalman.gateway.register import Register
from signalman.notice import EVERYBODY, Notice, concerning, notice
from signalman.principal import Principal
from tests.unit.gateway.make import OTHER, TENANT, api_token, principal

MINE = [notice("scope", TENANT), notice("user", "u-1")]


def test_a_notice_finds_those_it_concerns() -> None:
    """By user, token and scope; everybody by the one to everybody; nobody by one about somebody else."""
    register = Register[str]()
    register.enter("a", principal())
    register.enter("b", api_token("streams:read"))
    register.enter("c", principal(OTHER))
    assert set(register.concerned(notice("user", "u-1"))) == {principal(), api_token("streams:read"), principal(OTHER)}
    assert register.concerned(notice("token", "t-1")) == (api_token("streams:read"),)
    assert set(register.concerned(notice("scope", TENANT))) == {principal(), api_token("streams:read")}
    assert len(register.concerned(EVERYBODY)) == 3
    assert register.concerned(notice("user", "u-2")) == ()


def test_those_who_are_the_same_are_one() -> None:
    """However many connections somebody has, he is asked for once; and none of them is forgotten."""
    register = Register[str]()
    for member in "abc":
        register.enter(member, principal())
    assert (len(register), register.concerned(MINE[0])) == (1, (principal(),))
    register.leave("b")
    assert register.members(principal()) == ("a", "c")


def test_whoever_is_somebody_else_is_found_as_that_only() -> None:
    """After a new credential the old one's notices are nobody's any more."""
    register = Register[str]()
    register.enter("a", principal())
    later = replace(principal(), expires_at=9.0)
    register.enter("a", later)
    assert list(register) == [later]
    assert register.concerned(MINE[1]) == (later,)
    assert (register.knows("a", later), register.knows("a", principal())) == (True, False)


principals = st.builds(
    Principal,
    kind=st.sampled_from(["user", "token"]),
    id=st.sampled_from(["x", "y"]),
    scope=st.sampled_from([("t",), ("s",), ("t", "w")]),
    user_id=st.sampled_from([None, "u", "v"]),
)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | principals)))
def test_it_is_as_if_everybody_were_asked(happenings: list[tuple[str, Principal | None]]) -> None:
    """Whatever came and went, a notice finds exactly those of whom it is one, and nothing is left of those who went."""
    register, there = Register[str](), dict[str, Principal]()
    for member, who in happenings:
        if who is None:
            there.pop(member, None)
            register.leave(member)
        else:
            there[member] = who
            register.enter(member, who)
    notices: set[Notice] = set().union(*(concerning(each) for each in there.values()))
    for each in notices:
        assert set(register.concerned(each)) == {who for who in there.values() if each in concerning(who)}
    assert set(register) == set(there.values())
    for who in there.values():
        assert set(register.members(who)) == {member for member, each in there.items() if each == who}
    assert set(register._concerned) == notices
