"""A second opinion on what holds an address: slow, naive and written apart from the net, for tests to judge it by.

It undoes one encoding after the other in every order, tries every part of every text with `ipaddress`, and knows
nothing of how the net searches. It sees less than the net, since it asks for a boundary on each side, and what it sees,
the net must have seen.
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from tests.writings import CLEAN

_DEPTH = 5
_MOST = 200

_PARTS = {part for text in CLEAN for part in (text, *text.split()) if len(re.findall("[0-9]+", part)) > 3}
_KNOWN = sorted(_PARTS, key=len, reverse=True)
"""Texts, and words of texts, with numbers that are none of an address."""


def addresses(value: Any) -> list[str]:
    """Every address that some text or key of *value*, at any depth, holds in some encoding."""
    return [found for text in texts(value) for found in in_text(text)]


def texts(value: Any) -> Iterator[str]:
    """Every text of *value*: values, items and keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def in_text(text: str) -> list[str]:
    """Every address in *text*, in some encoding."""
    return sorted({found for reading in _readings(text) for found in _plain(reading)})


def _readings(text: str) -> set[str]:
    known, fresh = {text}, {text}
    for _ in range(_DEPTH):
        fresh = {reading for each in fresh for reading in _undone(each)} - known
        known |= fresh
        if not fresh or len(known) > _MOST:
            break
    return known


def _undone(text: str) -> Iterator[str]:
    yield unquote(text)
    yield html.unescape(text)
    yield unicodedata.normalize("NFKC", text)
    yield text.replace("\u200b", "")
    yield text.replace("\u3002", ".")
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    yield re.sub(r"\\+([!-/:-@\[\]^-`{-~])", r"\1", text.replace("\\n", "\n").replace("\\t", "\t"))
    yield re.sub(r"[\[(](\.|:|dot)[\])]", lambda found: found[1].replace("dot", "."), text)
    try:
        yield from texts(json.loads(text))
    except (ValueError, RecursionError):
        return


def _plain(text: str) -> Iterator[str]:
    for known in _KNOWN:
        text = text.replace(known, " ")
    for match in re.finditer("[0-9]+[.][0-9.]+[0-9]|[0-9]+-[0-9-]+[0-9]|[0-9]+_[0-9_]+[0-9]", text):
        numbers = re.split("[._-]", match.group())
        yield from filter(_is_address, map(".".join, zip(*(numbers[at:] for at in range(4)), strict=False)))
    for match in re.finditer("[0-9A-Fa-f:.]{3,}", text):
        yield from _ipv6(text, match.start(), match.end())


def _ipv6(text: str, first: int, last: int) -> Iterator[str]:
    for start in range(first, last):
        if _goes_on(text[:start][::-1], text[start:]):
            continue
        for end in range(start + 3, min(last, start + 45) + 1):
            part = text[start:end]
            if not _goes_on(text[end:], part[::-1]) and _is_address(part) and not _are_pairs(part):
                yield part


def _goes_on(outside: str, inside: str) -> bool:
    """Whether a word or a ``::`` reaches over the edge between two texts, each read away from the edge."""
    if outside[:1].isalnum() or outside[:1] == "_":
        return True
    return outside[:1] == ":" and (outside[1:2] == ":" or inside[:1] == ":")


def _is_address(text: str) -> bool:
    try:
        return not ip_address(text).is_unspecified or "." in text or text.strip(":") != ""
    except ValueError:
        return False


def _are_pairs(text: str) -> bool:
    return re.fullmatch("(?:[0-9A-Fa-f]{2}:){7}[0-9A-Fa-f]{2}", text) is not None
