"""Opens WebSockets with credentials that are not good, so many a second, from a score of addresses of this machine:
``python -m tests.bench.bad_handshakes PORT A-SECOND SECONDS``, with a JWT that is not good on standard input.

Says ``begun``, and in the end as JSON what became of them, and how hard it was for this process: ``cpu``, the part of
one core that it took, and ``late``, the longest that a try was begun after its time. Bare sockets: with asyncio it
would need more processor time than the gateway that it is there to disturb.
"""

import itertools
import json
import select
import socket
import sys
import time
from base64 import b64encode
from collections import Counter
from uuid import uuid4

_ADDRESSES = [f"127.0.0.{number}" for number in range(2, 23)]
"""Their number and that of the kinds of credential have no common factor: each address tries each kind."""
_PATIENCE = 10.0
"""Seconds for which the last ones are awaited: longer than a gateway waits for a credential."""
_READ = 4096


class Tries:
    """Everything that is under way, and what became of the rest."""

    def __init__(self, port: int, jwt: str) -> None:
        self.became: Counter[str] = Counter()
        self._port = port
        self._kinds = itertools.cycle((jwt, "", None, "fw_"))
        self._addresses = itertools.cycle(_ADDRESSES)
        self._poll = select.epoll()
        self._under_way: dict[int, tuple[socket.socket, bytes]] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self) -> None:
        """One more."""
        opening = socket.socket()
        opening.setblocking(False)
        opening.bind((next(self._addresses), 0))
        opening.connect_ex(("127.0.0.1", self._port))
        self._under_way[opening.fileno()] = (opening, b"")
        self._poll.register(opening, select.EPOLLOUT)

    def go_on(self, seconds: float) -> None:
        """Do what can be done within so many seconds."""
        for number, events in self._poll.poll(max(0.0, seconds)):
            opened, heard = self._under_way[number]
            try:
                if events & select.EPOLLOUT:
                    opened.sendall(self._request())
                    self._poll.modify(opened, select.EPOLLIN)
                elif chunk := opened.recv(_READ):
                    self._hear(opened, heard + chunk)
                else:
                    self._end(opened, "no answer" if not heard else f"{_status(heard)}, then closed")
            except OSError:
                self._end(opened, "no answer")

    def give_up(self) -> None:
        """What has not ended does not."""
        for opened, heard in list(self._under_way.values()):
            self._end(opened, "no answer in time" if not heard else f"{_status(heard)}, and nothing more")

    def _hear(self, opened: socket.socket, heard: bytes) -> None:
        self._under_way[opened.fileno()] = (opened, heard[:_READ])
        # Only an upgrade that was made goes on.
        if len(heard) > 12 and _status(heard) != "101":
            self._end(opened, _status(heard))

    def _end(self, opened: socket.socket, outcome: str) -> None:
        self.became[outcome] += 1
        del self._under_way[opened.fileno()]
        self._poll.unregister(opened)
        opened.close()

    def _request(self) -> bytes:
        kind = next(self._kinds)
        credential = f"fw_{uuid4().hex}{uuid4().hex}" if kind == "fw_" else kind
        header = "" if credential is None else f"Authorization: Bearer {credential}\r\n"
        return (
            f"GET /v1/ws HTTP/1.1\r\nHost: localhost:{self._port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {b64encode(bytes(16)).decode()}\r\n{header}\r\n"
        ).encode()


def _status(heard: bytes) -> str:
    return heard[9:12].decode("ascii", "replace")


def main(port: int, a_second: float, seconds: float) -> None:
    """Try, and tell."""
    tries = Tries(port, sys.stdin.readline().strip())
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    began, used, late = time.monotonic(), time.process_time(), 0.0
    for number in range(round(a_second * seconds)):
        while (early := began + number / a_second - time.monotonic()) > 0:
            tries.go_on(early)
        late = max(late, -early)
        tries.begin()
        tries.go_on(0)
    took = time.monotonic() - began
    cpu = (time.process_time() - used) / took
    until = time.monotonic() + _PATIENCE
    while len(tries) and (left := until - time.monotonic()) > 0:
        tries.go_on(left)
    tries.give_up()
    json.dump({"became": tries.became, "seconds": took, "cpu": cpu, "late": late}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
