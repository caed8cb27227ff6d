"""Who is turned away at the door: whose address is known to have to wait, before anything else is done for him."""

from collections.abc import Iterable

from signalman.errors import Limited
from signalman.gateway.admission import Admission
from signalman.metrics import Metrics
from signalman.web.peers import Peers

_GUARDED = b"/v1/"
"""What takes credentials. A kubelet, Prometheus and a browser that loads the dashboard may share an address with
somebody who has to wait; paths in another writing than this go the long way, and are refused there.
"""
_HANDSHAKE = b"/v1/ws"


class Doorman:
    """Looks at a request's first lines, asks nobody, and counts whom he turns away.

    Args:
        admission: Knows who has to wait.
        peers: Finds the clients' addresses.
        metrics: Told of refused handshakes; `Admission` tells of the limit.
    """

    def __init__(self, admission: Admission, peers: Peers, metrics: Metrics) -> None:
        self._admission = admission
        self._peers = peers
        self._refused = metrics.handshakes.labels("refused")

    def refuses(self, peer: str | None, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Limited | None:
        """Why a request has to wait; None where it may go on, to be looked at more closely.

        *peer*: the address that has connected. *target*: as in the request's first line. *headers*: their names in
        small letters.
        """
        if not target.startswith(_GUARDED):
            return None
        forwarded_for = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
        limited = self._admission.refusal(self._peers.find(peer, forwarded_for))
        if limited is not None and target.partition(b"?")[0] == _HANDSHAKE:
            self._refused.inc()
        return limited
