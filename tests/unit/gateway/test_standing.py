"""Looking again at those who are connected: whom, when, how often, and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalman.errors import BackendUnavailable
from signalman.gateway import standing
from signalman.gateway.standing import RETRY, Standing
from signalman.metrics import Metrics
from signalman.notice import EVERYBODY, Notice, concerning, notice
from signalman.principal import Principal
from tests.access import OpenAccess, open_access
from tests.servers import wait_for_async
from tests.unit.gateway.make import OTHER, TENANT, api_token, principal
from tests.unit.gateway.world import Clock

USER, TOKEN, TENANTS = notice("user", "u-1"), notice("token", "t-1"), notice("scope", TENANT)


class Member:
    """A connection that remembers what became of it."""

    def __init__(self) -> None:
        self.judged_as: list[tuple[Principal | None, float]] = []

    def judged(self, principal: Principal | None, since: float) -> None:
        """Remember."""
        self.judged_as.append((principal, since))


class Gated(OpenAccess):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__(open_access().authenticate)
        self.gate = asyncio.Event()
        self.under_way = self.most_under_way = 0

    async def recheck(self, principals: Collection[Principal]) -> Mapping[Principal, Principal | None]:
        """As things stood when it was asked."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self.asked.append(frozenset(principals))
            answer = {principal: self.verdicts.get(principal, principal) for principal in principals}
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.away:
            raise BackendUnavailable("postgres", "away")
        return answer


class World:
    """Standing, its time, and who answers."""

    def __init__(self, access: OpenAccess | None = None) -> None:
        self.access = access or open_access()
        self.clock = Clock()
        self.metrics = Metrics()
        self.standing = Standing(self.access, self.metrics, every=30.0, clock=self.clock, sleep=self.clock.sleep)

    def enter(self, who: Principal, heard: int | None = 0) -> Member:
        """Somebody connects."""
        member = Member()
        self.standing.enter(member, who, heard)
        return member

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at people until the block ends."""
        task = asyncio.create_task(self.standing.run())
        await settled()
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def pass_seconds(self, seconds: int) -> None:
        """Let time pass, step by step."""
        for _ in range(seconds):
            self.clock.move(1.0)
            await settled()

    def count(self, metric: str, **labels: str) -> float:
        """A counter's value."""
        return self.metrics.registry.get_sample_value(f"signalman_{metric}_total", labels) or 0.0


