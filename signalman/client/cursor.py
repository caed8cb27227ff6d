"""Where one subscription stands, across views and sockets. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from signalman.client.messages import Subscription
from signalman.client.recent import Recent
from signalman.event import Json


@dataclass(slots=True)
class Cursor:
    """How far a subscription has come. It outlives its socket, so that the next one can go on from here."""

    subscription: Subscription
    id: str = ""
    """The id on the wire. A new one for each attempt, so that what the server still says about an earlier attempt is
    not taken for the answer to this one."""
    view: str | None = None
    """The server's name for it; None until `subscribed`, and while a reset is under way."""
    epoch: str | None = None
    """The server's token, only ever compared. None while nothing was ever published."""
    seq: int = 0
    complete: bool = False
    """Whether all that there is up to here was delivered, the tables included. Without that it cannot be resumed: what
    is missing would never come."""
    live: bool = False
    """Whether this attempt has caught up."""
    _lacking: bool = field(default=False, repr=False)
    _delivered: Recent = field(default_factory=Recent, repr=False)
    """Events, by whichever attempt."""
    _mending: bool = field(default=False, repr=False)

    @property
    def resume(self) -> dict[str, Json] | None:
        """What to ask for so that nothing is missed and nothing comes twice; None where it must begin anew."""
        return {"epoch": self.epoch, "seq": self.seq} if self.complete and self.epoch is not None else None

    def copy(self) -> "Cursor":
        """One that stands where this one does, and moves by itself."""
        return replace(self, _delivered=self._delivered.copy())

    def ask(self, id_: str) -> None:
        """Another attempt is made, under this id."""
        self.id, self.view, self.live = id_, None, False

    def begin(self, view: str, epoch: str | None, seq: int) -> None:
        """The server begins, or begins anew."""
        self.view, self.epoch, self.seq = view, epoch, seq
        self.complete = self.live = self._lacking = False

    def lack(self) -> None:
        """Tables cannot be read, and come, if they do, in another beginning: until then it cannot be resumed."""
        self.complete, self._lacking = False, True

    def go_on(self, view: str, epoch: str | None, seq: int) -> bool:
        """The server goes on from where this cursor stands; False where it means another place."""
        if self.resume != {"epoch": epoch, "seq": seq}:
            return False
        self.view = view
        return True

    def advance(self, prev: int, seq: int, epoch: str | None) -> bool:
        """Take a frame of events, or of what was left out, if it joins what came before; False where there is a hole.
        *epoch* is given where ``prev`` is 0.
        """
        if prev != self.seq or seq <= prev or not self._learn(epoch):
            return False
        self.seq = seq
        if self.live:
            self._mending = False
        return True

    def deliver(self, ids: Collection[str]) -> frozenset[str]:
        """Note that these events are delivered; those of them that have been before.

        A join replays the last events over its tables. Once it has caught up, nothing comes a second time.
        """
        repeated = frozenset() if self.live else frozenset(id_ for id_ in ids if id_ in self._delivered)
        self._delivered.add(ids)
        return repeated

    def skip(self, seq: int, epoch: str | None) -> bool:
        """Nothing is there for this subscription up to *seq*; False where the cursor is beyond that already."""
        if seq < self.seq or not self._learn(epoch):
            return False
        self.seq = seq
        return True

    def _learn(self, epoch: str | None) -> bool:
        """Take the epoch from a frame that names it, as the first of an epoch does: a subscription that began before
        anything was published has not heard of it. False where it is another one than before.
        """
        if self.epoch is None:
            self.epoch = epoch
        return epoch is None or epoch == self.epoch

    def catch_up(self, seq: int) -> None:
        """All that there was at the beginning has been delivered, and the chain goes on from *seq*."""
        self.seq = max(self.seq, seq)
        self.complete, self.live = not self._lacking, True

    def start_over(self) -> None:
        """Something is missing; nothing is taken until the server begins anew."""
        self.view = None
        self.complete = self.live = False

    def mend(self) -> bool:
        """Whether a hole can be filled by resuming before it. False for a hole that comes right after a mended one:
        the cursor then has to start over.
        """
        if self._mending or self.resume is None:
            self._mending = False
            self.start_over()
            return False
        self._mending = True
        return True
