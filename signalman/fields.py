"""Fields of events and rows: what they look like, which are kept, and what is done to them before they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FieldType = Literal["uuid", "string"]
"""What a scope level or filter value must look like."""

KeepTree = Mapping[str, "KeepTree | None"]
"""Allow-list of a payload's fields: name → None keeps the whole value, name → tree descends into an object or into each
object of a list. The name ``*`` stands for every key of a map. What the tree does not name is dropped."""

Operation = Literal["drop", "null", "mask", "hash", "centroid", "url", "json", "scan"]
"""What may be done to a kept value, see `signalman.redaction`."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is done to the value at one kept path, before the net."""

    path: str
    """As in keep lists: ``a.b``, ``a[].b`` for each object of a list, ``a.*`` for every key of a map. Where it leads to
    a list of texts, each of them is meant."""
    operation: Operation
    longitude: str | None = None
    """For ``centroid``: the field beside the last of ``path``, which is the latitude."""
    resolution: int = 5
    """For ``centroid``: of the H3 cell, 0 (continents) to 15; 5 is about 250 km²."""
    keep: KeepTree = field(default_factory=dict, hash=False)
    """For ``json``: allow-list inside the text's JSON."""
