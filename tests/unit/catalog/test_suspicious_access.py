"""What ``signalman check`` warns of in the rules who may read."""

from pathlib import Path

import pytest

from signalman.catalog import load, warnings
from tests.unit.catalog.sample import MINIMAL, PACK, faults, replaced, write
from tests.unit.catalog.test_access import DEEPER, SQL, write_sql

SEEN = '[events.seen]\nkeep = ["a"]\n'
PLATFORM = SEEN + "platform = true\n"
SEGMENTS = '[access]\nmatch = "segments"\n'
OPERATOR = '[access]\noperator_role = "root"\n'
TOKEN = '[[access.tokens]]\nscheme = "hashed"\nprefix = "{}"\n'
NO_PATTERN = '"other:*" is no pattern here: somebody must hold exactly this permission'
USERS = "-- name: users\nSELECT 1 WHERE 'a' = ANY($1::text[])\n"


def warned(folder: Path, *, access: str = "", other: str = MINIMAL + SEEN, sql: str = "") -> list[str]:
    """The warnings of a pack with one channel, a line each."""
    write(folder, PACK + access, other=other)
    if sql:
        write_sql(folder, sql)
    assert faults(folder) == []
    return [str(each) for each in warnings(load(folder))]


def test_nothing_to_say(tmp_path: Path) -> None:
    """A pack that says who reads it, and no more."""
    assert warned(tmp_path) == []
    assert warned(tmp_path, access=OPERATOR, other=MINIMAL + PLATFORM) == []


def test_a_channel_without_roles(tmp_path: Path) -> None:
    """Left out by mistake, or for programs on purpose."""
    line = "other.toml: roles: is not there or empty: no person reads this channel, only programs with API tokens"
    assert warned(tmp_path, other=replaced(MINIMAL, 'roles = ["member"]\n', "") + SEEN) == [line]
    assert warned(tmp_path, other=replaced(MINIMAL, '["member"]', "[]") + SEEN) == [line]


@pytest.mark.parametrize(
    ("access", "permission", "reason"),
    [
        ("", "other:*", NO_PATTERN),
        (SEGMENTS, "other:*", NO_PATTERN),
        (SEGMENTS, "other:", '"other:" has an empty segment, so that no permission opens it'),
        ("", "other:", None),
        (SEGMENTS, "other:read:all", None),
    ],
)
def test_permissions_that_nobody_holds(tmp_path: Path, access: str, permission: str, reason: str | None) -> None:
    """A channel asks for names: a star in it stands for itself, and an empty segment for nothing."""
    found = warned(tmp_path, access=access, other=replaced(MINIMAL, "other:read", permission) + SEEN)
    assert found == ([f"other.toml: permissions: {reason}"] if reason else [])


def test_an_optional_level(tmp_path: Path) -> None:
    """A credential without it reaches more: a sentence in `why` is an answer."""
    assert warned(tmp_path) == []
    write(tmp_path, replaced(DEEPER, 'why = "keys of a whole tenant"\n', ""), other=MINIMAL + SEEN)
    (line,) = map(str, warnings(load(tmp_path)))
    assert line == (
        "pack.toml: scope[1].optional: who comes without a workspace reaches every workspace of his tenant: say in "
        "`why` that this is meant"
    )
    write(tmp_path, DEEPER, other=MINIMAL + SEEN)
    assert warnings(load(tmp_path)) == []


def test_prefixes_that_begin_alike(tmp_path: Path) -> None:
    """Which scheme such a token has cannot be told."""
    access = "[access]\n" + TOKEN.format("ab_") + TOKEN.format("ab_c")
    assert warned(tmp_path, access=access) == [
        'pack.toml: access.tokens[0].prefix: "ab_" is how "ab_c" begins: one may be taken for the other'
    ]


def test_statements_that_nobody_asks(tmp_path: Path) -> None:
    """Tokens are looked up by scheme: without one the statement is dead."""
    access = "[access]\n" + TOKEN.format("ab_")
    assert warned(tmp_path, access=access, sql=SQL) == [
        'directory.sql: keys: is never asked: no [[access.tokens]] has scheme = "split"'
    ]


def test_operators_with_nothing_to_see(tmp_path: Path) -> None:
    """And what only operators see, where nobody is one."""
    assert warned(tmp_path, access=OPERATOR) == [
        'pack.toml: access.operator_role: "root" opens nothing: no event type says platform = true'
    ]
    (line,) = warned(tmp_path, other=MINIMAL + PLATFORM)
    assert line == (
        "pack.toml: access.operator_role: is not there: nobody but accounts sees what belongs to no tenant, such as "
        'event type "seen"'
    )


def test_people_without_roles(tmp_path: Path) -> None:
    """No claim names one, and no statement does."""
    access = "[access]\nclaims = { roles = [] }\n"
    line = "pack.toml: access.claims.roles: names no claim, and channels ask for roles: nobody has one"
    assert warned(tmp_path, access=access) == [line]
    assert warned(tmp_path, access=access, sql=USERS) == []


def test_permissions_without_anybody(tmp_path: Path) -> None:
    """Neither programs nor people can hold one."""
    (line,) = warned(tmp_path, access="[access]\ntokens = []\n")
    assert line.endswith(
        "there are no API tokens, and no claim of permissions: those that channels ask for, nobody holds"
    )
    assert warned(tmp_path, access='[access]\ntokens = []\nclaims = { permissions = "can" }\n') == []
