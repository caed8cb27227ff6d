"""Who sends a request: the credential of its ``Authorization`` header, checked and counted like those of handshakes."""

import hmac

from fastapi import Request

from signalman.access.tickets import TICKET_PREFIX
from signalman.errors import Forbidden, NotAuthenticated
from signalman.gateway.admission import Attempt
from signalman.gateway.gateway import Gateway
from signalman.principal import Principal
from signalman.web.handshake import header_credential
from signalman.web.peers import Peers


class Bearers:
    """The check of every request that asks for one.

    *prefixes*: what the platform's API tokens begin with. Whoever has *service_token* runs this gateway; without one
    nobody does.
    """

    def __init__(self, gateway: Gateway, peers: Peers, *, prefixes: frozenset[str], service_token: str) -> None:
        self._gateway = gateway
        self._peers = peers
        self._prefixes = prefixes
        self._service_token = service_token.encode()

    async def principal(self, request: Request) -> Principal:
        """Whose request this is.

        Raises:
            NotAuthenticated: There is no credential, or it is not good.
            Limited: There were too many attempts from this address.
            BackendUnavailable: It cannot be checked now.
        """
        attempt, credential = await self._begin(request)
        return await self._authenticate(attempt, credential)

    async def buyer(self, request: Request) -> Principal:
        """The same for one who buys a ticket, which he cannot do with another ticket: otherwise whoever gets hold of
        one could have access for ever.

        Raises:
            Forbidden: The credential is a ticket.
        """
        attempt, credential = await self._begin(request)
        if credential.startswith(TICKET_PREFIX):
            raise Forbidden("forbidden", "A ticket opens one connection and buys no other ticket.")
        return await self._authenticate(attempt, credential)

    async def operator(self, request: Request) -> None:
        """Return when the request is of somebody who runs this gateway.

        Raises:
            NotAuthenticated: It is not.
            Limited: There were too many attempts from this address.
        """
        attempt, credential = await self._begin(request)
        if not self._service_token or not hmac.compare_digest(credential.encode(), self._service_token):
            await attempt.failed()
            raise NotAuthenticated("token_invalid", "This is for operators, who send the service token.")

    async def _begin(self, request: Request) -> tuple[Attempt, str]:
        attempt = await self._gateway.admission.attempt(self._peers.address(request))
        try:
            credential = header_credential(request.headers, request.url.query, self._prefixes)
            if credential is None:
                raise NotAuthenticated("not_authenticated", "Send 'Authorization: Bearer <token>'.")
        except NotAuthenticated:
            await attempt.failed()
            raise
        return attempt, credential

    async def _authenticate(self, attempt: Attempt, credential: str) -> Principal:
        try:
            return await self._gateway.access.authenticate(credential)
        except NotAuthenticated:
            await attempt.failed()
            raise
