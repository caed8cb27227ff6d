"""Where the packs that come with Signalman lie: in a source checkout, and inside an installed wheel."""

from importlib import resources
from pathlib import Path

from signalman.catalog.load import PACK_FILE
from signalman.catalog.names import suggestion
from signalman.errors import CatalogError, Fault


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


def built_in(parent: Path) -> dict[str, Path]:
    """Packs in *parent* by name. A folder without ``pack.toml`` is something else, whatever it is called."""
    return {path.parent.name: path.parent for path in sorted(parent.glob(f"*/{PACK_FILE}"))}
