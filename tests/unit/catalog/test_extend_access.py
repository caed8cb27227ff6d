"""What an extension changes of who may read, and what it need not say."""

from pathlib import Path

import pytest

from signalman.access_rules import SignalRule, TokenScheme
from signalman.catalog import load
from signalman.channel import Catalog
from tests.unit.catalog.extension import OWN, own
from tests.unit.catalog.sample import PACK, STREAMS, faults, write
from tests.unit.catalog.test_access import ACCESS, SIGNALS, write_sql

IGNORING = OWN.replace("format = 1", 'format = 1\nignore = ["revoked"]')


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A pack to extend, with rules of its own."""
    folder = tmp_path / "base"
    folder.mkdir()
    return write_sql(write(folder, PACK + ACCESS + SIGNALS, streams=STREAMS))


def extended(base: Path, pack: str = OWN, **channels: str) -> Catalog:
    """The extension, loaded."""
    return load(own(base, pack, **channels))


def test_nothing_said_is_nothing_changed(base: Path) -> None:
    """Rules, statements and signals are the base's."""
    below, above = load(base), extended(base)
    assert (above.access, above.signals) == (below.access, below.signals)
    assert above.channels["streams"].roles == {"member"}


def test_keys_are_laid_over(base: Path) -> None:
    """What the extension says replaces the base's, key by key; a list as a whole."""
    pack = OWN + '[access]\noperator_role = "boss"\n[[access.tokens]]\nscheme = "hashed"\nprefix = "own_"\n'
    below, above = load(base).access, extended(base, pack).access
    assert (above.operator_role, above.tokens) == ("boss", (TokenScheme("hashed", "own_"),))
    assert (above.claims, above.match, above.statements) == (below.claims, below.match, below.statements)


def test_statements_are_laid_over_by_name(base: Path) -> None:
    """One of the extension's replaces the base's of the same name, and the others stay."""
    folder = own(base)
    write_sql(folder, "-- name: tokens\nSELECT 9 WHERE 'a' = ANY($1::text[])\n")
    statements = load(folder).access.statements
    assert statements["tokens"].sql.startswith("SELECT 9")
    assert statements["keys"] == load(base).access.statements["keys"]


def test_a_part_of_a_signal(base: Path) -> None:
    """A path is replaced, and the others stay; a new signal comes beside them."""
    pack = OWN + '[signals.revoked]\ntoken = "id"\n[signals.blocked]\ntopic = "plain"\nuser = "who"\n'
    signals = extended(base, pack).signals
    assert signals["plain", "revoked"] == SignalRule("id", "data.user_id|user_id")
    assert signals["plain", "blocked"] == SignalRule(user="who")
    assert ("media", "tenant.changed") in signals


def test_what_is_ignored_is_no_signal_any_more(base: Path) -> None:
    """The extension says so on purpose."""
    catalog = extended(base, IGNORING)
    assert set(catalog.signals) == {("media", "tenant.changed")}
    assert "revoked" in catalog.ignored


def test_what_was_ignored_becomes_a_signal(base: Path) -> None:
    """It need not be taken out of the base's list, which an extension could not do."""
    catalog = extended(base, OWN + '[signals.noise]\ntopic = "plain"\nuser = "who"\n')
    assert ("plain", "noise") in catalog.signals
    assert "noise" not in catalog.ignored


def test_what_was_shown_becomes_a_signal(base: Path) -> None:
    """The event type leaves its channel."""
    catalog = extended(base, OWN + '[signals.note]\ntopic = "plain"\nuser = "who"\n')
    assert ("plain", "note") in catalog.signals
    assert "note" not in catalog.channels["streams"].events


def test_a_signal_cannot_be_shown(base: Path) -> None:
    """An extension that routes it is told so: access would end late, and nobody would know why."""
    assert faults(own(base, streams='[events.revoked]\ntopic = "plain"\nkeep = ["a"]\n')) == [
        'pack.toml: signals.revoked: is an event type of channel "streams": what tells of access is shown to nobody'
    ]


def test_roles_are_replaced(base: Path) -> None:
    """As every list is; and an event type may become the platform's."""
    streams = 'roles = ["boss"]\n[events.note]\nplatform = true\n'
    channel = extended(base, streams=streams).channels["streams"]
    assert channel.roles == {"boss"}
    assert channel.events["note"].platform


@pytest.mark.parametrize(
    ("pack", "line"),
    [
        (OWN + "[access]\nmach = 1\n", 'access.mach: unknown key, did you mean "match"?'),
        (OWN + "[signals]\nrevoked = 5\n", "signals.revoked: must be a table"),
        (OWN.replace("[pack]", "signals = 5\n[pack]"), "signals: must be a table"),
        (OWN.replace("[pack]", "access = 5\n[pack]"), "access: must be a table"),
        (
            IGNORING + '[signals.revoked]\ntoken = "id"\n',
            "signals.revoked: is ignored as well: take it out of `pack.ignore`",
        ),
    ],
)
def test_faults_are_the_extensions(base: Path, pack: str, line: str) -> None:
    """They are told under its own file."""
    assert faults(own(base, pack)) == [f"pack.toml: {line}"]
