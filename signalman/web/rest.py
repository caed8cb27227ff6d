"""The HTTP side: what channels there are, pages of their tables, and tickets."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field

from signalman.access.grants import grants, may_read, resolve_scope
from signalman.channel import Catalog, Channel
from signalman.errors import BadMessage, Forbidden
from signalman.event import PLATFORM, Scope
from signalman.gateway.frames import rfc3339
from signalman.gateway.gateway import Gateway
from signalman.gateway.pages import decode_cursor, encode_cursor
from signalman.gateway.requests import filter_excess, parse_filter
from signalman.ports import SnapshotQuery
from signalman.principal import Grant, Principal
from signalman.table import Table
from signalman.web.bearer import Bearers

DEFAULT_PAGE = 50
MAX_PAGE = 500
_OWN_PARAMETERS = {"table", "first", "after", "scope"}


class Ticket(BaseModel):
    """What `POST /v1/tickets` answers."""

    ticket: str = Field(repr=False)
    """``sgt_…``; worth one connection."""
    expires_in: float
    """Seconds for which it is good."""


def router(gateway: Gateway, bearers: Bearers) -> APIRouter:
    """The routes of one gateway."""
    # Tells readers of the OpenAPI document how to authenticate; `bearers` does the work.
    routes = APIRouter(dependencies=[Depends(HTTPBearer(auto_error=False))])

    Known = Annotated[Principal, Depends(bearers.principal)]  # noqa: N806 # a type

    @routes.get("/v1/channels", tags=["channels"])
    async def channels(known: Known) -> dict[str, Any]:
        """The channels that this credential may read: event types, filters, tables; and what each is about, where the
        channel's file says so: event types under ``about``, by their names, tables in their own member.
        """
        return {"channels": _listed(gateway.catalog, grants(known, gateway.catalog))}

    @routes.get("/v1/channels/{channel}/snapshot", tags=["channels"])
    async def snapshot(
        channel: str,
        request: Request,
        known: Known,
        table: str | None = None,
        first: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
        after: Annotated[str | None, Query(max_length=2048)] = None,
        scope: Annotated[list[str] | None, Query(max_length=8)] = None,
    ) -> dict[str, Any]:
        """One page of a table's current rows, in key order. Further query parameters are the channel's filter
        fields.
        """
        found = _channel(gateway, channel)
        wanted = _scope(gateway, known, found, scope)
        of = _table(found, table)
        await gateway.inspection.check(found.name, of)
        query = SnapshotQuery(of, wanted, _filters(gateway, request, found), limit=first + 1)
        await gateway.admission.snapshot(known)
        if after is not None:
            query = SnapshotQuery(query.table, wanted, query.filters, decode_cursor(query, after), first + 1)
        read, total = await asyncio.gather(gateway.snapshots.read(query), gateway.snapshots.count(query))
        rows = read.rows[:first]
        return {
            "channel": found.name,
            "table": query.table.name,
            "key": query.table.key,
            "rows": rows,
            "totalCount": total,
            "pageInfo": {
                "hasNextPage": len(read.rows) > first,
                "endCursor": encode_cursor(query, rows[-1]) if rows else None,
            },
            "asOf": rfc3339(read.as_of_ms / 1000),
        }

    @routes.post("/v1/tickets", tags=["channels"])
    async def tickets(buyer: Annotated[Principal, Depends(bearers.buyer)], response: Response) -> Ticket:
        """A ticket that opens one WebSocket as this credential would, within ``expires_in`` seconds: for a page, which
        can send no header with its handshake, and whose own credential has no place in a URL.
        """
        ticket, seconds = await gateway.access.issue_ticket(buyer)
        response.headers["Cache-Control"] = "no-store"
        return Ticket(ticket=ticket, expires_in=seconds)

    @routes.get("/v1/stats", tags=["operations"], dependencies=[Depends(bearers.operator)])
    async def stats() -> dict[str, Any]:
        """How many connections, subscriptions, feeds and views there are now. Asks for the service token."""
        return gateway.stats()

    return routes


def _listed(catalog: Catalog, granted: frozenset[Grant]) -> list[dict[str, Any]]:
    names = {grant.channel for grant in granted}
    return [
        {
            "name": channel.name,
            "title": channel.title,
            "description": channel.description,
            "events": sorted(channel.events),
            "about": {name: each.about for name, each in sorted(channel.events.items()) if each.about},
            "filters": {name: {"type": f.type, "title": f.title} for name, f in sorted(channel.filters.items())},
            "tables": {
                name: {
                    "title": table.title,
                    **({"about": table.about} if table.about else {}),
                    "key": list(table.key),
                    "columns": [*table.columns, *table.derived],
                }
                for name, table in sorted(channel.tables.items())
            },
        }
        for channel in sorted(catalog.channels.values(), key=lambda c: c.name)
        if channel.name in names
    ]


def _scope(gateway: Gateway, known: Principal, channel: Channel, requested: list[str] | None) -> Scope:
    scope = resolve_scope(known, requested, gateway.catalog.levels)
    if not may_read(grants(known, gateway.catalog), channel.name, scope):
        raise Forbidden("forbidden", f"This credential does not grant channel '{channel.name}'.")
    if scope == PLATFORM:
        raise BadMessage("invalid_request", "What belongs to the platform itself has events and no tables.")
    return scope


def _channel(gateway: Gateway, name: str) -> Channel:
    channel = gateway.catalog.channels.get(name)
    if channel is None:
        known = ", ".join(sorted(gateway.catalog.channels))
        raise BadMessage("unknown_channel", f"There is no such channel; there are {known}.")
    return channel


def _table(channel: Channel, name: str | None) -> Table:
    if name is None and len(channel.tables) == 1:
        return next(iter(channel.tables.values()))
    table = channel.tables.get(name or "")
    if table is None:
        known = ", ".join(sorted(channel.tables)) or "none"
        raise BadMessage("invalid_request", f"Say 'table='; the tables of channel '{channel.name}' are: {known}.")
    return table


def _filters(gateway: Gateway, request: Request, channel: Channel) -> tuple[tuple[str, tuple[str, ...]], ...]:
    query = request.query_params
    wanted: dict[str, str | list[str]] = {name: query.getlist(name) for name in query if name not in _OWN_PARAMETERS}
    if "type" in wanted:
        raise BadMessage("invalid_request", "Table rows have no event type to filter by.")
    limits = gateway.limits
    if (excess := filter_excess(wanted, limits.filter_fields, limits.filter_values)) is not None:
        gateway.metrics.limited.labels(excess).inc()
        raise BadMessage("filter_too_large", "There are more filter fields or values than one filter may have.")
    filter_ = parse_filter(wanted, channel)
    return tuple((name, tuple(sorted(values))) for name, values in filter_.fields)
