"""What `signalman tail` says on standard error: where the connection stands, and what was missed."""

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from signalman.cli.visible import visible
from signalman.client.messages import (
    Connected,
    Disconnected,
    Dropped,
    Expiring,
    Fresh,
    Message,
    Refused,
    Renewed,
    Reset,
    Stale,
    Subscribed,
    Trouble,
)

_RESETS = {
    "gap": "events were lost on their way to the gateway",
    "epoch": "the event bus has begun anew",
    "skipped": "events that had waited for too long were passed over",
    "slow": "this client read too slowly, and what it had not read is gone",
    "snapshot": "the tables can be read again",
    "trimmed": "it was away for longer than the gateway remembers",
    "changed": "the channel or what may be seen of it has changed",
    "hole": "events are missing",
}

_STALE = {
    "bus": "the bus does not answer",
    "source": "nobody reads the platform's events",
}

_FRESH = {
    "bus": "the bus is back",
    "source": "the platform's events are read again",
}


class Status:
    """Lines about the connection to *gateway*, its address as the person gave it."""

    def __init__(self, console: Console, gateway: str) -> None:
        self._console = console
        self._gateway = gateway

    def __call__(self, message: Message) -> None:
        """Say what *message* means, if it is about the connection."""
        match message:
            case Connected() | Expiring() | Renewed():
                self._access(message)
            case Disconnected():
                self._say("yellow", f"{message.reason}; reconnecting in {_seconds(message.retry_in)}")
            case Reset():
                why = _RESETS.get(message.reason, message.reason)
                self._say("yellow", f"{message.subscription.channel}: {why}; starting over")
            case Dropped():
                self._say("yellow", f"{message.subscription.channel}: {_dropped(message.count)}")
            case Subscribed(partial=True):
                self._say(
                    "yellow", f"{message.subscription.channel}: the history is short, and rows may be behind at first"
                )
            case Stale():
                why = _STALE.get(message.backend, message.backend)
                self._say("yellow", f"stale: events may be late or missing, {why}")
            case Fresh():
                self._say("green", f"fresh: {_FRESH.get(message.backend, message.backend)}")
            case Refused():
                self._say("red", f"{message.subscription.channel}: {message.detail}")
            case Trouble():
                self._say("yellow", _trouble(message))
            case _:
                pass

    def live(self, begun: Mapping[str, bool]) -> None:
        """These channels have caught up; True for those that went on where they stood."""
        began = [name for name, went_on in begun.items() if not went_on]
        went_on = [name for name, went_on in begun.items() if went_on]
        if began:
            self._say("green", f"live: {', '.join(began)}")
        if went_on:
            self._say("green", f"live again, nothing missed: {', '.join(went_on)}")

    def failed(self, detail: str) -> None:
        """The end, and why."""
        self._say("red", detail)

    def _access(self, message: Connected | Expiring | Renewed) -> None:
        match message:
            case Connected():
                who = f"{message.principal.get('kind')} {message.principal.get('id')}"
                self._say("green", f"connected to {self._gateway} as {who}")
            case Expiring():
                self._say("yellow", f"access ends in {_seconds(message.in_seconds)}")
            case Renewed():
                until = f" until {message.expires_at}" if message.expires_at else ""
                self._say("green", f"access goes on{until}: {', '.join(message.channels)}")

    def _say(self, colour: str, text: str) -> None:
        self._console.print(Text.assemble(("-- ", "dim"), (visible(text), colour)), soft_wrap=True)


def _trouble(trouble: Trouble) -> str:
    where = f"{trouble.subscription.channel}: " if trouble.subscription else ""
    again = f" (again in {_seconds(trouble.retry_in)})" if trouble.retry_in is not None else ""
    return f"{where}{trouble.detail}{again}"


def _dropped(count: int) -> str:
    events = "1 event is" if count == 1 else f"{count} events are"
    return f"this client read too slowly, and {events} left out"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 1 else f"{seconds:.0f} s"
