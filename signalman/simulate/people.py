"""People who watch: a crowd of fixed size from which the same faces come and go."""

from dataclasses import dataclass
from random import Random

from signalman.simulate.addresses import client_address, proxy_address
from signalman.simulate.identity import hexadecimal
from signalman.simulate.ledger import Ledger
from signalman.simulate.places import CITIES, Place

CONNECTORS = ("HLS", "HLS", "WebRTC", "DASH", "CMAF", "RTMP")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a device. Everything but the city and the connector is secret."""

    address: str
    forwarded: str
    """The address as a chain of proxies hands it on."""
    token: str
    signature: str
    """Of the playback permit that goes along in URLs."""
    identifier: str
    """What the media server recognizes a session by."""
    place: Place
    latitude: float
    """Not rounded to a map cell."""
    longitude: float
    connector: str
    device: str

    def url(self, base: str, stream_name: str) -> str:
        """What the player asks for, credentials and all."""
        permit = f"tkn={self.token}&jwt=eyJhbGciOiJFUzI1NiJ9.{self.signature}"
        return f"{base}/{stream_name}/index.m3u8?{permit}&sid={self.identifier}&fwcid={self.device}"


def crowd(dice: Random, ledger: Ledger, size: int) -> tuple[Person, ...]:
    """So many people, whose secrets are in the *ledger* from the start."""
    people = tuple(_person(dice) for _ in range(size))
    for person in people:
        ledger.add(person.address, person.token, person.signature, person.identifier, person.device)
        ledger.add(*person.forwarded.split(", "))
    return people


def _person(dice: Random) -> Person:
    place, address = dice.choice(CITIES), client_address(dice)
    return Person(
        address=address,
        forwarded=f"{address}, {proxy_address(dice)}" if dice.random() < 0.6 else address,
        token=f"vt_{hexadecimal(dice, 24)}",
        signature=hexadecimal(dice, 40),
        identifier=f"sid{hexadecimal(dice, 20)}",
        place=place,
        latitude=_unrounded(dice, place.latitude),
        longitude=_unrounded(dice, place.longitude),
        connector=dice.choice(CONNECTORS),
        device=f"dev{hexadecimal(dice, 12)}",
    )


def _unrounded(dice: Random, degrees: float) -> float:
    # Ten digits, of which the last is odd: always written in full, and longer than the fraction of any timestamp, so
    # that a search for it finds nothing else.
    return round(degrees + (dice.randrange(-(10**8), 10**8) * 2 + 1) / 10**10, 10)
