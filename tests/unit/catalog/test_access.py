"""What a pack says about access, compiled: credentials, people, signals, and who reads a channel."""

from pathlib import Path

from signalman.access_rules import AccessRules, Claims, SignalRule, Statement, TokenScheme
from signalman.catalog import load
from tests.unit.catalog.sample import PACK, STREAMS, faults, replaced, write

ACCESS = """
[access]
claims = { user = "user_id", roles = ["role", "roles"], permissions = "can" }
operator_role = "root"
match = "segments"

[[access.tokens]]
scheme = "hashed"
prefix = "ab_"

[[access.tokens]]
scheme = "split"
prefix = "key-"
secret_prefix = "secret-"
separator = "~"
"""

SQL = """
-- name: tokens
SELECT 1 WHERE 'a' = ANY($1::text[])
-- name: keys
-- database: keyring
SELECT 2 WHERE 'a' = ANY($1::text[])
"""

SIGNALS = """
[signals.revoked]
topic = "plain"
token = "data.token_id"
user = "data.user_id | user_id"

[signals."tenant.changed"]
topic = "media"
scope = { tenant = "tenant_id" }
"""


def write_sql(folder: Path, text: str = SQL) -> Path:
    """``directory.sql`` in *folder*."""
    (folder / "directory.sql").write_text(text, encoding="utf-8")
    return folder


def test_everything_is_read(tmp_path: Path) -> None:
    """Each key of ``[access]``, and the statements beside ``pack.toml``."""
    assert load(write_sql(write(tmp_path, PACK + ACCESS))).access == AccessRules(
        claims=Claims("user_id", ("role", "roles"), "can"),
        tokens=(TokenScheme("hashed", "ab_"), TokenScheme("split", "key-", "secret-", "~")),
        statements={
            "tokens": Statement("SELECT 1 WHERE 'a' = ANY($1::text[])", None),
            "keys": Statement("SELECT 2 WHERE 'a' = ANY($1::text[])", "keyring"),
        },
        match="segments",
        operator_role="root",
    )


def test_nothing_said_is_signalmans_own(tmp_path: Path) -> None:
    """Its own tokens in its own schema, the usual claims, permissions as they are written, and nobody runs anything."""
    own = AccessRules(Claims("sub", ("roles",), None), (TokenScheme("hashed", "sgn_"),), {}, "exact", None)
    assert load(write(tmp_path)).access == own
    assert load(write(tmp_path, PACK + "[access]\n")).access == own


def test_a_platforms_accounts_have_no_tokens_of_ours(tmp_path: Path) -> None:
    """Where the pack has statements of its own and names no tokens, there are none."""
    assert load(write_sql(write(tmp_path))).access.tokens == ()
    assert load(write(tmp_path, PACK + "[access]\ntokens = []\n")).access.tokens == ()


def test_a_split_token_has_a_dot_unless_said(tmp_path: Path) -> None:
    """And a secret without a prefix."""
    pack = PACK + '[access]\n[[access.tokens]]\nscheme = "split"\nprefix = "key-"\n'
    assert load(write_sql(write(tmp_path, pack))).access.tokens == (TokenScheme("split", "key-", "", "."),)


def test_signals(tmp_path: Path) -> None:
    """By topic and event type, with the paths of whom they concern; none of them is routed or ignored."""
    catalog = load(write(tmp_path, PACK + SIGNALS))
    assert catalog.signals == {
        ("plain", "revoked"): SignalRule("data.token_id", "data.user_id|user_id"),
        ("media", "tenant.changed"): SignalRule(scope=("tenant_id",)),
    }
    assert not set(catalog.signals) & set(catalog.routes)


DEEP = """
[[scope]]
level = "workspace"
type = "string"
claim = "ws"
column = "ws"
optional = true
why = "keys of a whole tenant"

[[scope]]
level = "room"
type = "string"
claim = "room"
column = "room"
"""
DEEPER = replaced(PACK + DEEP, 'scope = { tenant = "tenant_id" }\npayload = "data.{payload}"', "SCOPE")
DEEPER = replaced(DEEPER, 'scope = { tenant = "tenant_id" }', 'scope = { tenant = "t", workspace = "w", room = "r" }')
DEEPER = DEEPER.replace("SCOPE", 'scope = { tenant = "t", workspace = "w", room = "r" }\npayload = "data.{payload}"')


def test_optional_levels(tmp_path: Path) -> None:
    """A level says whether credentials may lack it, and why; the others must be there."""
    levels = load(write(tmp_path, DEEPER)).levels
    assert [(level.name, level.optional, level.why) for level in levels] == [
        ("tenant", False, ""),
        ("workspace", True, "keys of a whole tenant"),
        ("room", False, ""),
    ]


def test_a_signal_may_name_the_upper_levels_only(tmp_path: Path) -> None:
    """Widest first, in the order of the pack and not of the file; never with a hole."""
    signal = '[signals.gone]\ntopic = "plain"\nscope = {{ {} }}\n'
    catalog = load(write(tmp_path, DEEPER + signal.format('workspace = "w", tenant = "t"')))
    assert catalog.signals["plain", "gone"].scope == ("t", "w")
    assert faults(write(tmp_path, DEEPER + signal.format('tenant = "t", room = "r"'))) == [
        'pack.toml: signals.gone.scope.room: has a meaning only with the level above it, "workspace"'
    ]


def test_who_reads_a_channel(tmp_path: Path) -> None:
    """Its roles; none unless it names some."""
    assert load(write(tmp_path)).channels["streams"].roles == {"member"}
    streams = replaced(STREAMS, 'roles = ["member"]\n', "")
    assert load(write(tmp_path, streams=streams)).channels["streams"].roles == frozenset()


def test_what_is_the_platforms(tmp_path: Path) -> None:
    """An event type says so itself, and is not unless it does."""
    streams = replaced(STREAMS, "[events.note]\n", "[events.note]\nplatform = true\n")
    events = load(write(tmp_path, streams=streams)).channels["streams"].events
    assert {name for name, event in events.items() if event.platform} == {"note"}
