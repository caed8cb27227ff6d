"""Whether something is worth the net.

Nearly all that is published is clean, and the net would read each text of it to find that out. But nearly all texts
and keys have been there before: ids of what lives now, names of nodes, codecs, countries. They are remembered once they
have been found clean, and only what is new is looked at, all of it at once and as bytes.
"""

import re
from collections.abc import Collection, Iterable
from typing import Final

import orjson

from signalman.addresses import may_hold_address
from signalman.event import Json
from signalman.net import Net, is_host_like

_LONGEST: Final = 64
"""Characters of a text that is remembered: longer ones hardly come again."""

# An address has four numbers, or two colons: three words of letters and digits have no room for it. A UUID is none.
_HARMLESS = re.compile(r"[0-9A-Za-z]*+(?:[-_. ][0-9A-Za-z]++){0,2}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Suspicion:
    """Judges values and keys by what *net* would do, and remembers the clean ones: at most *remembered* of each."""

    def __init__(self, net: Net, remembered: int = 50_000) -> None:
        self._net = net
        self._remembered = remembered
        self._texts: set[str] = set()
        self._keys: set[str] = set()

    def of(self, values: Iterable[Json]) -> bool:
        """Whether the net may find something in *values*, at any depth. False is certain, True is not."""
        clean = self._texts
        news: list[str] = []
        # Every value of every event passes here.
        for value in values:
            if type(value) is str:
                # Numbers hardly ever come again, and are no address; U+2488 is a digit as well, but it reads "1.".
                if not (value.isdigit() and value.isascii()) and value not in clean:
                    news.append(value)
            elif type(value) is dict:
                if self.of_keys(value) or self.of(value.values()):
                    return True
            elif type(value) is list and self.of(value):
                return True
        return bool(news) and self._are_suspicious(clean, news)

    def of_text(self, text: str) -> bool:
        """Whether the net would remove *text*."""
        return text not in self._texts and self._are_suspicious(self._texts, [text])

    def of_keys(self, keys: Collection[str]) -> bool:
        """Whether the net may find one of *keys* to be host-like, or an address. False is certain, True is not."""
        clean = self._keys
        for key in keys:
            if key not in clean:
                return self._are_suspicious(clean, [*keys])
        return False

    def _are_suspicious(self, clean: set[str], news: list[str]) -> bool:
        unclear = [text for text in news if not _HARMLESS.fullmatch(text)]
        # As one text: an address is seen whatever it is glued to, and so is a text that is JSON itself.
        if unclear and may_hold_address(orjson.dumps(",".join(unclear))) and self._net.clean(unclear)[1]:
            return True
        if clean is self._keys and any(map(is_host_like, news)):
            return True
        if len(clean) + len(news) > self._remembered:
            clean.clear()
        clean.update(text for text in news if len(text) <= _LONGEST)
        return False
