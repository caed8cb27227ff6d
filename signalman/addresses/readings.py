"""What a text says when its encodings are undone: percent-encoding, escapes, entities, defanging, wide characters.

Each is undone wherever it is found, whether or not the text as a whole is encoded that way, and again until nothing is
left to undo. Nobody is shown a reading; it is only searched.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

_ROUNDS = 8

_PERCENTS = re.compile("%(?:25)+")
_PERCENT_UNICODE = re.compile("%[uU]([0-9A-Fa-f]{4})")
# However deep JSON lies in JSON, a backslash more or less makes no difference to what it escapes.
_ESCAPE = re.compile(r"(?<!\\)\\++(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([nrtbf])|([^0-9A-Za-z\\]))")
_ENTITY = re.compile("&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|quot|colon|period));?")
_NAMED = {"amp": "&", "quot": '"', "colon": ":", "period": "."}
_DEFANGED = re.compile(r"[\[(]([.:]|(?i:dot))[\])]")

# Unicode's characters that are not seen (Default_Ignorable_Code_Point); addresses are copied out of pages with them.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DIGIT = re.compile(r"(?![0-9])\d")
# What compatibility decomposition leaves as it is and readers take for the ASCII character.
_SIMILAR = str.maketrans("\u3002\u06d4\u2236\ua789\u02f8\u2010\u2011\u2012\u2013\u2014\u2212", "..:::------")


class TooDeep(ValueError):
    """There is still something to undo after so many rounds that somebody must have meant to hide it."""


def readings(text: str) -> Iterator[str]:
    """*text* itself, then all that it becomes as its encodings are undone.

    Raises:
        TooDeep: While it is iterated.
    """
    yield text
    for _ in range(_ROUNDS):
        if not is_wrapped(text):
            return
        before = text
        for undo in _UNDO:
            # Each by itself, too: one may glue to an address what another leaves apart.
            if (alone := undo(before)) != before:
                yield alone
            if text == before:
                text = alone
            elif (undone := undo(text)) != text:
                text = undone
                yield text
        if text == before:
            return
    raise TooDeep


def is_wrapped(text: str) -> bool:
    """Whether there may be something to undo."""
    return (
        "%" in text
        or "\\" in text
        or "&" in text
        or not text.isascii()
        or (("]" in text or ")" in text) and _DEFANGED.search(text) is not None)
    )


def _folded(text: str) -> str:
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).translate(_SIMILAR)
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), plain)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_meant_by_escape, text) if "\\" in text else text


def _meant_by_escape(escape: re.Match[str]) -> str:
    number = escape[1] or escape[2]
    if number:
        return chr(int(number, 16))
    return " " if escape[3] else escape[4]


def _without_entities(text: str) -> str:
    return _ENTITY.sub(_meant_by_entity, text) if "&" in text else text


def _meant_by_entity(entity: re.Match[str]) -> str:
    if entity[3]:
        return _NAMED[entity[3]]
    number = int(entity[1]) if entity[1] else int(entity[2], 16)
    return chr(number) if number < 0x110000 else entity[0]


def _fanged(text: str) -> str:
    return _DEFANGED.sub(lambda found: ":" if found[1] == ":" else ".", text)


def _percents_joined(text: str) -> str:
    """Percent signs that were encoded again and again, as one: any depth at once."""
    return _PERCENTS.sub("%", text) if "%" in text else text


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    return unquote(_PERCENT_UNICODE.sub(lambda found: chr(int(found[1], 16)), text))


_UNDO: tuple[Callable[[str], str], ...] = (
    _folded,
    _unescaped,
    _without_entities,
    _fanged,
    _percents_joined,
    _unquoted,
)
