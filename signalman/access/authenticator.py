"""Which kind of credential this is, and whose."""

from signalman.access.accounts import Accounts
from signalman.access.credentials import is_well_formed
from signalman.access.jwt import JwtVerifier
from signalman.access.tokens import PREFIX, ApiTokens
from signalman.errors import NotAuthenticated
from signalman.principal import Principal


class Authenticator:
    """Every way of being known that this deployment offers; one that is None takes nobody."""

    def __init__(
        self, *, jwt: JwtVerifier | None = None, tokens: ApiTokens | None = None, accounts: Accounts | None = None
    ) -> None:
        self._jwt = jwt
        self._tokens = tokens
        self._accounts = accounts

    async def authenticate(self, credential: str, now: float) -> Principal:
        """Who *credential* speaks for, at *now* in Unix seconds. Its form alone decides who is asked.

        Raises:
            NotAuthenticated: ``token_expired`` for a JWT, else ``token_invalid``. Never repeats the credential.
            BackendUnavailable: It is an API token, and the directory does not answer.
        """
        if is_well_formed(credential):
            account = self._accounts.find(credential) if self._accounts else None
            if account is not None:
                return account
            if self._tokens and credential.startswith(PREFIX):
                return await self._tokens.authenticate(credential)
            if self._jwt and credential.count(".") == 2:
                return self._jwt.verify(credential, now)
        raise NotAuthenticated("token_invalid", "The credential is of no kind that is taken here.")
