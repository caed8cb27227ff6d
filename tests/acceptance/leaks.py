"""Looks for secrets in bytes that a program has let out, in every writing that a program could have given them.

Thousands of secrets in a dozen writings each are looked for at once: the bytes are read through once, not once for
each of them.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, quote_plus

SHORTEST = 7
"""Bytes of the shortest writing that is looked for: what is shorter would be found by chance."""

_ESCAPED = 3
"""Levels of JSON in JSON: a text in an event, in a frame, in a log line or in Redis's own account of a command."""


class Search:
    """Looks for *secrets*, each with its UTF-8 text, its JSON texts, percent-encoded, in hex, in base64, as bytes are
    printed; and an address also in the writings of its octets.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._exact: _Index = defaultdict(list)
        self._caseless: _Index = defaultdict(list)
        for secret in secrets:
            if len(secret) < SHORTEST:
                raise ValueError(f"too short to be looked for: {len(secret)} characters")
            for writing in _exact(secret):
                self._exact[writing[-SHORTEST:]].append((writing, secret))
            for writing in _caseless(secret):
                self._caseless[writing[-SHORTEST:]].append((writing, secret))

    def found(self, output: bytes) -> set[str]:
        """The secrets that occur in *output*."""
        # What programs put out repeats itself, line by line; a secret with a line end is still found in its escaped
        # writings.
        lines = set(output.splitlines())
        found = _found(b"\n".join(lines), self._exact)
        return found | _found(b"\n".join({line.lower() for line in lines}), self._caseless)

    def report(self, outputs: Mapping[str, bytes]) -> list[str]:
        """Where something was found, as ``output: what kind of secret``; never the secret itself."""
        return sorted({f"{name}: {kind_of(each)}" for name, output in outputs.items() for each in self.found(output)})


def kind_of(secret: str) -> str:
    """What *secret* looks like, without telling it: enough to find the leak by."""
    shape = re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"[0-9]+", "0", secret)))
    return f"{shape[:40]} ({len(secret)} characters)"


_Index = defaultdict[bytes, list[tuple[bytes, str]]]
"""The last bytes of a writing → the writings that end so: beginnings are often alike, ends are not."""


def _found(output: bytes, index: _Index) -> set[str]:
    found: set[str] = set()
    for start in range(len(output) - SHORTEST + 1):
        if ends := index.get(output[start : start + SHORTEST]):
            end = start + SHORTEST
            found.update(secret for writing, secret in ends if output.endswith(writing, 0, end))
    return found


def _exact(secret: str) -> Iterator[bytes]:
    for text in {secret, secret.lower()}:
        for encode in (b64encode, urlsafe_b64encode):
            # Where it begins within three bytes decides how it looks; the characters at its ends are its neighbours'.
            for before in range(3):
                encoded = encode(bytes(before) + text.encode())
                whole = (len(text.encode()) + before) * 8 // 6
                yield encoded[-(-before * 8 // 6) : whole]


def _caseless(secret: str) -> set[bytes]:
    raw = secret.encode()
    writings = {raw, raw.hex().encode(), raw.hex(" ").encode(), raw.hex(":").encode(), repr(raw)[2:-1].encode()}
    writings |= {quote(secret).encode(), quote(secret, safe="").encode(), quote_plus(secret).encode()}
    writings |= {b"".join(b"%%%02x" % byte for byte in raw), b"".join(b"\\x%02x" % byte for byte in raw)}
    writings |= {b"".join(b"\\u%04x" % ord(character) for character in secret)}
    writings |= _json_texts(secret)
    writings |= set(_octets(secret))
    return {writing.lower() for writing in writings}


def _json_texts(secret: str) -> set[bytes]:
    texts, new = {secret}, {secret}
    for _ in range(_ESCAPED):
        new = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in new for ascii_only in (True, False)}
        # What Go writes for signs that mean something in HTML.
        new |= {text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e") for text in new}
        texts |= new
    return {text.encode() for text in texts}


def _octets(secret: str) -> Iterator[bytes]:
    try:
        address = ip_address(secret)
    except ValueError:
        return
    yield address.reverse_pointer.rpartition(".in" if address.version == 4 else ".ip6")[0].encode()
    if isinstance(address, IPv4Address):
        yield secret.replace(".", "-").encode()
        yield ".".join(f"{octet:03d}" for octet in address.packed).encode()
        yield f"::ffff:{address.packed.hex()[:4]}:{address.packed.hex()[4:]}".encode()
    if isinstance(address, IPv6Address):
        yield address.exploded.encode()
        yield address.exploded.replace(":", "-").encode()
        yield ":".join(f"{int(group, 16):x}" for group in address.exploded.split(":")).encode()
        yield address.packed.hex().encode()
