"""Where a text holds an IPv6 address. Those that end in dotted numbers are found by these numbers.

Two forms: eight groups, with colons or, in host names, dashes; and a ``::`` among groups, which is the form that paths
of programming languages share.
"""

import re
from collections.abc import Iterator

from signalman.addresses.ipv4 import Span

_HEX = "[0-9A-Fa-f]"
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")

# Pairs are MACs and fingerprints, perhaps with a name before them. They are looked for first, so that no window of them
# is taken for eight groups.
_LABEL = "(?:(?=[0-9A-Za-z]{0,7}[G-Zg-z])[0-9A-Za-z]{1,8}:)?"
_EIGHT = re.compile(
    rf"(?P<other>(?<![0-9A-Za-z:]){_LABEL}{_HEX}{{2}}(?::{_HEX}{{2}}){{5,}}+(?![0-9A-Za-z]|:{_HEX}|::))"
    rf"|{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{7}}"
)
_EIGHT_DASHED = re.compile(
    rf"(?P<other>(?<![0-9A-Za-z-]){_HEX}{{2}}(?:-{_HEX}{{2}}){{5,}}+(?![0-9A-Za-z]|-{_HEX}))"
    rf"|{_HEX}{{1,4}}(?:-{_HEX}{{1,4}}){{7}}"
)

# Words with "::" between them. What starts within a word has been tried at its start.
_PATHS = re.compile("(?<![0-9A-Za-z_])[0-9A-Za-z_]*+(?:::+[0-9A-Za-z_]*+)+")
_COLONS = re.compile("::+")
_GROUP = re.compile(f"{_HEX}{{1,4}}")
_NUMBER = re.compile(f"(?=[0-9]){_HEX}{{1,4}}(?!{_HEX})")
# The first group of every address that is in use: global, local to a site, local to a link. Also glued to a word.
_FIRST_GROUP = re.compile(f"(?<!{_HEX})(?:[23]{_HEX}{{3}}|[Ff][CcDd]{_HEX}{{2}}|[Ff][Ee][89ABab]{_HEX})$")

_LONGEST = 45
"""Characters of the longest address, with dotted numbers at its end."""


def spans(text: str) -> Iterator[Span]:
    """Start and end of each IPv6 address in *text*, without brackets, zone and port, in no order."""
    if "::" in text:
        for path in _PATHS.finditer(text):
            if _is_address(text, path):
                yield _around(text, path)
    if text.count(":") > 6:
        yield from _eight(_EIGHT, text)
    if text.count("-") > 6:
        yield from _eight(_EIGHT_DASHED, text)


def _eight(groups: re.Pattern[str], text: str) -> Iterator[Span]:
    for match in groups.finditer(text):
        if match["other"] is None:
            yield match.span()


def _is_address(text: str, path: re.Match[str]) -> bool:
    """Whether *path*, words of *text* with ``::`` between them, is an address or a part of one."""
    words = _COLONS.split(path.group())
    # No name begins with a digit, and a number of up to four is a group.
    if any(map(_NUMBER.match, words)) or any(map(_FIRST_GROUP.search, words[:-1])):
        return True
    is_group = [_GROUP.fullmatch(word) is not None for word in words]
    if not any(is_group):
        return False
    if any(word[:1].isdecimal() for word in words):
        return True
    # Groups on the other side of a single colon: the middle of "2001:db8::", the end of "::ffff:cb00:7109".
    before, after = text[max(0, path.start() - 2) : path.start()], text[path.end() : path.end() + 2]
    if (is_group[0] and _goes_on(before[::-1])) or (is_group[-1] and _goes_on(after)):
        return True
    return len(words) == 2 and all(is_it or not word for word, is_it in zip(words, is_group, strict=True))


def _goes_on(outside: str) -> bool:
    """Whether a chain of groups goes on in *outside*, the two characters beyond its end, nearest first."""
    return len(outside) == 2 and outside[0] == ":" and outside[1] in _HEX_DIGITS


def _around(text: str, path: re.Match[str]) -> Span:
    """The run of hex digits and colons about the ``::`` of *path*, without a colon that belongs to the sentence."""
    start = text.index("::", path.start())
    end = text.rindex("::", path.start(), path.end()) + 2
    first, last = max(0, start - _LONGEST), min(len(text), end + _LONGEST)
    while start > first and (text[start - 1] == ":" or text[start - 1] in _HEX_DIGITS):
        start -= 1
    while end < last and (text[end] == ":" or text[end] in _HEX_DIGITS):
        end += 1
    start += text[start] == ":" and text[start + 1] != ":"
    end -= text[end - 1] == ":" and text[end - 2] != ":"
    return start, end
