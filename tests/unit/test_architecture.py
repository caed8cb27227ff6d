"""The house of docs/architecture.md, read from the imports: arrows go down, drivers stay home, no cycles."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "signalman"

VOCABULARY = {
    "access_ports", "access_rules", "addresses", "cancelling", "channel", "clock", "errors", "event", "exposure",
    "fields", "logs", "metrics", "net", "notice", "ports", "principal", "protocol", "table", "traces", "version",
}  # fmt: skip

# Each room and the rooms it may import from; everything may use the vocabulary.
MAY_IMPORT: dict[str, set[str]] = {
    "catalog": set(),
    "access": {"catalog"},
    "redaction": set(),
    "relay": {"catalog", "access", "redaction"},
    "gateway": {"catalog", "access", "redaction"},
    "client": set(),
    "simulate": set(),
    "backends": {"catalog", "access"},
    "web": {"relay", "gateway", "client", "catalog", "access", "redaction"},
    "config": {"catalog", "access"},
    "compose": {
        "web",
        "relay",
        "gateway",
        "client",
        "simulate",
        "backends",
        "catalog",
        "access",
        "config",
        "redaction",
    },
    "cli": {"compose", "web", "relay", "gateway", "client", "catalog", "access", "config", "redaction"},
    "__main__": {"cli"},
}

# Third-party packages that only one room may know.
ONLY_IN: dict[str, set[str]] = {
    "aiokafka": {"backends"},
    "asyncpg": {"backends"},
    "chdb": {"backends"},
    "clickhouse_connect": {"backends"},
    "hiredis": {"backends"},
    "redis": {"backends"},
    "fastapi": {"web"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "typer": {"cli"},
    "rich": {"cli", "logs"},
    "websockets": {"client"},
    "h3": {"redaction"},
    "jwt": {"access"},
    "argon2": {"access"},
    "cryptography": {"access"},
    "aiohttp": {"backends"},
    "uvloop": {"cli"},
}

PURE = {
    "access_ports", "access_rules", "addresses", "channel", "clock", "errors", "event", "exposure", "fields", "net",
    "notice", "ports", "principal", "protocol", "table", "traces", "version",
}  # fmt: skip
"""The vocabulary's own modules import nothing from outside the standard library."""


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    """Dotted module name below ``signalman``, empty for the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room(module: str) -> str:
    """The first part of a module's name below ``signalman``."""
    return module.split(".", maxsplit=1)[0]


def imports(path: Path, *, typing_too: bool = True) -> Iterator[str]:
    """Absolute names that *path* imports, ``signalman.`` stripped from our own."""
    tree = ast.parse(path.read_text())
    skipped = set() if typing_too else _type_checking_only(tree)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (_imported(node.module or "", alias.name) for alias in node.names)


def _imported(module: str, name: str) -> str:
    """``from module import name`` reaches the module of that name if there is one, else *module* itself."""
    path = ROOT.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else module


def _type_checking_only(tree: ast.Module) -> set[ast.AST]:
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.update(child for statement in node.body for child in ast.walk(statement))
    return found


def own(names: Iterator[str]) -> set[str]:
    """Our own modules among *names*, without the package's name."""
    return {name.removeprefix("signalman.") for name in names if name.startswith("signalman.")}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_downwards_only(path: Path) -> None:
    """A room imports only from rooms below it."""
    here = room(name_of(path))
    reached = {room(name) for name in own(imports(path))} - {here, "__version__"}
    if here in VOCABULARY or here == "":
        assert reached <= VOCABULARY
    else:
        assert here in MAY_IMPORT, f"{here} is a room that the house does not have"
        assert reached <= MAY_IMPORT[here] | VOCABULARY


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_drivers_stay_at_home(path: Path) -> None:
    """A third-party package that belongs to one room is imported nowhere else."""
    here = room(name_of(path))
    for name in imports(path):
        package = name.split(".")[0]
        assert here in ONLY_IN.get(package, {here}), f"{package} belongs to {ONLY_IN[package]}"


@pytest.mark.parametrize("name", sorted(PURE))
def test_the_vocabulary_is_pure(name: str) -> None:
    """The words of the project need nothing but Python."""
    import sys

    own_modules = [path for path in modules() if room(name_of(path)) == name]
    assert own_modules
    for imported in (each for path in own_modules for each in imports(path)):
        package = imported.split(".")[0]
        assert package == "signalman" or package in sys.stdlib_module_names


def test_there_is_no_import_cycle() -> None:
    """Modules can be read in an order in which each needs only those before it."""
    known = {name_of(path) for path in modules()}
    needs = {
        name_of(path): {
            name if name in known else name.rpartition(".")[0] for name in own(imports(path, typing_too=False))
        }
        & known - {name_of(path)}
        for path in modules()
    }
    done: set[str] = set()
    while needs:
        free = {name for name, wanted in needs.items() if wanted <= done}
        assert free, f"a cycle among {sorted(needs)}"
        done |= free
        needs = {name: wanted for name, wanted in needs.items() if name not in free}


def test_no_file_is_a_drawer() -> None:
    """Files are named by what they are."""
    forbidden = {"utils", "util", "helpers", "common", "misc", "manager", "core"}
    assert not [name_of(path) for path in modules() if path.stem in forbidden]
