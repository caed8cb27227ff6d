"""What the tests of operators share."""

from typing import Any

from hypothesis import strategies as st

from signalman.fields import Redaction
from signalman.redaction import Operators, Pseudonyms

SCOPE = ("5eed517e-ba5e-da7a-517e-ba5eda7a0001",)
PSEUDONYMS = Pseudonyms(b"a key of the tests")

REDACTIONS = {
    "drop": Redaction("v", "drop"),
    "null": Redaction("v", "null"),
    "mask": Redaction("v", "mask"),
    "hash": Redaction("v", "hash"),
    "centroid": Redaction("v", "centroid", longitude="w"),
    "url": Redaction("v", "url"),
    "json": Redaction("v", "json", keep={"a": None, "b": {"*": None}, "peer": None}),
    "scan": Redaction("v", "scan"),
}
"""One of each, for field ``v``."""

ADDRESSES = st.sampled_from(["203.0.113.9", "2001:db8::9", "198.51.100.7:80", "[2001:db8::7]:443", "203.0.113.0/24"])
URLS = st.sampled_from(["https://u:p@edge.example/live/x?t=1", "/live/x", "//h/x", "mailto:a@b.example"])
TEXTS = st.text(max_size=12) | ADDRESSES | URLS | st.sampled_from(["", ",", '{"a": 1, "c": 2}', '[{"b": {"x": "y"}}]'])
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "v", "w"]) | TEXTS, inner, max_size=4)
    ),
    max_leaves=20,
)
"""Any JSON value, and often enough one that an operator expects."""


def applied(data: dict[str, Any], *redactions: Redaction) -> tuple[dict[str, Any], int]:
    """What *redactions* leave of *data*, and how many values they left out."""
    return Operators(redactions, PSEUDONYMS).apply(data, SCOPE)
