"""Signalman's own accounts in PostgreSQL, for installations without a platform: API tokens and suspended scopes."""

from collections.abc import Mapping
from importlib import resources

from signalman.access_rules import Statement
from signalman.catalog.statements import read_statements


def statements() -> Mapping[str, Statement]:
    """The questions to the schema, in place of a pack's own."""
    return read_statements(resources.files(__name__).joinpath("directory.sql").read_text("utf-8"))
