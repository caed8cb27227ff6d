"""How a connection can end for good, beside the `AccessError`s that a refused credential raises."""

from signalman.errors import SignalmanError


class ConnectionEnded(SignalmanError):
    """The client does not come back: the server said not to, is none of ours, or reconnecting is switched off.

    ``code`` is a word for programs: an error code of `signalman.protocol.ERRORS`, ``close_<code>``, ``http_<status>``
    or ``lost``.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        """What happened."""
        return self.detail


class AddressError(SignalmanError):
    """The gateway's address is not one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        """What is wrong with it. Never the address itself: people put tokens into URLs."""
        return f"The address of the gateway {self.reason}; it looks like ws://127.0.0.1:18009."
