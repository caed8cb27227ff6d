"""Reads a pack's folder. Every fault of every file is reported at once: a person mends them in one round."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from signalman.catalog.compile import ChannelSource, compile_catalog
from signalman.catalog.findings import Findings, Key, shape_faults
from signalman.catalog.models import FORMAT, ChannelFile, PackFile, Shape
from signalman.channel import Catalog
from signalman.errors import CatalogError

PACK_FILE = "pack.toml"

AnyShape = TypeVar("AnyShape", bound=Shape)

_MAPS = frozenset({"events", "tables", "filters"})
"""Tables of independent entries: one faulty entry is left out, and the others are still checked."""

_STAND_INS: dict[str, Any] = {
    "pack": {"name": "faulty", "title": "faulty", "format": FORMAT},
    "title": "faulty",
    "description": "faulty",
    "permissions": ["faulty"],
}
"""Stand in for what nothing else in a pack refers to, so that the rest is still checked. Nothing can stand in for
scope, topics or groups: every reference to a faulty one would be called a fault as well."""


def load(folder: Path) -> Catalog:
    """Read and compile the pack in *folder*: ``pack.toml``, and every other ``*.toml`` as a channel.

    Raises:
        CatalogError: with every fault of every file.
    """
    findings: list[Findings] = []
    catalog = _read(folder, findings)
    faults = [fault for each in findings for fault in each.faults]
    if catalog is None or faults:
        raise CatalogError(faults)
    return catalog


def _read(folder: Path, findings: list[Findings]) -> Catalog | None:
    def note(path: Path) -> Findings:
        findings.append(Findings(str(path)))
        return findings[-1]

    if not folder.is_dir():
        note(folder).add("there is no such folder")
        return None
    pack_findings = note(folder / PACK_FILE)
    pack, _ = _parse(folder / PACK_FILE, PackFile, pack_findings)
    sources = _channels(folder, note)
    if pack is None:
        return None
    return compile_catalog(pack, pack_findings, sources)


def _channels(folder: Path, note: Callable[[Path], Findings]) -> list[ChannelSource]:
    paths = sorted(path for path in folder.glob("*.toml") if path.name != PACK_FILE)
    if not paths:
        note(folder).add("there is no channel file (*.toml) beside pack.toml")
    sources = []
    for path in paths:
        findings = note(path)
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", path.stem):
            findings.add("a channel's file name must be lower-case letters, digits, _ and -, beginning with a letter")
        shape, whole = _parse(path, ChannelFile, findings)
        if shape is not None:
            sources.append(ChannelSource(path.stem, shape, findings, whole))
    return sources


def _parse(path: Path, shape: type[AnyShape], findings: Findings) -> tuple[AnyShape | None, bool]:
    """The file's contents, and whether they are all of it; None when nothing of it can be used."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        findings.add("there is no such file")
    except OSError as error:
        findings.add(f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        findings.add("is not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        findings.add(f"is not TOML: {error}")
    else:
        return _shaped(document, shape, findings)
    return None, False


def _shaped(document: dict[str, Any], shape: type[AnyShape], findings: Findings) -> tuple[AnyShape | None, bool]:
    try:
        return shape.model_validate(document), True
    except ValidationError as error:
        faults = list(shape_faults(shape, error))
    for key, reason, superfluous in faults:
        findings.add(reason, *key)
        _mend(document, key, superfluous=superfluous)
    try:
        return shape.model_validate(document), all(superfluous for _, _, superfluous in faults)
    except ValidationError:
        return None, False


def _mend(document: dict[str, Any], key: Key, *, superfluous: bool) -> None:
    """Change *document* so that what else it says can still be checked. Its own fault at *key* is already told."""
    first = str(key[0])
    if superfluous:
        _take_out(document, key)
    elif first in _MAPS:
        _take_out(document, key[:2])
    elif first in _STAND_INS:
        document[first] = _STAND_INS[first]


def _take_out(document: Any, key: Key) -> None:
    *inner, last = key
    for part in inner:
        if isinstance(document, dict) and part not in document:
            return
        document = document[part]
    if isinstance(document, dict):
        document.pop(last, None)
