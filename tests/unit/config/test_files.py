"""The files in config/ and the code say the same."""

import re
import tomllib
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from signalman.config import Config, default_file, load
from signalman.simulate.tenants import tenant_ids
from tests.unit.config.sample import FILES, ROOT

LINES = (FILES / "signalman.toml").read_text().splitlines()
SETTINGS = [at for at, line in enumerate(LINES) if re.match(r"[a-z_]+ = ", line)]


def plain(value: Any) -> Any:
    """*value* as a TOML document would hold it, secrets as they are."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def typed(value: Any) -> Any:
    """*value* with its types, since Python calls 1 and 1.0 and true equal."""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    return (type(value).__name__, value)


def test_the_file_and_the_code_have_the_same_settings_and_defaults() -> None:
    """`signalman.toml` has every setting of the code with its default, and nothing that the code does not have."""
    assert typed(plain(Config())) == typed(tomllib.loads("\n".join(LINES)))


def test_loading_the_file_changes_nothing() -> None:
    """The file is what is in effect without it."""
    assert load(FILES / "signalman.toml", {}) == load(None, {}) == Config()


@pytest.mark.parametrize("at", SETTINGS, ids=lambda at: LINES[at].split(" ")[0])
def test_every_setting_says_what_it_is_for(at: int) -> None:
    """Directly above each setting stands a comment that is a sentence."""
    assert re.match(r"# .{15,}", LINES[at - 1])


def test_the_development_accounts_are_the_tenants_of_the_simulation() -> None:
    """`dev.toml` has an account for each simulated tenant, listens on this machine only, and can sign tokens."""
    config = load(default_file("dev.toml"), {})

    assert config.simulate.tenants == len(config.access.accounts)
    assert [account.scope for account in config.access.accounts] == [(id_,) for id_ in tenant_ids(3)]
    assert config.gateway.host == "127.0.0.1"
    assert config.access.jwt_secret.get_secret_value()


def test_the_production_example_is_right_and_holds_no_secret() -> None:
    """`production.toml` loads once the environment brings the secrets, and has none of its own."""
    document = plain(load(FILES / "production.toml", {"KAFKA_SASL_PASSWORD": "from-the-environment"}))

    document["kafka"].pop("sasl_password")
    assert all(not section.get(name) for section in document.values() for name in ("password", "jwt_secret"))
    assert "from-the-environment" not in str(document)


def test_default_files_are_found_in_a_checkout() -> None:
    """Without a wheel's data folder, the files of the checkout are taken."""
    assert default_file("dev.toml") == ROOT / "config" / "dev.toml"
