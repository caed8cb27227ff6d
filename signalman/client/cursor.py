"""Where one subscription stands in its view. Pure."""

from dataclasses import dataclass

from signalman.client.messages import Subscription


@dataclass(slots=True)
class Cursor:
    """A subscription as asked for once, and how far it has come."""

    subscription: Subscription
    id: str
    """The id on the wire. A new one for each attempt, so that what the server still says about an earlier attempt is
    not taken for the answer to this one."""
    view: str | None = None
    """The server's name for it; None until `subscribed`, and while a reset is under way."""
    epoch: str | None = None
    seq: int = 0

    def begin(self, view: str, epoch: str | None, seq: int) -> None:
        """The server begins, or begins anew."""
        self.view, self.epoch, self.seq = view, epoch, seq

    def advance(self, prev: int, seq: int, epoch: str | None) -> bool:
        """Take a frame's events if they join what came before; False where there is a hole.

        A frame names its epoch where its ``prev`` is 0, as the first of an epoch has: the only one that a cursor which
        began before anything was published has not heard of.
        """
        if prev != self.seq or seq < prev:
            return False
        if epoch is not None:
            if self.epoch is not None and epoch != self.epoch:
                return False
            self.epoch = epoch
        self.seq = seq
        return True
