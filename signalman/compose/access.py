"""Configuration, pack and directory → who may connect."""

import time

from signalman.access.accounts import Account, Accounts
from signalman.access.argon2_pool import Argon2Pool
from signalman.access.authenticator import Authenticator
from signalman.access.jwt_users import JwtUsers
from signalman.access.split_tokens import SplitTokens
from signalman.access.tokens import HashedTokens
from signalman.access.verdicts import Verdicts
from signalman.access.way import Way
from signalman.access_ports import Directory, Tickets
from signalman.channel import Catalog
from signalman.compose.admission import ticket_office
from signalman.compose.jwt import jwt_verifier
from signalman.config import Config
from signalman.errors import ConfigError, Fault
from signalman.metrics import Metrics


def access(
    config: Config, pack: Catalog, directory: Directory | None, tickets: Tickets, metrics: Metrics
) -> Authenticator:
    """Every way of being known that configuration and *pack* allow.

    Raises:
        ConfigError: A key or an account cannot be used.
    """
    ways: list[Way] = [_accounts(config, pack)]
    if directory is not None:
        ways += _tokens(config, pack, directory)
    verifier = jwt_verifier(config, pack)
    if verifier is not None:
        role = pack.access.operator_role if config.access.platform_operators else None
        ways.append(JwtUsers(verifier, directory, pack.levels, operator_role=role))
    return Authenticator(ways, tickets=ticket_office(config, tickets), metrics=metrics, clock=time.time)


def _tokens(config: Config, pack: Catalog, directory: Directory) -> list[Way]:
    schemes, section = pack.access.tokens, config.access
    split = SplitTokens(
        schemes,
        directory,
        pack.levels,
        pool=Argon2Pool(threads=section.argon2_threads, waiting=section.argon2_waiting),
        verdicts=Verdicts(keep_seconds=section.argon2_keep_seconds, clock=time.monotonic),
        memory_kib=section.argon2_memory_kib,
    )
    return [HashedTokens(schemes, directory, pack.levels), split]


def _accounts(config: Config, pack: Catalog) -> Accounts:
    accounts = (
        Account(
            name=each.name,
            token=each.token.get_secret_value(),
            scope=tuple(each.scope),
            role=each.role,
            permissions=None if each.permissions is None else frozenset(each.permissions),
            operator=each.operator,
        )
        for each in config.access.accounts
    )
    try:
        return Accounts(accounts, pack.levels)
    except ValueError as error:
        raise ConfigError([Fault("configuration", "access.accounts", str(error))]) from error
