"""Configuration → the accounts that are asked."""

from typing import Any

import pytest

from signalman.access_rules import AccessRules, Statement
from signalman.backends import standalone
from signalman.backends.postgres import PostgresDirectory
from signalman.channel import Catalog
from signalman.compose import directory as composed
from signalman.config import Config

URL = "postgres://u:p@h:5432/accounts"
OWN = {"users": Statement("SELECT $1", "people")}


def made(statements: dict[str, Statement], **section: Any) -> PostgresDirectory | None:
    """What this section makes, for a pack with these *statements*."""
    pack = Catalog("test", "Test", (), {}, {}, frozenset(), access=AccessRules(statements=statements))
    return composed.directory(Config.model_validate({"directory": section}), pack)


def test_without_a_server_there_is_none() -> None:
    """Then nobody's token can be looked up."""
    assert made(OWN) is None


def test_a_pack_with_statements_is_asked_with_them() -> None:
    """And one without is asked with those for Signalman's own schema."""
    for statements, knows in ((OWN, {"users"}), ({}, {"tokens"})):
        directory = made(statements, url=URL)
        assert directory is not None
        assert directory.knows == knows


def test_every_setting_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is only written down."""
    seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(composed, "PostgresDirectory", lambda *given, **named: seen.append((given, named)))
    made({}, url=URL, databases={"people": "people_eu"}, connections=7, timeout_seconds=1.5, listen=False)
    assert seen == [
        (
            (URL, standalone.statements(), {"people": "people_eu"}),
            {"connections": 7, "timeout": 1.5, "listen": False},
        )
    ]
