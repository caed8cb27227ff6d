"""Where a text holds an IPv4 address: four numbers with dots, or as host names have it, with dashes or underscores."""

import re
from collections.abc import Iterator

from signalman.addresses.lookalikes import LOOK_ALIKES

Span = tuple[int, int]

_OCTET = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
_FOUND = re.compile(
    rf"(?P<other>{LOOK_ALIKES})|(?<![0-9]){_OCTET}(?P<dot>[._-]){_OCTET}(?:(?P=dot){_OCTET}){{2,}}(?![0-9])"
)

# The two numbers in the middle: a tenth of the cost of the whole, and nearly every text stops here.
_DOTS = re.compile(r"\.[0-9]{1,3}\.[0-9]{1,3}\.")
_DASHES = re.compile("-[0-9]{1,3}-[0-9]{1,3}-")
_UNDERSCORES = re.compile("_[0-9]{1,3}_[0-9]{1,3}_")


def spans(text: str) -> Iterator[Span]:
    """Start and end of each IPv4 address in *text*, in no order. Of more than four numbers all: any may be of it."""
    if (
        (text.count(".") > 2 and _DOTS.search(text))
        or (text.count("-") > 2 and _DASHES.search(text))
        or (text.count("_") > 2 and _UNDERSCORES.search(text))
    ):
        for match in _FOUND.finditer(text):
            if match["other"] is None:
                yield match.span()
