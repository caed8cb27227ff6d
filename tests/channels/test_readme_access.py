"""What the description of the format says about who may read, executed."""

import re
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from signalman.access.grants import grants, may_read
from signalman.access_rules import SignalRule, TokenScheme
from signalman.catalog import warnings
from signalman.catalog.access import OWN_TOKENS
from signalman.catalog.pack_models import AccessShape, ClaimsShape
from signalman.catalog.statements import LOOKUPS
from signalman.channel import Catalog
from signalman.event import PLATFORM, Record, Scope
from signalman.notice import notice
from signalman.principal import Principal
from signalman.relay.decode import Decoder
from signalman.relay.signals import Signals
from tests.channels.test_readme import pack, sections

README = Path(__file__).parents[2] / "channels" / "README.md"
TEXT = README.read_text(encoding="utf-8")
ASKED: list[Scope] = [("w-1", "t-1"), ("w-1", "t-2"), ("w-2", "t-1"), ("t-1", "t-9"), PLATFORM]
READS: dict[str, set[Scope]] = {
    "nothing": set(),
    "`w-1/t-1`": {("w-1", "t-1")},
    "every tenant of `w-1`": {("w-1", "t-1"), ("w-1", "t-2")},
    "every tenant of `t-1`": {("t-1", "t-9")},
    "the platform's own": {PLATFORM},
    "`w-1/t-1` and the platform's own": {("w-1", "t-1"), PLATFORM},
}
"""What the table of readers says → the feeds of `ASKED` that are meant."""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """The worked example."""
    return pack(TEXT, "An example", tmp_path)


class Reader(NamedTuple):
    """A line of the table of readers."""

    principal: Principal
    reads: set[Scope]


def words(cell: str) -> frozenset[str]:
    """What stands in backticks."""
    return frozenset(re.findall(r"`([^`]+)`", cell))


def readers() -> list[Reader]:
    """The table of readers."""
    section = TEXT.partition("\n## Who may read\n")[2].partition("\n## ")[0]
    found = []
    for who, scope, roles, permissions, reads in re.findall(
        r"^\| (a user|a token|an operator) \|(.*?)\|(.*?)\|(.*?)\| (.*?) \|$", section, flags=re.MULTILINE
    ):
        (path,) = words(scope)
        principal = Principal(
            "token" if who == "a token" else "user",
            "p",
            tuple(path.split("/")),
            words(roles),
            words(permissions),
            operator=who == "an operator",
        )
        found.append(Reader(principal, READS[reads.partition(":")[0]]))
    return found


def test_who_reads_what(catalog: Catalog) -> None:
    """Each line of the table is what the decision says, neither more nor less."""
    lines = readers()
    assert len(lines) == 11
    for line in lines:
        granted = grants(line.principal, catalog)
        assert {scope for scope in ASKED if may_read(granted, "alerts", scope)} == line.reads, line


def test_operators_of_the_table_have_the_role(catalog: Catalog) -> None:
    """Whoever is called an operator there has the role that makes one."""
    for line in readers():
        assert line.principal.operator is (catalog.access.operator_role in line.principal.roles)


def test_the_signal(catalog: Catalog) -> None:
    """The record of the text concerns the key that it names; the others are compiled as the example says."""
    (value,) = re.findall(r"```json\n(\{[^`]*key\.revoked.*?)```", TEXT, flags=re.DOTALL)
    decoded = Decoder(catalog, {"observatory.alerts": "alerts"}).decode(
        Record("observatory.alerts", 0, 0, 0, None, value.encode())
    )
    assert Signals(catalog).notices(decoded) == (notice("token", "obk-4711"),)
    assert catalog.signals["alerts", "user.changed"] == SignalRule(user="body.user_id|by_user")
    assert catalog.signals["alerts", "workspace.suspended"] == SignalRule(scope=("workspace_id",))


def test_the_example_is_sound(catalog: Catalog) -> None:
    """Credentials and statements are those of the files, and nothing of it is suspicious."""
    rules = catalog.access
    assert rules.tokens == (TokenScheme("split", "obk-", "obs-", "."),)
    assert {name: statement.database for name, statement in rules.statements.items()} == {
        "keys": None,
        "users": "people",
        "scopes.active": None,
    }
    assert warnings(catalog) == []


def test_statements_are_named() -> None:
    """Each statement that there may be has a row, and each column of the example too."""
    section = sections(TEXT)["`directory.sql`"]
    statements, _, columns = section.partition("| column |")
    assert set(re.findall(r"^\| `([\w.<>]+)` \|", statements, flags=re.MULTILINE)) == {*LOOKUPS, "scopes.<word>"}
    documented = set(re.findall(r"^\| `(\w+)` \|", columns, flags=re.MULTILINE))
    example = TEXT.partition("```sql\n")[2].partition("```")[0].partition("-- name: users")[0]
    assert set(re.findall(r" AS (\w+),?$", example, flags=re.MULTILINE)) - {"k"} == documented


def default(section: str, key: str) -> str:
    """What a section says a key is unless given: the last text in backticks of its row."""
    (row,) = re.findall(rf"^\| `{key}` \|.*$", sections(TEXT)[section], flags=re.MULTILINE)
    return str(re.findall(r"`([^`]+)`", row)[-1])


def test_defaults() -> None:
    """What holds where a file says nothing is what the code does."""
    claims = ClaimsShape()
    assert default("`claims`", "user") == claims.user
    assert default("`claims`", "roles") == str(list(claims.roles)).replace("'", '"')
    split = TokenScheme("split", "x")
    assert default("`[[access.tokens]]`", "separator") == split.separator
    said = sections(TEXT)["`[access]`"]
    assert f"Signalman's own tokens (`{OWN_TOKENS.prefix}…`)" in said
    assert f"`{AccessShape().match}`, which it is unless given" in said
    match: Any = AccessShape.model_fields["match"].annotation
    assert all(f"`{mode}`" in said for mode in get_args(match))
