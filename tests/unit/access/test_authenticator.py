"""Every kind of credential behind one door."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.accounts import Account, Accounts
from signalman.access.argon2_pool import Argon2Pool
from signalman.access.authenticator import Authenticator
from signalman.access.jwt_users import JwtUsers
from signalman.access.split_tokens import SplitTokens
from signalman.access.tickets import TicketOffice
from signalman.access.tokens import HashedTokens
from signalman.access.verdicts import Verdicts
from signalman.access.way import Way
from signalman.access_ports import Holder
from signalman.access_rules import TokenScheme
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from signalman.backends.memory_tickets import MemoryTickets
from signalman.errors import BackendUnavailable, NotAuthenticated
from signalman.metrics import Metrics
from signalman.principal import Principal
from tests.unit.access.make import NOW, ONE_LEVEL, TENANT, USER, holder
from tests.unit.access.tokens import claims, hmac_verifier, sign

SCHEMES = (TokenScheme("hashed", "fw_"), TokenScheme("split", "tfk-"))
API_TOKEN = "fw_0000000000000000000000000000000000000000000000000000000000demo01"
KEY = "tfk-1.secret"
ACCOUNT = Account(name="dev", token="dev.token.1", scope=(TENANT,), role="owner")
JWT = sign(claims())
STORED = PasswordHasher(memory_cost=64, time_cost=1, parallelism=1).hash("secret")
TICKET_SECONDS = 30.0


class World:
    """A door with everything behind it, and a clock that a test sets."""

    def __init__(self, *, ways: Callable[[MemoryDirectory], list[Way]] | None = None) -> None:
        self.now = NOW
        self.directory = MemoryDirectory(clock=lambda: self.now)
        self.directory.put_token(API_TOKEN, MemoryAccount(holder=holder("streams:read", expires_at=NOW + 60)))
        self.directory.put_key(MemoryAccount(holder=holder("logs:read", id="tfk-1", secret_hash=STORED)))
        self.directory.put_user(MemoryAccount(holder=Holder(USER, (TENANT,), frozenset({"viewer"}))))
        self.tickets = MemoryTickets(clock=lambda: self.now)
        self.metrics = Metrics()
        self.door = Authenticator(
            (ways or every_way)(self.directory),
            tickets=TicketOffice(self.tickets, seconds=TICKET_SECONDS),
            metrics=self.metrics,
            clock=lambda: self.now,
        )

    def checked(self, kind: str) -> float:
        """How often a credential of this kind was checked."""
        return self.metrics.registry.get_sample_value("signalman_credential_seconds_count", {"kind": kind}) or 0.0

    async def refusal(self, credential: str) -> NotAuthenticated:
        """How *credential* is refused; the text must not hold it."""
        with pytest.raises(NotAuthenticated) as refused:
            await self.door.authenticate(credential)
        assert len(credential) < 8 or credential not in str(refused.value)
        return refused.value


def every_way(directory: MemoryDirectory) -> list[Way]:
    """All that there are."""
    verdicts = Verdicts(keep_seconds=0.0, clock=lambda: 0.0)
    split = SplitTokens(
        SCHEMES, directory, ONE_LEVEL, pool=Argon2Pool(threads=1, waiting=9), verdicts=verdicts, memory_kib=1024
    )
    return [
        Accounts([ACCOUNT], ONE_LEVEL),
        HashedTokens(SCHEMES, directory, ONE_LEVEL),
        split,
        JwtUsers(hmac_verifier(), directory, ONE_LEVEL),
    ]


CREDENTIALS = {"account": ACCOUNT.token, "hashed": API_TOKEN, "split": KEY, "jwt": JWT}


@pytest.mark.parametrize(("kind", "credential"), CREDENTIALS.items(), ids=CREDENTIALS)
async def test_each_kind_becomes_its_principal(kind: str, credential: str) -> None:
    """Told apart by form, an account even where it looks like a JWT; and noted under its kind."""
    world = World()
    found = await world.door.authenticate(credential)
    expected = {"account": ("account", "dev"), "hashed": ("token", "t-1"), "split": ("token", "tfk-1")}
    assert (found.kind, found.id) == expected.get(kind, ("user", USER))
    assert world.checked(kind) == 1.0


@pytest.mark.parametrize(
    ("credential", "kind"),
    [
        ("fw_a.b.c", "hashed"),
        ("tfk-a.b.c", "split"),
        ("a.b.c", "jwt"),
        ("sgt_unknown", "ticket"),
        (f"sgt_{'A' * 43}", "ticket"),
        ("nothing", "unknown"),
        ("", "unknown"),
        ("a b", "unknown"),
        ("a" * 8193, "unknown"),
        ("\u00e9.b.c", "unknown"),
    ],
)
async def test_the_form_alone_decides_who_is_asked(credential: str, kind: str) -> None:
    """What one kind refuses is not tried as another, and what is too long or not printable reaches none."""
    world = World()
    assert (await world.refusal(credential)).code == "token_invalid"
    assert world.checked(kind) == 1.0


async def test_an_expired_jwt_is_told_so() -> None:
    """A client then knows to fetch a new one."""
    world = World()
    world.now += 3600
    assert (await world.refusal(JWT)).code == "token_expired"


async def test_only_what_needs_the_directory_waits_for_it() -> None:
    """While it is away, that is said, which is not a refusal, and an account gets in."""
    world = World()
    world.directory.available = False
    for credential in (API_TOKEN, KEY, JWT):
        with pytest.raises(BackendUnavailable):
            await world.door.authenticate(credential)
    assert (await world.door.authenticate(ACCOUNT.token)).kind == "account"


@pytest.mark.parametrize("credential", [*CREDENTIALS.values(), "x"])
async def test_what_is_not_offered_takes_nobody(credential: str) -> None:
    """Without any way, every credential is refused."""
    assert (await World(ways=lambda _: []).refusal(credential)).code == "token_invalid"


async def test_everybody_is_looked_at_again_at_once() -> None:
    """Same, changed and ended in one answer; whoever came in a way that is not offered here has no access."""
    world = World()
    account, hashed, split, user = [await world.door.authenticate(each) for each in CREDENTIALS.values()]
    stranger = Principal("token", "t-7", (TENANT,), key=None)
    world.directory.put_user(MemoryAccount(holder=Holder(USER, (TENANT,), frozenset({"admin"}))))
    world.directory.put_key(MemoryAccount(holder=holder(id="tfk-1", secret_hash=STORED), active=False))

    assert await world.door.recheck([account, hashed, split, user, stranger]) == {
        account: account,
        hashed: hashed,
        split: None,
        user: replace(user, roles=frozenset({"admin"})),
        stranger: None,
    }
    assert await world.door.recheck([]) == {}


async def test_of_nobody_is_anything_known_while_the_directory_is_away() -> None:
    """Not even of those whom it has found already: half an answer would look like a whole one."""
    world = World()
    account, hashed = await world.door.authenticate(ACCOUNT.token), await world.door.authenticate(API_TOKEN)
    world.directory.available = False
    with pytest.raises(BackendUnavailable):
        await world.door.recheck([account, hashed])
    assert await world.door.recheck([account]) == {account: account}


@pytest.mark.parametrize("credential", CREDENTIALS.values(), ids=CREDENTIALS)
async def test_a_ticket_is_good_for_its_holder_once(credential: str) -> None:
    """Whoever brings it is who bought it, until the same moment; a second time it is nobody's."""
    world = World()
    principal = await world.door.authenticate(credential)
    ticket, seconds = await world.door.issue_ticket(principal)

    assert seconds == TICKET_SECONDS
    assert await world.door.authenticate(ticket) == principal
    assert world.checked("ticket") == 1.0
    assert (await world.refusal(ticket)).code == "token_invalid"


