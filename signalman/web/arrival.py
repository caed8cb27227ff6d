"""Who knocks at `/v1/ws`, decided before the upgrade, where a refusal still has an HTTP status."""

from dataclasses import dataclass

import structlog
from fastapi import WebSocket
from starlette.responses import Response

from signalman.errors import AccessError, BackendUnavailable, NotAuthenticated
from signalman.gateway import audit
from signalman.gateway.admission import Visitor
from signalman.gateway.gateway import Gateway
from signalman.principal import Principal
from signalman.web.handshake import Rules, handshake_credential
from signalman.web.problems import error_response

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who may come in."""

    visitor: Visitor
    principal: Principal | None
    """None: he has brought no credential, and has to send `auth`."""
    heard: int
    """How many notices the gateway had heard before the credential was checked."""


class Refused(Exception):
    """A handshake that is answered with something other than an upgrade."""

    def __init__(self, response: Response, outcome: str) -> None:
        super().__init__()
        self.response = response
        self.outcome = outcome
        """As `signalman_handshakes_total` has it."""


async def admit(gateway: Gateway, socket: WebSocket, visitor: Visitor, rules: Rules) -> Arrival:
    """Who *visitor* is, by what his handshake carries.

    Raises:
        Refused: He does not come in.
    """
    principal: Principal | None = None
    heard = gateway.heard  # before the check: what is heard meanwhile may be about him
    try:
        credential = handshake_credential(socket.headers, socket.url.query, socket.scope["subprotocols"], rules)
        if credential is None:
            return Arrival(visitor, None, heard)
        principal = await gateway.access.authenticate(credential)
        await visitor.known(principal)
    except (AccessError, BackendUnavailable) as error:
        if isinstance(error, NotAuthenticated):
            await visitor.failed()
        raise refusal(error, visitor.mark, principal) from error
    return Arrival(visitor, principal, heard)


def refusal(error: AccessError | BackendUnavailable, mark: str | None, principal: Principal | None = None) -> Refused:
    """*error* as the answer to a handshake, told in the audit log. *mark* stands for the visitor's address.

    Who has to wait and comes all the same is told of once, by `Admission`: a line for each attempt would cost more than
    the attempt, and fill a disk.
    """
    response, code = error_response(error)
    if isinstance(error, BackendUnavailable):
        log.warning(code, detail=str(error))
    if code != "too_many_attempts":
        audit.refused(audit.Who(None, mark, principal), code)
    return Refused(response, "unavailable" if isinstance(error, BackendUnavailable) else "refused")
