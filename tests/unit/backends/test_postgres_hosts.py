"""URLs with several hosts, taken apart."""

import pytest

from signalman.backends.postgres import PostgresDirectory
from signalman.backends.postgres_hosts import single_hosts


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgres://u:p@h:5432/x?sslmode=require", ["postgres://u:p@h:5432/x?sslmode=require"]),
        ("postgresql://h", ["postgresql://h"]),
        ("postgres://u:p%40%2C@a:1,b:2,c/x?a=b", [f"postgres://u:p%40%2C@{h}/x?a=b" for h in ("a:1", "b:2", "c")]),
        ("postgres://u:p,q@a,b/x", ["postgres://u:p,q@a/x", "postgres://u:p,q@b/x"]),
        ("postgres://[::1]:5433,[::2]:5433/x", ["postgres://[::1]:5433/x", "postgres://[::2]:5433/x"]),
        ("postgres:///x?host=/run/postgresql", ["postgres:///x?host=/run/postgresql"]),
    ],
)
def test_each_host_has_a_url_of_its_own(url: str, hosts: list[str]) -> None:
    """With user, password and parameters of the whole."""
    assert single_hosts(url) == hosts


@pytest.mark.parametrize("url", ["", "hunter2", "mysql://u:hunter2@h/x", "postgres://u:hunter2[@h/x", "http://hunter2"])
def test_another_url_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(ValueError, match="postgres://user:password@host:port/database") as refused:
        PostgresDirectory(url, {}, {})
    assert "hunter2" not in str(refused.value)
    assert refused.value.__context__ is None
