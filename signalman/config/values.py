"""The kinds of value that settings have, each with the sentence that a person reads when one is wrong.

No sentence holds the value: it may be a secret in the wrong place.
"""

import ipaddress
import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, Strict
from pydantic_core import PydanticCustomError

from signalman.access.credentials import is_bearer_token
from signalman.catalog.names import OWN_SENTENCE, KafkaName, Text


class Section(BaseModel):
    """A table of the configuration file: typed, frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def wrong(reason: str) -> PydanticCustomError:
    """The error to raise in a validator, with the whole sentence for the person."""
    return PydanticCustomError(OWN_SENTENCE, "{reason}", {"reason": reason})


def _being(kinds: tuple[type, ...], reason: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, bool) and bool not in kinds:
            raise wrong(reason)
        if not isinstance(value, kinds):
            raise wrong(reason)
        return value

    return BeforeValidator(check)


def _matching(pattern: str, reason: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise wrong(reason)
        return text

    return AfterValidator(check)


def _secretly(check: Callable[[str], bool], reason: str) -> AfterValidator:
    def validate(secret: SecretStr) -> SecretStr:
        if not check(secret.get_secret_value()):
            raise wrong(reason)
        return secret

    return AfterValidator(validate)


def _once_each(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        raise wrong("names something twice")
    return items


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise wrong("must be an address or a network such as 10.0.0.0/8, with no bits set behind the prefix") from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise wrong("must be a number")
    return number


MIN_KEY = 16
"""Characters of the key of pseudonyms."""

Flag = Annotated[bool, _being((bool,), "must be true or false")]
Whole = Annotated[int, _being((int,), "must be a whole number")]
Number = Annotated[float, _being((int, float), "must be a number"), AfterValidator(_finite)]

Port = Annotated[Whole, Field(ge=1, le=65535)]
ListenPort = Annotated[Whole, Field(ge=0, le=65535)]
"""0 takes a free one."""
Seconds = Annotated[Number, Field(ge=0.05, le=3600)]
Bytes = Annotated[Whole, Field(ge=1024, le=1 << 30)]

Host = Annotated[str, _matching(r"[A-Za-z0-9._:\[\]-]+", "must be a host name or an address")]
Broker = Annotated[str, _matching(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}", "must be host:port")]
Region = Annotated[str, _matching(r"[A-Za-z0-9_-]+", "must be a region's id: letters, digits, _ and -")]
Prefix = Annotated[str, _matching(r"[A-Za-z0-9_.-]+", "must be letters, digits, _ . and -")]
SqlName = Annotated[str, _matching(r"[A-Za-z_][A-Za-z0-9_]*", "must be a plain SQL name: letters, digits and _")]
Origin = Annotated[
    str, _matching(r"https?://[A-Za-z0-9.\[\]:-]+", "must be an origin such as https://dash.example.com, without path")
]
RedisUrl = Annotated[
    SecretStr,
    _secretly(lambda url: bool(re.match(r"rediss?://[^/]", url)), "must be redis://host:port/db, or rediss:// for TLS"),
]
PostgresUrl = Annotated[
    SecretStr,
    _secretly(
        lambda url: not url or bool(re.match(r"postgres(ql)?://[^/]", url)),
        "must be postgresql://user:password@host:port, or empty for none",
    ),
]
PseudonymKey = Annotated[
    SecretStr,
    _secretly(
        lambda key: not key or len(key) >= MIN_KEY,
        f"must have at least {MIN_KEY} characters, or whoever knows a value finds its pseudonym by trying",
    ),
]
Bearer = Annotated[SecretStr, _secretly(is_bearer_token, "must be letters, digits and - . _ ~ + /")]

# A list in a file becomes a tuple: strict mode would want a tuple in the file, which TOML does not have.
LIST = Strict(False)
Brokers = Annotated[tuple[Broker, ...], LIST, Field(min_length=1), AfterValidator(_once_each)]
Regions = Annotated[tuple[Region, ...], LIST, AfterValidator(_once_each)]
Origins = Annotated[tuple[Origin, ...], LIST, AfterValidator(_once_each)]
ScopePath = Annotated[tuple[Text, ...], LIST, Field(min_length=1)]
Topics = dict[str, KafkaName]
Databases = dict[str, SqlName]

ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
"""What a JWT may be signed with; which of them is taken is fixed by configuration (RFC 8725 §3.1)."""
Algorithm = Annotated[str, _matching("|".join(ALGORITHMS), f"must be one of {', '.join(ALGORITHMS)}")]
Algorithms = Annotated[tuple[Algorithm, ...], LIST, Field(min_length=1), AfterValidator(_once_each)]
CookieName = Annotated[str, _matching(r"[A-Za-z0-9_.-]*", "must be a cookie's name: letters, digits, _ . and -")]
JwksUrl = Annotated[
    str,
    _matching(
        r"|https://[^/?#@\s]+[^#@\s]*|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/[^#@\s]*)?",
        "must be an https:// address, or http:// on this machine",
    ),
]
Network = Annotated[str, AfterValidator(_network)]
Networks = Annotated[tuple[Network, ...], LIST, AfterValidator(_once_each)]
