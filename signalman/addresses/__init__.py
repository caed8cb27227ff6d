"""Finding IP addresses in texts, in whatever writing.

Seen are, anywhere in a text and glued to whatever is around: IPv4 addresses with dots, dashes or underscores; IPv6
addresses short, full, mapped, with a zone or a port; host names that spell an address (``ip-10-0-0-5``, reverse DNS,
``ipv6-literal.net``). All of it also percent-encoded, escaped as in JSON, as entities, defanged (``203[.]0``) or in
full-width characters, several of these at a time and several times over.

What looks like an address and like something else is one or the other by these decisions. A leak is the worst that can
happen, so in doubt it is an address:

- Four numbers up to 255 with the same dot, dash or underscore between them are an address, also within more of them:
  a version ``1.2.3.4`` goes, ``1.2.3`` and ``1.2.840.113549`` stay. `signalman.addresses.lookalikes` names what is
  excepted: versions that known players write, video codecs, dates down to the minute, MACs.
- Six, eight or more pairs of hex digits are a MAC, an EUI-64 or a fingerprint, although eight of them could be read
  as an IPv6 address: one of ``::/8``, where nobody lives.
- ``std::vector`` and ``a::b::c`` are paths of a programming language: names around ``::`` of which one is no group of
  an address, or names that two ``::`` join. ``dead::beef`` could be either and is an address; so is a path with a year
  (``rust_2021::prelude``), and so is a number after a key (``user::42``).
- ``::`` alone stays: it names nobody.

Not seen, and known not to be: addresses as one integer, in hex or octal (``0xcb007109``), in base64 or hashed; parts
of an address (``203.0.113.*``, ``127.1``); numbers with spaces or different signs between them; IPv6 addresses that are
both shortened and written with dashes (``2001-db8--1``), but for names in ``ipv6-literal.net``; one that is glued to a
word and shortened at the glued group, where that group is of no range in use (``xabcd::ef``).
"""

from signalman.addresses.document import may_hold_address
from signalman.addresses.text import holds_address, without_addresses

__all__ = ["holds_address", "may_hold_address", "without_addresses"]
