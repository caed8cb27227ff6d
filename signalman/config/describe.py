"""The effective configuration in words that anybody may read."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr

from signalman.config.model import Config

HIDDEN = "********"

_HOSTS = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?"
_URL = re.compile(
    rf"(?P<scheme>[a-z]+://)(?P<user>[^@/?#\s]*@)?(?P<hosts>{_HOSTS}(,{_HOSTS})*)(?P<path>/[\w.-]*)?(?P<query>\?.*)?"
)


def describe(config: Config) -> list[str]:
    """The configuration as the lines of a TOML file, every secret as ``********``; of a URL that may hold a password,
    host and path are shown.
    """
    lines: list[str] = []
    for section in type(config).model_fields:
        lines.extend(["", *_table(section, getattr(config, section))])
    return lines[1:]


def _table(name: str, table: BaseModel) -> Iterator[str]:
    yield f"[{name}]"
    below: list[tuple[str, BaseModel]] = []
    for key in type(table).model_fields:
        value = getattr(table, key)
        if isinstance(value, BaseModel):
            below.append((key, value))
        else:
            yield f"{key} = {_text(value, key)}"
    for key, value in below:
        yield from _table(f"{name}.{key}", value)


def _text(value: Any, key: str = "") -> str:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return json.dumps(_masked_url(secret) if key == "url" else _masked(secret))
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        # TOML has no word for what is not set.
        return _text({name: item for name, item in fields.items() if item is not None})
    if isinstance(value, dict):
        inner = ", ".join(f"{name} = {_text(item, name)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _masked(secret: str) -> str:
    return HIDDEN if secret else ""


def _masked_url(secret: str) -> str:
    url = _URL.fullmatch(secret)
    if url is None:
        return _masked(secret)
    user = f"{HIDDEN}@" if url["user"] else ""
    query = f"?{HIDDEN}" if url["query"] else ""
    return f"{url['scheme']}{user}{url['hosts']}{url['path'] or ''}{query}"
