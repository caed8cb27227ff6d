"""Reads a pack's folder into documents: what its files hold, before anything is made of it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalman.access_rules import Statement
from signalman.catalog.findings import Findings
from signalman.catalog.folders import PACK_FILE
from signalman.catalog.statements import StatementsError, read_statements
from signalman.errors import Fault

SQL_FILE = "directory.sql"

Document = dict[str, Any]
"""A file's contents, or a table in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file's document, and where its faults are noted."""

    document: Document
    findings: Findings


@dataclass(frozen=True, slots=True)
class Documents:
    """A pack's files."""

    folder: Path
    pack: Part | None
    """``pack.toml``; None when it cannot be read."""
    channels: dict[str, Part]
    """Channel files that can be read, by the channel's name."""
    statements: Mapping[str, Statement] = field(default_factory=dict)
    """Of ``directory.sql``."""

    @property
    def header(self) -> Document:
        """The table ``[pack]``."""
        return table(self.pack.document.get("pack")) if self.pack else {}


def read(folder: Path, faults: list[Fault]) -> Documents | None:
    """The files in *folder*; None when there is no such folder. What is wrong is added to *faults*."""
    if not folder.is_dir():
        Findings(str(folder), (), faults).add("there is no such folder")
        return None
    pack = _part(folder / PACK_FILE, faults)
    paths = sorted(path for path in folder.glob("*.toml") if path.name != PACK_FILE)
    channels = {path.stem: part for path in paths if (part := _channel(path, faults))}
    documents = Documents(folder, pack, channels, _statements(folder / SQL_FILE, faults))
    if not paths and "extends" not in documents.header:
        Findings(str(folder), (), faults).add("there is no channel file (*.toml) beside pack.toml")
    return documents


def table(value: Any) -> Document:
    """*value* where it is a table, else an empty one: what is none is told of when shapes are checked."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> list[str]:
    """The texts in *value*, where it is a list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _channel(path: Path, faults: list[Fault]) -> Part | None:
    part = _part(path, faults)
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", path.stem):
        reason = "a channel's file name must be lower-case letters, digits, _ and -, beginning with a letter"
        Findings(str(path), (), faults).add(reason)
    return part


def _part(path: Path, faults: list[Fault]) -> Part | None:
    findings = Findings(str(path), (), faults)
    text = _text(path, findings)
    try:
        return None if text is None else Part(tomllib.loads(text), findings)
    except tomllib.TOMLDecodeError as error:
        findings.add(f"is not TOML: {error}")
    return None


def _statements(path: Path, faults: list[Fault]) -> Mapping[str, Statement]:
    findings = Findings(str(path), (), faults)
    text = _text(path, findings) if path.exists() else None
    try:
        return {} if text is None else read_statements(text)
    except StatementsError as error:
        faults += [Fault(str(path), f"line {line}", sentence) for line, sentence in error.faults]
    return {}


def _text(path: Path, findings: Findings) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        findings.add("there is no such file")
    except OSError as error:
        findings.add(f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        findings.add("is not UTF-8 text")
    return None
