"""Our own environment variables: ``SIGNALMAN_<SECTION>__<KEY>``, such as ``SIGNALMAN_GATEWAY__PORT``."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from signalman.catalog.names import suggestion
from signalman.config.gathered import Gathered, Origin
from signalman.config.model import Config
from signalman.errors import Fault

FILE = "environment"
PREFIX = "SIGNALMAN_"
CONFIG_PATH = "SIGNALMAN_CONFIG"

NOT_SETTINGS = frozenset({CONFIG_PATH, "SIGNALMAN_URL", "SIGNALMAN_TOKEN"})
"""The path of the file, and what ``signalman tail`` connects with."""

_LINK_NAME = re.compile(r"SIGNALMAN_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP).*)")
_LINK_VALUE = re.compile(r"(tcp|udp)://\S+")


def put_environment(gathered: Gathered, environ: Mapping[str, str]) -> list[Fault]:
    """Put our own variables of *environ* into *gathered*; the faults are unknown names and impossible kinds."""
    faults = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS or _is_service_link(name, environ[name]):
            continue
        key = tuple(name.removeprefix(PREFIX).lower().split("__"))
        kind = kind_of(key)
        if kind is None:
            faults.append(Fault(FILE, name, f"unknown setting{suggestion(name, variables())}"))
        elif kind is tuple:
            faults.append(Fault(FILE, name, "can only be set in a file"))
        else:
            gathered.put(key, typed(kind, environ[name]), Origin(FILE, name))
    return faults


def variables() -> list[str]:
    """Names of all variables that stand for one setting each."""
    return [PREFIX + "__".join(key).upper() for key in _keys(Config)]


def kind_of(key: tuple[str, ...]) -> Any:
    """The type of the setting at *key*; ``tuple`` for a list of tables, None when there is no such setting."""
    at: Any = Config
    for part in key:
        if get_origin(at) is dict and part:
            at = str
        elif isinstance(at, type) and issubclass(at, BaseModel) and part in at.model_fields:
            at = at.model_fields[part].annotation
        else:
            return None
    if get_origin(at) is dict or (isinstance(at, type) and issubclass(at, BaseModel)):
        return None
    return tuple if _is_list_of_tables(at) else at


def typed(kind: Any, text: str) -> Any:
    """The value that *text* means for a setting of this *kind*; where it means none, the text, which is then found
    faulty together with everything else.
    """
    if get_origin(kind) is tuple:
        return [item.strip() for item in text.split(",") if item.strip()]
    if kind not in {bool, int, float}:
        return text
    try:
        return TypeAdapter(kind).validate_python(text.strip())
    except ValidationError:
        return text


def _is_list_of_tables(kind: Any) -> bool:
    return get_origin(kind) is tuple and isinstance(kind.__args__[0], type) and issubclass(kind.__args__[0], BaseModel)


def _is_service_link(name: str, value: str) -> bool:
    """Kubernetes gives every container ``<SERVICE>_SERVICE_HOST`` and the like for each service of the namespace, and
    one that is named after us must not keep us from starting.
    """
    if "__" in name:
        return False
    return bool(_LINK_NAME.fullmatch(name)) or (name.endswith("_PORT") and bool(_LINK_VALUE.fullmatch(value)))


def _keys(shape: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in shape.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, (*at, name))
        elif not _is_list_of_tables(field.annotation) and get_origin(field.annotation) is not dict:
            yield (*at, name)
