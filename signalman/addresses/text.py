"""Whether a text holds an address, and the text without it: by one and the same search."""

import re
from collections.abc import Iterable, Iterator

from signalman.addresses import ipv4, ipv6, names
from signalman.addresses.ipv4 import Span
from signalman.addresses.readings import TooDeep, is_wrapped, readings

# What belongs to an address: its zone, bracket, prefix length and port.
_TAIL = re.compile(r"(?:%(?:25)?[0-9A-Za-z_~-]++)?\]?(?:/[0-9]{1,3}(?![0-9]))?(?:[:.][0-9]{1,5}(?![0-9]))?")

# An address of IPv6 whose last two groups are written as one of IPv4: the groups before these.
_HEAD = re.compile("(?:[0-9A-Fa-f]{1,4}:){2,7}:?$")
_LONGEST_HEAD = 36

# What is encoded just before an address may be its first digits.
_CODE = re.compile(r"(?:%[0-9A-Fa-f]{0,2}|\\u[0-9A-Fa-f]{0,4})$")
_LONGEST_CODE = 6
_GAPS = frozenset(" \t\r\n\"'<>,;|(){}")

# Where one cannot say which part of a text is the address, a piece of it goes, the smallest that helps.
_PIECES = (re.compile(r"[^\s\"'<>,;|(){}]+"), re.compile(r"\S+"), re.compile(r"(?s).+"))


def holds_address(text: str) -> bool:
    """Whether *text* contains an IPv4 or IPv6 address, in any writing that the package tells of. Linear in its length.

    What is encoded more often than anybody would by mistake counts as one.
    """
    if text.isalnum() and text.isascii():
        return False
    if not is_wrapped(text):
        return _has_span(text)
    try:
        return any(map(_has_span, readings(text)))
    except TooDeep:
        return True


def without_addresses(text: str, instead: str = "[address]") -> str:
    """*text* with *instead* where it holds an address, with its port, brackets and zone; the rest as it was.

    Where it cannot be said which part is the address, because it is encoded, the word goes, in the last resort the
    whole text. The result never holds an address, unless *instead* does; a text without addresses is returned itself.
    """
    if not holds_address(text):
        return text
    text = "".join(_replaced(text, instead))
    for piece in _PIECES:
        if not holds_address(text):
            break
        text = piece.sub(lambda word: instead if holds_address(word[0]) else word[0], text)
    return text


def _has_span(text: str) -> bool:
    # Counting first: nearly all texts stop here, at a tenth of the cost of a regular expression.
    dots, dashes, colons = text.count("."), text.count("-"), text.count(":")
    if (dots > 2 or dashes > 2 or text.count("_") > 2) and next(ipv4.spans(text), None) is not None:
        return True
    if (colons > 1 or dashes > 6) and next(ipv6.spans(text), None) is not None:
        return True
    return dots > 0 and next(names.spans(text), None) is not None


def _replaced(text: str, instead: str) -> Iterator[str]:
    done = 0
    for first, last in _joined([*ipv4.spans(text), *ipv6.spans(text), *names.spans(text)]):
        if first < done:
            continue  # what stood after the one before: the port of "203.0.113.9.443"
        start = _start(text, done, first)
        is_open = start > done and text[start - 1] == "["
        tail = _TAIL.match(text, last)
        end = tail.end() if tail else last
        yield text[done : start - is_open]
        yield instead
        # A bracket that the address did not open closes something else.
        done = end if is_open or "]" not in text[last:end] else last
    yield text[done:]


def _start(text: str, done: int, start: int) -> int:
    """Where the address at *start* begins, with groups and encoded characters before it, but not before *done*."""
    head = _HEAD.search(text[max(done, start - _LONGEST_HEAD) : start])
    start -= len(head[0]) if head else 0
    if _CODE.search(text[max(done, start - _LONGEST_CODE) : start]):
        while start > done and text[start - 1] not in _GAPS:
            start -= 1
    return start


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """*spans* in order, those that touch as one."""
    start = end = -1
    for first, last in sorted(spans):
        if first > end:
            if end >= 0:
                yield start, end
            start, end = first, last
        end = max(end, last)
    if end >= 0:
        yield start, end