async def settled() -> None:
    """Let everything that can go on do so. Nothing here waits for anything but time and gates."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_notice_has_those_whom_it_concerns_looked_at() -> None:
    """At once, those and nobody else, each principal once however many connections it has; all of these are told."""
    world = World()
    one, two, other = world.enter(api_token("a")), world.enter(api_token("a")), world.enter(principal(OTHER))
    async with world.running():
        world.access.verdicts[api_token("a")] = None
        world.standing.notice(TOKEN, "relay")
        await settled()
    assert world.access.asked == [frozenset({api_token("a")})]
    assert (one.judged_as, two.judged_as, other.judged_as) == ([(None, 1000.0)], [(None, 1000.0)], [])
    assert (world.count("rechecks", outcome="ended"), world.count("notices", source="relay")) == (2, 1)


async def test_who_stands_as_before_hears_nothing() -> None:
    """A notice decides nothing."""
    world = World()
    member = world.enter(principal())
    async with world.running():
        world.standing.notice(USER, "directory")
        await settled()
    assert (member.judged_as, world.count("rechecks", outcome="same")) == ([], 1)


async def test_who_has_changed_is_that_from_then_on() -> None:
    """The next look is at what he has become, and notices find him as that."""
    world, became = World(), replace(principal(), roles=frozenset({"viewer"}))
    member = world.enter(principal())
    async with world.running():
        world.access.verdicts[principal()] = became
        world.standing.notice(USER, "relay")
        await settled()
        world.standing.notice(TENANTS, "relay")
        await settled()
    assert member.judged_as == [(became, 1000.0)]
    assert world.access.asked == [frozenset({principal()}), frozenset({became})]
    assert world.count("rechecks", outcome="changed") == 1


async def test_who_has_ended_is_never_asked_for_again() -> None:
    """Nor is he told twice."""
    world = World()
    member = world.enter(principal())
    async with world.running():
        world.access.verdicts[principal()] = None
        world.standing.notice(USER, "relay")
        world.standing.notice(TENANTS, "relay")
        await settled()
        world.standing.notice(EVERYBODY, "relay")
        await world.pass_seconds(60)
    assert (len(member.judged_as), len(world.access.asked)) == (1, 1)


async def test_a_notice_during_a_look_causes_another_one() -> None:
    """What was answered may be older than the notice; but nobody is being looked at twice at one time."""
    access = Gated()
    world = World(access)
    member = world.enter(principal())
    async with world.running():
        world.standing.notice(USER, "relay")
        await settled()
        access.verdicts[principal()] = None  # after the question was put
        world.standing.notice(USER, "relay")
        world.standing.notice(TENANTS, "relay")
        await settled()
        assert len(access.asked) == 1
        access.gate.set()
        await settled()
    assert (len(access.asked), access.most_under_way) == (2, 1)
    assert [found for found, _ in member.judged_as] == [None]


async def test_a_notice_on_the_way_in_is_not_lost() -> None:
    """A credential is checked, revoked, the notice comes, and only then the connection is there: it is looked at."""
    world = World()
    async with world.running():
        heard = world.standing.heard
        world.access.verdicts[principal()] = None
        world.standing.notice(USER, "relay")
        await settled()
        assert world.access.asked == []
        member = world.enter(principal(), heard)
        await settled()
    assert [found for found, _ in member.judged_as] == [None]


@pytest.mark.parametrize(
    ("told", "looks"),
    [([], 0), ([notice("user", "u-2")], 0), ([TENANTS], 1), ([EVERYBODY], 1), ([notice("user", "u-2")] * 1001, 1)],
    ids=["nothing", "about others", "about him", "about everybody", "more than is remembered"],
)
async def test_on_the_way_in_only_what_may_concern_him_counts(told: list[Notice], looks: int) -> None:
    """Else each notice about anybody would cost a question for everybody who comes."""
    world = World()
    world.standing.notice(USER, "relay")  # long ago
    heard = world.standing.heard
    for each in told:
        world.standing.notice(each, "relay")
    async with world.running():
        world.enter(principal(), heard)
        await settled()
    assert len(world.access.asked) == looks


async def test_where_it_is_not_known_what_was_heard_he_is_looked_at() -> None:
    """Better asked in vain."""
    world = World()
    async with world.running():
        world.enter(principal(), None)
        await settled()
    assert len(world.access.asked) == 1


async def test_everybody_is_looked_at_within_the_time_and_not_at_once() -> None:
    """Without any notice, each of 90 who came together within 30 seconds, a few each second."""
    world = World()
    people = {replace(principal(), id=f"u-{number}") for number in range(90)}
    for each in people:
        world.enter(each)
    async with world.running():
        await world.pass_seconds(31)
    assert frozenset().union(*world.access.asked) == people
    assert max(len(asked) for asked in world.access.asked) <= 4
    assert world.count("notices", source="poll") >= 90


async def test_a_revocation_that_nobody_tells_of_is_found() -> None:
    """The round is the floor under all notices."""
    world = World()
    member = world.enter(principal())
    async with world.running():
        await world.pass_seconds(10)
        world.access.verdicts[principal()] = None
        await world.pass_seconds(30)
    assert [found for found, _ in member.judged_as] == [None]


async def test_questions_are_bounded_and_notices_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are concerned, so many are asked for at once; whoever has a notice before those whose turn it is."""
    monkeypatch.setattr(standing, "BATCH", 10)
    access = Gated()
    world = World(access)
    for number in range(25):
        world.enter(replace(principal(OTHER), id=f"u-{number}", user_id=f"u-{number}"))
    async with world.running():
        world.standing.notice(EVERYBODY, "directory")
        await settled()
        world.enter(api_token("a"))
        await world.pass_seconds(40)  # everybody has his turn
        world.standing.notice(TOKEN, "relay")
        access.gate.set()
        await settled()
    assert [len(asked) for asked in access.asked[:3]] == [10, 10, 10]
    assert api_token("a") in access.asked[2]
    assert all(len(asked) <= 10 for asked in access.asked)


async def test_while_nobody_answers_nothing_is_known() -> None:
    """Nobody is told anything; the same are asked for every two seconds; and as soon as somebody answers, everybody is
    looked at, since anything may have happened.
    """
    world = World()
    revoked, bystander = world.enter(api_token("a")), world.enter(principal(OTHER))
    world.access.away = True
    world.access.verdicts[api_token("a")] = world.access.verdicts[principal(OTHER)] = None
    async with world.running():
        world.standing.notice(TOKEN, "relay")
        await settled()
        await world.pass_seconds(6)
        assert (revoked.judged_as, bystander.judged_as) == ([], [])
        assert world.access.asked[0] == frozenset({api_token("a")})
        assert len(world.access.asked) == 4
        assert world.count("rechecks", outcome="unknown") >= 4
        world.access.away = False
        await world.pass_seconds(round(RETRY))
    assert [found for found, _ in revoked.judged_as] == [None]
    assert [found for found, _ in bystander.judged_as] == [None]


