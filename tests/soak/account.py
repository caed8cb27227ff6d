"""What became of every event, for every client."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.acceptance.follower import Follower


@dataclass(slots=True)
class Account:
    """The counts of one soak."""

    produced: int = 0
    """Events written to Kafka, of all tenants."""
    clients: int = 0
    due: int = 0
    """Deliveries that had to be made: each event to each client of its tenant."""
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    disordered: int = 0
    """Events of one partition that came after a later one of it."""
    resets: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    recovered: int = 0
    """Connections that went on where an earlier one had ended."""
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def is_right(self) -> bool:
        """Whether the promises were kept."""
        return bool(self.delivered) and not (self.lost or self.doubled or self.foreign or self.disordered)

    def add(self, follower: Follower, produced: Sequence[str]) -> None:
        """Compare what *follower* had with what its tenant *produced*, in order."""
        had = Counter(follower.ids)
        must = dict.fromkeys(produced)
        self.clients += 1
        self.due += len(must)
        self.delivered += sum(id_ in must for id_ in had)
        self.lost += sum(id_ not in had for id_ in must)
        self.doubled += sum(count - 1 for count in had.values())
        self.foreign += sum(id_ not in must for id_ in had)
        self.disordered += _disordered(follower.ids, produced)
        self.resets.update(follower.resets)
        self.connections += follower.told["connected"]
        self.recovered += follower.told["recovered"]

    def text(self) -> str:
        """As a table."""
        lines = {
            "clients": self.clients,
            "killed or cut": _listed(self.kills),
            "events produced": self.produced,
            "deliveries due": self.due,
            "delivered": self.delivered,
            "lost": self.lost,
            "doubled": self.doubled,
            "foreign": self.foreign,
            "out of order": self.disordered,
            "connections": self.connections,
            "of them resumed": self.recovered,
            "resets": _listed(self.resets),
            "": "everything once" if self.is_right else "NOT RIGHT",
        }
        return "".join(f"{name:>16}  {value}\n" for name, value in lines.items())


def _listed(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return f"{total}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) if total else "none"


def _disordered(had: Sequence[str], produced: Sequence[str]) -> int:
    place = {id_: number for number, id_ in enumerate(produced)}
    last, count = -1, 0
    for id_ in had:
        here = place.get(id_, last)
        count += here < last
        last = max(last, here)
    return count
