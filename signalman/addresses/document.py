"""The first test of a whole JSON document: whether it is worth looking for addresses in it.

Nearly no event holds one, and looking at each text of each event would cost more than most of what the relay does. So
the bytes that are to be published are tested first, all at once: what cannot be part of an address is taken out of
them, and what is left is short and says whether there may be one. Each test costs about as much as one regular
expression that fails at once, so there are few, and none for what is left to a closer look.
"""

import re

_WRAPPING, _CLOSING = 0xFF, 0xFE  # bytes that no UTF-8 has: whoever finds the rest to be ASCII has found none of these
_LETTERS = b"abcdefpv"

_table = bytearray(range(256))
for _bytes, _meaning in ((b"-_", ord(".")), (b"%\\&", _WRAPPING), (b"])", _CLOSING), (b"{}", ord(","))):
    for _byte in _bytes:
        _table[_byte] = _meaning
for _byte in _LETTERS.upper():
    _table[_byte] = ord(chr(_byte).lower())
_MEANING = bytes(_table)
_ONE_SIGN = bytes(ord(":") if byte == ord(".") else byte for byte in range(256))
_OTHERS = bytes(byte for byte in range(128) if _MEANING[byte] < 128 and _MEANING[byte] not in _LETTERS + b".:,")

_colons = re.compile(b"::").search
# Each begins with one certain byte: such expressions are ten times as fast as others.
_numbers = tuple(
    re.compile(sign + rb"[0-9]{1,3}" + sign + rb"[0-9]{1,3}" + sign).search for sign in (rb"\.", b"-", b"_")
)
_defanged = tuple(re.compile(bracket + rb"(?:[.:]|(?i:dot))[\])]").search for bracket in (rb"\[", rb"\("))

# Letters and signs that stay what they are when a text is folded, of the scripts that names of places and streams are
# written in. All others may become an ASCII character, or vanish.
_foldable = re.compile(
    "[^\x00-\x7f\u00c0-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u01cd-\u01f0\u01f4-\u02af\u0388-\u03ce"
    "\u0400-\u052f\u05d0-\u05ea\u0620-\u064a\u0904-\u0939\u0e01-\u0e2e\u2018-\u201e\u2022\u20ac\u2190-\u21ff\u2500-\u27bf"
    "\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3\U0001f300-\U0001faff]"
).search


def may_hold_address(encoded: bytes) -> bool:
    """Whether a text or key in *encoded*, a JSON document as orjson writes it, may hold an address.

    False means that none does, and that no text in it is itself JSON with a host-like key. True says nothing yet.
    """
    # Digits, most letters and all quotes go: four numbers leave three dots, and the hex letters that are left keep the
    # dashes of a UUID apart. Of names that are addresses ".arpa" leaves ".apa", "ipv6-literal" leaves "pv.ea".
    rest = encoded.translate(_MEANING, _OTHERS)
    if b"..." in rest and any(found(encoded) for found in _numbers):  # UUIDs may be all digits, but of four
        return True
    if b".apa" in rest or b"v.ea" in rest or _colons(encoded):
        return True
    if not rest.isascii() and _may_be_read_otherwise(encoded, rest):
        return True
    # Without the letters, too, eight groups leave seven colons or dashes; commas keep those of members apart.
    if b":::::::" not in rest.translate(_ONE_SIGN, _LETTERS):
        return False
    rest = rest.translate(None, _LETTERS)
    return b":::::::" in rest or b"......." in rest


def _may_be_read_otherwise(encoded: bytes, rest: bytes) -> bool:
    """Whether there is something encoded, defanged or folded in *encoded*, of which *rest* was made."""
    return (
        _WRAPPING in rest
        or (_CLOSING in rest and any(found(encoded) for found in _defanged))
        or (not encoded.isascii() and _foldable(encoded.decode()) is not None)
    )
