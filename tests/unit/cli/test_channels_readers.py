"""`signalman channels`: who may read, with what, and what ends that."""

import pytest

from signalman.access_rules import AccessRules, Claims, SignalRule, Statement, TokenScheme
from signalman.catalog import default_folder, load
from signalman.channel import Catalog, ScopeLevel
from signalman.cli.channels_readers import credentials, readers, signals
from tests.unit.access.world import DEEP, FLAT, catalog, channel

ASKED = {"tokens": Statement("SELECT 1", None), "users": Statement("SELECT 2", None)}
EVERYTHING = AccessRules(
    claims=Claims("who", ("role", "roles"), "can"),
    tokens=(TokenScheme("hashed", "ab_"), TokenScheme("split", "key-", "secret-", "~")),
    statements=ASKED,
    match="segments",
    operator_role="root",
)


AND = ", and with one of these permissions"


def said(rules: AccessRules, levels: tuple[ScopeLevel, ...] = FLAT) -> dict[str, str]:
    """What is told of *rules*."""
    return dict(credentials(catalog(levels, rules)))


def test_credentials() -> None:
    """Claims, forms of token, who is asked, and who runs the platform."""
    assert said(EVERYTHING, DEEP) == {
        "people": "JSON Web Tokens with user in who, scope in org, ws, tenant_id, roles in role and roles, "
        "permissions in can",
        "tokens": "ab_…, known by SHA-256; key-…~secret-…, id and secret, known by Argon2id; of what is held, * stands "
        "for any one segment",
        "asked": "the platform's accounts: tokens, users",
        "operate": "people with role root, where configuration lets them",
    }


def test_without_any() -> None:
    """Nothing is said of what there is not."""
    assert said(AccessRules()) == {
        "people": "JSON Web Tokens with user in sub, scope in tenant_id",
        "tokens": "none",
        "asked": "Signalman's own accounts",
    }


def test_signals() -> None:
    """Whom each concerns, level by level."""
    rules = {
        ("a", "revoked"): SignalRule("data.token", "data.user|user"),
        ("a", "moved"): SignalRule(scope=("org", "space.ws")),
    }
    pack = Catalog("own", "Own", DEEP, {}, {}, frozenset(), signals=rules)
    assert dict(signals(pack)) == {
        "revoked": "Look again at the token in data.token and the user in data.user|user",
        "moved": "Look again at the organization in org, the workspace in space.ws",
    }


@pytest.mark.parametrize(
    ("rules", "roles", "levels", "line"),
    [
        (
            AccessRules(),
            "b a",
            FLAT,
            "tokens with permission p; people with role a or b; each within the own tenant only",
        ),
        (AccessRules(), "", FLAT, "tokens with permission p; no people; each within the own tenant only"),
        (AccessRules(), "a", DEEP, "tokens with permission p; people with role a; each within the own scope only"),
        (EVERYTHING, "a", FLAT, f"tokens with permission p; people with role a{AND}; each within the own tenant only"),
    ],
)
def test_readers(rules: AccessRules, roles: str, levels: tuple[ScopeLevel, ...], line: str) -> None:
    """Programs by permission, people by role and where they have any by permission, all within their own."""
    assert list(readers(channel("x", permissions="p", roles=roles), catalog(levels, rules))) == [("readers", line)]


def test_readers_of_the_platforms_own() -> None:
    """Operators are named where there is something for them."""
    told = list(readers(channel("x", permissions="p", roles="a", platform=True), catalog()))
    assert told[1:] == [("", "operators, of what belongs to the platform itself")]


def test_the_pack_that_ships() -> None:
    """Its signals and its tokens are told of."""
    pack = load(default_folder("frameworks"))
    assert "fw_…" in dict(credentials(pack))["tokens"]
    assert dict(signals(pack)).keys() == {name for _, name in pack.signals}
