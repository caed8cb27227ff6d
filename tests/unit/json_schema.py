"""As much of JSON Schema as docs/asyncapi.yaml uses."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_KINDS: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}

KNOWN = {
    "$ref", "type", "const", "enum", "oneOf", "properties", "required", "additionalProperties", "items",
    "minLength", "maxLength", "minItems", "maxItems", "maxProperties", "minimum",
    "description", "default", "format", "discriminator",
}  # fmt: skip
"""What is judged here, and what says nothing to be judged."""


def faults(value: Any, schema: Schema, all_schemas: Schema, at: str = "") -> Iterator[str]:
    """Everything about *value* that is not as *schema* has it."""
    if "$ref" in schema:
        schema = all_schemas[schema["$ref"].rpartition("/")[2]]
    unknown = set(schema) - KNOWN
    assert not unknown, f"this reader does not know {unknown}"
    if "oneOf" in schema and [any(faults(value, each, all_schemas, at)) for each in schema["oneOf"]].count(False) != 1:
        yield f"{at}: does not fit exactly one of the alternatives"
    if value not in schema.get("enum", [schema.get("const", value)]):
        yield f"{at}: is not one of the values"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at}: is no {schema['type']}"
    else:
        yield from _inside(value, schema, all_schemas, at)


def _inside(value: Any, schema: Schema, all_schemas: Schema, at: str) -> Iterator[str]:
    match value:
        case dict():
            yield from _in_object(value, schema, all_schemas, at)
        case list():
            yield from _size(len(value), schema, "Items", at)
            for number, item in enumerate(value):
                yield from faults(item, schema.get("items", {}), all_schemas, f"{at}[{number}]")
        case str():
            yield from _size(len(value), schema, "Length", at)
        case int() | float() if value < schema.get("minimum", value):
            yield f"{at}: is too small"


def _in_object(value: Mapping[str, Any], schema: Schema, all_schemas: Schema, at: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{at}.{name}: is missing" for name in schema.get("required", ()) if name not in value)
    yield from _size(len(value), schema, "Properties", at)
    for name, item in value.items():
        if name not in properties and others is False:
            yield f"{at}.{name}: is unknown"
        yield from faults(item, properties.get(name, others if isinstance(others, dict) else {}), all_schemas, name)


def _size(size: int, schema: Schema, what: str, at: str) -> Iterator[str]:
    if not schema.get(f"min{what}", 0) <= size <= schema.get(f"max{what}", size):
        yield f"{at}: has a wrong size"


def _is(value: Any, wanted: str | list[str]) -> bool:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, _KINDS[kind]) for kind in kinds)