async def test_a_ticket_brings_what_its_holder_has_now() -> None:
    """Between the two requests something may have been taken away: some of it, or everything."""
    world = World()
    principal = await world.door.authenticate(API_TOKEN)
    first, second = [(await world.door.issue_ticket(principal))[0] for _ in range(2)]

    world.directory.put_token(API_TOKEN, MemoryAccount(holder=holder(expires_at=NOW + 60)))
    assert (await world.door.authenticate(first)).permissions == frozenset()
    world.directory.put_token(API_TOKEN, MemoryAccount(holder=holder(), active=False))
    assert (await world.refusal(second)).code == "token_invalid"


async def test_a_ticket_does_not_outlive_its_holders_credential() -> None:
    """None is given for a credential that has expired, and none taken; nor is one said to be good for longer."""
    world = World()
    principal = await world.door.authenticate(JWT)
    assert principal.expires_at is not None
    world.now = principal.expires_at - 10
    ticket, seconds = await world.door.issue_ticket(principal)
    assert seconds == 10.0

    world.now = principal.expires_at
    assert (await world.refusal(ticket)).code == "token_expired"
    with pytest.raises(NotAuthenticated) as refused:
        await world.door.issue_ticket(principal)
    assert refused.value.code == "token_expired"


async def test_a_ticket_that_comes_too_late_is_good_for_no_time() -> None:
    """The holder's credential runs out while the ticket is being kept: nobody is told of less than no time."""
    world = World()
    principal = await world.door.authenticate(JWT)
    times = iter([NOW, (principal.expires_at or 0.0) + 5])
    world.door._clock = lambda: next(times)
    assert (await world.door.issue_ticket(principal))[1] == 0.0


async def test_a_ticket_of_another_gateways_account_opens_nothing() -> None:
    """What stands only in another process's configuration is not known here."""
    world = World(ways=lambda _: [Accounts([], ONE_LEVEL)])
    ticket, _ = await world.door.issue_ticket(Principal("account", "dev", (TENANT,), frozenset({"owner"})))
    assert (await world.refusal(ticket)).code == "token_invalid"


@given(
    st.text(max_size=300)
    | st.sampled_from(["fw_", "tfk-", "sgt_", "sgn_"]).flatmap(lambda prefix: st.text(max_size=300).map(prefix.__add__))
    | st.lists(st.text(), min_size=3).map(".".join)
)
async def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    """No credential makes the door break."""
    await WORLD.refusal(text)


WORLD = World()