async def test_the_time_of_a_notice_survives_an_absence() -> None:
    """How long an end of access took is counted from the first notice, not from a later one or from an answer."""
    access = Gated()
    world = World(access)
    member = world.enter(api_token("a"))
    access.away = True
    access.verdicts[api_token("a")] = None
    async with world.running():
        world.standing.notice(TOKEN, "relay")
        await world.pass_seconds(5)
        world.standing.notice(TOKEN, "relay")
        access.gate.set()  # nobody answers the first question
        await settled()
        access.away = False
        await world.pass_seconds(2)
    assert member.judged_as == [(None, 1000.0)]


async def test_who_left_meanwhile_is_not_told() -> None:
    """An answer about a principal says nothing of a connection that is gone, or is somebody else by now."""
    access = Gated()
    world = World(access)
    gone, renewed, still = world.enter(principal()), world.enter(principal()), world.enter(principal())
    async with world.running():
        access.verdicts[principal()] = None
        world.standing.notice(USER, "relay")
        await settled()
        world.standing.leave(gone)
        world.standing.enter(renewed, replace(principal(), expires_at=9_000.0), world.standing.heard)
        access.gate.set()
        await settled()
    assert (gone.judged_as, renewed.judged_as) == ([], [])
    assert [found for found, _ in still.judged_as] == [None]


async def test_who_goes_while_others_are_told_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telling many takes a while, and what was true when it began may not be when it is somebody's turn."""
    world = World()
    first, second = world.enter(principal()), world.enter(principal())
    tell = first.judged

    def leave(found: Principal | None, since: float) -> None:
        tell(found, since)
        world.standing.leave(second)

    monkeypatch.setattr(first, "judged", leave)
    world.access.verdicts[principal()] = None
    async with world.running():
        world.standing.notice(USER, "relay")
        await settled()
    assert (len(first.judged_as), second.judged_as) == (1, [])


async def test_many_who_end_at_once_let_others_have_their_turn() -> None:
    """The event loop is not held up by a tenant with thousands of connections."""
    world = World()
    members = [world.enter(principal()) for _ in range(500)]
    world.access.verdicts[principal()] = None
    async with world.running():
        world.standing.notice(USER, "relay")
        turns = 0
        while not members[-1].judged_as:
            await asyncio.sleep(0)
            turns += 1
    assert turns >= 500 // standing.AT_ONCE
    assert all(len(member.judged_as) == 1 for member in members)


class Accounts(OpenAccess):
    """Answers from what it holds when it is asked, after a while, if at all."""

    def __init__(self) -> None:
        super().__init__(open_access().authenticate)
        self.good: set[str] = set()

    async def recheck(self, principals: Collection[Principal]) -> Mapping[Principal, Principal | None]:
        """Late."""
        found = {each: each if each.id in self.good else None for each in principals}
        for _ in range(3):
            await asyncio.sleep(0)
        if self.away:
            raise BackendUnavailable("postgres", "away")
        return found


happenings = st.lists(
    st.tuples(
        st.sampled_from(["begin", "enter", "leave", "revoke", "away", "back", "wait", "second"]), st.sampled_from("abc")
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(happenings)
def test_no_revocation_is_missed(happenings: list[tuple[str, str]]) -> None:
    """Whatever comes when: once everything has come to rest, nobody is connected whose access had ended, and nobody
    else was sent away. No round is needed for that: notices alone do it.
    """
    asyncio.run(_history(happenings))


async def _history(happenings: list[tuple[str, str]]) -> None:
    access = Accounts()
    access.good.update("abc")
    world = World(access)
    on_the_way: list[tuple[Principal, int]] = []
    there: list[tuple[str, Member]] = []
    async with world.running():
        for what, name in happenings:
            who = replace(principal(), id=name, user_id=name, key=name)
            if what == "begin" and name in access.good:
                on_the_way.append((who, world.standing.heard))
            elif what == "enter" and on_the_way:
                came, heard = on_the_way.pop(0)
                there.append((came.id, world.enter(came, heard)))
            elif what == "leave" and there:
                world.standing.leave(there.pop()[1])
            elif what == "revoke":
                access.good.discard(name)
                world.standing.notice(notice("user", name), "relay")
            elif what in {"away", "back"}:
                access.away = what == "away"
            elif what == "second":
                world.clock.move(1.0)
            else:
                await asyncio.sleep(0)
        access.away = False
        there += [(came.id, world.enter(came, heard)) for came, heard in on_the_way]
        await settled()
        world.clock.move(RETRY)
        await wait_for_async(lambda: access.good >= {name for name, member in there if not member.judged_as})
        for name, member in there:
            assert bool(member.judged_as) is (name not in access.good)


def test_a_notice_is_about_its_principal() -> None:
    """What is registered and what is told are the same words."""
    assert USER in concerning(principal())
