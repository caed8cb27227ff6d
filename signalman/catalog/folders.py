"""Where packs lie: those that come with Signalman, in a source checkout and inside an installed wheel, and others."""

from importlib import resources
from pathlib import Path

from signalman.catalog.names import suggestion
from signalman.errors import CatalogError, Fault

PACK_FILE = "pack.toml"


def default_folder(pack: str) -> Path:
    """The folder of the built-in *pack*.

    Raises:
        CatalogError: when no pack of that name comes with this Signalman.
    """
    package = Path(str(resources.files("signalman")))
    found = built_in(package / "_data" / "channels") or built_in(package.parent / "channels")
    if pack not in found:
        raise CatalogError([Fault(pack, "", f"no such pack comes with Signalman{suggestion(pack, found)}")])
    return found[pack]


def base_folder(name: str, folder: Path) -> Path:
    """The folder of the pack that the pack in *folder* extends: *name* is a built-in pack's, unless it has a slash;
    then it is a path from *folder*.

    Raises:
        CatalogError: when there is no such pack.
    """
    if "/" not in name:
        return default_folder(name)
    found = folder / name
    if not (found / PACK_FILE).is_file():
        raise CatalogError([Fault(name, "", f"there is no {PACK_FILE} in that folder")])
    return found


def built_in(parent: Path) -> dict[str, Path]:
    """Packs in *parent* by name. A folder without ``pack.toml`` is something else, whatever it is called."""
    return {path.parent.name: path.parent for path in sorted(parent.glob(f"*/{PACK_FILE}"))}
