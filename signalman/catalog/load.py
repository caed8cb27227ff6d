"""Reads a pack's folder. Every fault of every file is reported at once: a person mends them in one round."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from signalman.catalog.compile import ChannelSource, compile_catalog
from signalman.catalog.extend import extend
from signalman.catalog.files import Document, Documents, Part, read
from signalman.catalog.findings import Findings, Key, shape_faults
from signalman.catalog.folders import base_folder
from signalman.catalog.models import ChannelFile, Shape
from signalman.catalog.pack_models import FORMAT, PackFile
from signalman.channel import Catalog
from signalman.errors import CatalogError, Fault

AnyShape = TypeVar("AnyShape", bound=Shape)

_MAPS = frozenset({"events", "tables", "filters", "signals"})
"""Tables of independent entries: one faulty entry is left out, and the others are still checked."""

_OPTIONS = frozenset({"access", "limits", "roles", "slow_reader"})
"""Left out where they are faulty: nothing else refers to them."""

_STAND_INS: dict[str, Any] = {
    "pack": {"name": "faulty", "title": "faulty", "format": FORMAT},
    "title": "faulty",
    "description": "faulty",
    "permissions": ["faulty"],
}
"""Stand in for what nothing else in a pack refers to, so that the rest is still checked. Nothing can stand in for
scope, topics, groups or reasons: every reference to a faulty one would be called a fault as well."""


def load(folder: Path) -> Catalog:
    """Read and compile the pack in *folder*: ``pack.toml``, ``directory.sql`` where there is one, and every other
    ``*.toml`` as a channel; on top of the pack that it extends, if it does.

    Raises:
        CatalogError: with every fault of every file.
    """
    faults: list[Fault] = []
    documents = _documents(folder, (), faults)
    catalog = _compiled(documents) if documents else None
    if catalog is None or faults:
        raise CatalogError(faults)
    return catalog


def _documents(folder: Path, extending: tuple[Path, ...], faults: list[Fault]) -> Documents | None:
    """The pack's documents, on top of those that it extends; None when nothing can be made of them.

    *extending* are the packs that lead here, each extending the next.
    """
    own = read(folder, faults)
    if own is None or own.pack is None:
        return own
    place = own.pack.findings.at("pack")
    name = own.header.get("extends")
    if not isinstance(name, str):
        if "without" in own.header:
            place.add("has a meaning only with `extends`", "without")
        return own
    try:
        below = base_folder(name, folder)
    except CatalogError as error:
        for fault in error.faults:
            place.add(f'"{name}": {fault.reason}', "extends")
        return None
    trail = (*extending, folder.resolve())
    if below.resolve() in trail:
        place.add(f'"{name}" leads back to a pack that extends this one', "extends")
        return None
    base = _sound(below, trail, place, faults)
    if base is None:
        return None
    whole = extend(base, own)
    if not whole.channels:
        place.add("leaves no channel", "without")
    return whole


def _sound(folder: Path, extending: tuple[Path, ...], place: Findings, faults: list[Fault]) -> Documents | None:
    """Documents of a pack that is extended. It is looked at by itself first: its faults are no extension's."""
    before = len(faults)
    base = _documents(folder, extending, faults)
    if base is not None:
        _compiled(base)
    if len(faults) == before:
        return base
    place.add("the pack that it extends has faults", "extends")
    return None


def _compiled(documents: Documents) -> Catalog | None:
    pack = _parse(documents.pack, PackFile)[0] if documents.pack else None
    sources = []
    for name, part in documents.channels.items():
        shape, whole = _parse(part, ChannelFile)
        if shape is not None:
            sources.append(ChannelSource(name, shape, part.findings, whole))
    if documents.pack is None or pack is None:
        return None
    return compile_catalog(pack, documents.pack.findings, sources, documents.statements)


def _parse(part: Part, shape: type[AnyShape]) -> tuple[AnyShape | None, bool]:
    """The file's contents, and whether they are all of it; None when nothing of it can be used."""
    document = part.document
    try:
        return shape.model_validate(document), True
    except ValidationError as error:
        faults = list(shape_faults(shape, error))
    for key, reason, superfluous in faults:
        part.findings.add(reason, *key)
        _mend(document, key, superfluous=superfluous)
    try:
        return shape.model_validate(document), all(superfluous for _, _, superfluous in faults)
    except ValidationError:
        return None, False


def _mend(document: Document, key: Key, *, superfluous: bool) -> None:
    """Change *document* so that what else it says can still be checked. Its own fault at *key* is already told."""
    first = str(key[0])
    if superfluous:
        _take_out(document, key)
    elif first in _MAPS:
        _take_out(document, key[:2])
    elif first in _OPTIONS:
        document.pop(first, None)
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
