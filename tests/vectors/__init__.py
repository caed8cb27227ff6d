"""The merge rule as data: what every client must make of the same frames, whatever it is written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Vector:
    """What happens to the tables of a subscription, and what is expected of them on the way."""

    name: str
    steps: Sequence[Mapping[str, Any]]
    """Each has one member: ``begin``, ``snapshot``, ``events``, ``caught_up``, ``lost``, ``expire`` or ``expect``."""

    @property
    def expected(self) -> list[dict[str, Any]]:
        """What is expected, in order."""
        return [{**step["expect"], "rows": tidied(step["expect"]["rows"])} for step in self.steps if "expect" in step]


def merge_vectors() -> list[Vector]:
    """Those of merge.json, with the key and the rules in each snapshot."""
    file = orjson.loads((_HERE / "merge.json").read_bytes())
    return [Vector(each["name"], [_whole(step, file["tables"]) for step in each["steps"]]) for each in file["vectors"]]


def version_vectors() -> tuple[list[tuple[Any, Any]], list[tuple[Any, Any]]]:
    """Pairs of a newer and an older version, and pairs that are as new as one another."""
    file = orjson.loads((_HERE / "versions.json").read_bytes())
    return [tuple(pair) for pair in file["newer"]], [tuple(pair) for pair in file["same"]]


def seen(told: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """What a client *told* of its tables, as far as something is *expected* of it."""
    return {name: tidied(told[name]) if name == "rows" else told[name] for name in expected}


def tidied(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[bytes]]:
    """Rows of tables so that they can be compared: in order, and with true other than 1."""
    return {
        name: sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows) for name, rows in tables.items()
    }


def _whole(step: Mapping[str, Any], tables: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"snapshot": {**tables[step["snapshot"]["table"]], **step["snapshot"]}} if "snapshot" in step else step
