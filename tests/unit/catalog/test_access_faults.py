"""Each kind of fault in what a pack says about access, by the exact line that a person reads."""

from pathlib import Path

import pytest

from tests.unit.catalog.sample import PACK, STREAMS, faults, replaced, write
from tests.unit.catalog.test_access import ACCESS, SIGNALS, write_sql

PREFIX = "must be two or more letters, digits, _ and -, beginning with a letter"

CASES = [
    ("match =", "mach =", 'access.mach: unknown key, did you mean "match"?'),
    ('"segments"', '"regex"', 'access.match: must be one of "exact" or "segments"'),
    ('"root"', '""', "access.operator_role: must not be empty"),
    ('user = "user_id", ', 'usr = "user_id", ', 'access.claims.usr: unknown key, did you mean "user"?'),
    ('["role", "roles"]', '"role"', "access.claims.roles: must be a list"),
    ('["role", "roles"]', '["role", ""]', "access.claims.roles[1]: must not be empty"),
    ('"can"', "5", "access.claims.permissions: must be text"),
    ('"hashed"', '"plain"', 'access.tokens[0].scheme: must be one of "hashed" or "split"'),
    ('scheme = "hashed"\n', "", "access.tokens[0].scheme: is required"),
    ('prefix = "ab_"', 'prefix = "a"', f"access.tokens[0].prefix: {PREFIX}"),
    ('prefix = "ab_"', 'prefix = "ab."', f"access.tokens[0].prefix: {PREFIX}"),
    ('prefix = "ab_"', 'prefix = ""', f"access.tokens[0].prefix: {PREFIX}"),
    ('prefix = "ab_"\n', "", "access.tokens[0].prefix: is required"),
    ('prefix = "ab_"', 'prefix = "key-"', 'access.tokens[1].prefix: "key-" is the prefix of other tokens already'),
    ('prefix = "ab_"', 'prefix = "ey"', 'access.tokens[0].prefix: "ey" is how JSON Web Tokens begin'),
    ('prefix = "ab_"', 'prefix = "sgt_x"', 'access.tokens[0].prefix: "sgt_x" is how Signalman\'s own tickets begin'),
    (
        'prefix = "ab_"',
        'prefix = "ab_"\nseparator = "."',
        'access.tokens[0].separator: has a meaning only with scheme = "split"',
    ),
    (
        'prefix = "ab_"',
        'prefix = "ab_"\nsecret_prefix = "s-"',
        'access.tokens[0].secret_prefix: has a meaning only with scheme = "split"',
    ),
    ('separator = "~"', 'separator = "-"', "access.tokens[1].separator: must be one of . ~ + /, which stand in no id"),
    ('separator = "~"', 'seperator = "~"', 'access.tokens[1].seperator: unknown key, did you mean "separator"?'),
]


@pytest.mark.parametrize(("old", "new", "line"), CASES, ids=[case[2] for case in CASES])
def test_access(tmp_path: Path, old: str, new: str, line: str) -> None:
    """One change, one fault, with its place: nothing else is said to be wrong because of it."""
    assert faults(write_sql(write(tmp_path, PACK + replaced(ACCESS, old, new)))) == [f"pack.toml: {line}"]


def test_tokens_need_somebody_who_knows_them(tmp_path: Path) -> None:
    """Each scheme its statement; Signalman's own schema, where there is no file, knows whole tokens only."""
    needs = "needs statement"
    file = "in directory.sql, which looks such tokens up"
    assert faults(write(tmp_path, PACK + ACCESS)) == [f'pack.toml: access.tokens[1].scheme: {needs} "keys" {file}']
    users = "-- name: users\nSELECT 1 WHERE 'a' = ANY($1::text[])\n"
    assert faults(write_sql(write(tmp_path, PACK + ACCESS), users)) == [
        f'pack.toml: access.tokens[0].scheme: {needs} "tokens" {file}',
        f'pack.toml: access.tokens[1].scheme: {needs} "keys" {file}',
    ]


def test_faults_of_statements_with_their_lines(tmp_path: Path) -> None:
    """All of them at once, beside those of the other files."""
    sql = "-- name: tokens\nSELECT 1\n-- name: token\nSELECT 2 WHERE 'a' = ANY($1::text[])\n"
    found = faults(write_sql(write(tmp_path, replaced(PACK, "format = 1", "format = 2")), sql))
    assert [line.partition(": ")[0] for line in found] == ["directory.sql", "directory.sql", "pack.toml"]
    assert [line.split(": ")[1] for line in found] == ["line 1", "line 3", "pack.format"]


