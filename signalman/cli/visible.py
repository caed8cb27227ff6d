"""Text from outside, before a terminal or a person's eyes get it."""

import re
import uuid

# Controls (C0, DEL, C1) move the cursor, change titles and fake output; line and paragraph separators break a line in
# two; the bidirectional marks show text in another order than it has.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    r"""*text* with every character that a terminal would act upon written as ``\u001b``.

    Inside a JSON string that is the same character, so a line of JSON keeps its meaning.
    """
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def short(text: str, longest: int = 40) -> str:
    """*text* in at most *longest* characters. An id keeps both its ends: seeded ids differ only in the last digits."""
    if len(text) == 36 and _is_uuid(text):
        return f"{text[:8]}…{text[-4:]}"
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
