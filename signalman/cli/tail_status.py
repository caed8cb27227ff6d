"""What `signalman tail` says on standard error: where the connection stands, and what was missed."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from signalman.cli.visible import visible
from signalman.client.messages import (
    Connected,
    Disconnected,
    Fresh,
    Message,
    Refused,
    Reset,
    Stale,
    Subscription,
    Trouble,
)

_RESETS = {
    "gap": "events were lost on their way to the gateway",
    "epoch": "the event bus has lost its memory",
    "slow": "this client read too slowly, and what it had not read is gone",
    "snapshot": "the tables can be read again",
    "hole": "events are missing",
}


class Status:
    """Lines about the connection to *gateway*, its address as the person gave it."""

    def __init__(self, console: Console, gateway: str) -> None:
        self._console = console
        self._gateway = gateway

    def __call__(self, message: Message) -> None:
        """Say what *message* means, if it is about the connection."""
        match message:
            case Connected():
                who = f"{message.principal.get('kind')} {message.principal.get('id')}"
                self._say("green", f"connected to {self._gateway} as {who}")
            case Disconnected():
                self._say("yellow", f"{message.reason}; reconnecting in {_seconds(message.retry_in)}")
            case Reset():
                why = _RESETS.get(message.reason, message.reason)
                self._say("yellow", f"{message.subscription.channel}: {why}; starting over")
            case Stale():
                self._say("yellow", f"stale: events may be late or missing, the {message.backend} does not answer")
            case Fresh():
                self._say("green", f"fresh: the {message.backend} is back")
            case Refused():
                self._say("red", f"{message.subscription.channel}: {message.detail}")
            case Trouble():
                self._say("yellow", _trouble(message))
            case _:
                pass

    def live(self, subscriptions: Sequence[Subscription]) -> None:
        """All of *subscriptions* have caught up."""
        self._say("green", f"live: {', '.join(each.channel for each in subscriptions)}")

    def failed(self, detail: str) -> None:
        """The end, and why."""
        self._say("red", detail)

    def _say(self, colour: str, text: str) -> None:
        self._console.print(Text.assemble(("-- ", "dim"), (visible(text), colour)), soft_wrap=True)


def _trouble(trouble: Trouble) -> str:
    where = f"{trouble.subscription.channel}: " if trouble.subscription else ""
    again = f" (again in {_seconds(trouble.retry_in)})" if trouble.retry_in is not None else ""
    return f"{where}{trouble.detail}{again}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 1 else f"{seconds:.0f} s"