def test_statements_that_are_no_text(tmp_path: Path) -> None:
    """A file that cannot be read is told of like any other."""
    (write(tmp_path) / "directory.sql").write_bytes(b"\xff\xfe")
    assert faults(tmp_path) == ["directory.sql: is not UTF-8 text"]


SIGNAL_CASES = [
    ('topic = "plain"', 'topic = "plane"', 'signals.revoked.topic: unknown topic "plane", did you mean "plain"?'),
    ('topic = "plain"\n', "", "signals.revoked.topic: is required"),
    ("token = ", "tokn = ", 'signals.revoked.tokn: unknown key, did you mean "token"?'),
    (
        '"data.token_id"',
        '"data.{payload}"',
        'signals.revoked.token: must be dotted paths of field names, separated by |, such as "a.b|c"',
    ),
    (
        'scope = { tenant = "tenant_id" }',
        "",
        'signals."tenant.changed": concerns nobody: `token`, `user` or `scope` must say whose access it is about',
    ),
    (
        "{ tenant = ",
        "{ tennant = ",
        'signals."tenant.changed".scope.tennant: unknown scope level, did you mean "tenant"?',
    ),
    (
        "[signals.revoked]",
        "[signals.update]",
        None,
    ),
    (
        'signals."tenant.changed"',
        "signals.update",
        'signals.update: is an event type of channel "streams": what tells of access is shown to nobody',
    ),
    (
        'signals."tenant.changed"',
        "signals.renewal",
        'signals.renewal: is an event type of channel "streams": what tells of access is shown to nobody',
    ),
    ("signals.revoked", "signals.noise", "signals.noise: is ignored as well: take it out of `pack.ignore`"),
    ("signals.revoked", 'signals."a b"', 'signals."a b": an event type is letters, digits and any of _ . : / -'),
]


@pytest.mark.parametrize(("old", "new", "line"), SIGNAL_CASES, ids=[str(case[2]) for case in SIGNAL_CASES])
def test_signals(tmp_path: Path, old: str, new: str, line: str | None) -> None:
    """One change, one fault; the same name on another topic is another event type."""
    streams = replaced(STREAMS, "[events.update]\n", '[events.update]\naliases = ["renewal"]\n')
    found = faults(write(tmp_path, PACK + replaced(SIGNALS, old, new), streams=streams))
    assert found == ([] if line is None else [f"pack.toml: {line}"])


def test_a_faulty_signal_does_not_hide_the_others(tmp_path: Path) -> None:
    """Nor what is wrong in other files: everything is told at once."""
    signals = replaced(SIGNALS, '"data.token_id"', "5")
    signals = replaced(signals, '[signals."tenant.changed"]', "[signals.update]") + "[access]\nmatch = 7\n"
    streams = replaced(STREAMS, 'subject = "stream_id"', 'subject = "node"')
    streams = replaced(streams, 'roles = ["member"]', 'roles = ["member", ""]')
    assert faults(write(tmp_path, PACK + signals, streams=streams)) == [
        'pack.toml: access.match: must be one of "exact" or "segments"',
        "pack.toml: signals.revoked.token: must be text",
        'pack.toml: signals.update: is an event type of channel "streams": what tells of access is shown to nobody',
        'streams.toml: events.update.subject: "node" is not kept as a whole; known here: "status", "stream_id"',
        "streams.toml: roles[1]: must not be empty",
    ]


def test_the_widest_level_is_never_optional(tmp_path: Path) -> None:
    """Who had no tenant at all would reach them all."""
    pack = replaced(PACK, 'claim = "tenant_id"', 'claim = "tenant_id"\noptional = true')
    assert faults(write(tmp_path, pack)) == [
        "pack.toml: scope[0].optional: the widest level cannot be: whoever lacks it would reach everything"
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('roles = ["member"]', 'roles = "member"', "roles: must be a list"),
        ('roles = ["member"]', "rolls = []", 'rolls: unknown key, did you mean "roles"?'),
        ("[events.note]\n", '[events.note]\nplatform = "yes"\n', "events.note.platform: must be true or false"),
        (
            "[events.note]\n",
            "[events.note]\nplattform = true\n",
            'events.note.plattform: unknown key, did you mean "platform"?',
        ),
    ],
)
def test_channels(tmp_path: Path, old: str, new: str, line: str) -> None:
    """Roles and what is the platform's are checked like every other key."""
    assert faults(write(tmp_path, streams=replaced(STREAMS, old, new))) == [f"streams.toml: {line}"]
