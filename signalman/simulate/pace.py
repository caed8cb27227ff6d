"""How large and how fast a world must be to emit so many events a second."""

from signalman.simulate.world import World

_TRIAL = 180.0
"""Seconds of a world from which its rate is known."""
_MOST_VIEWERS = 100
"""Of one stream: beyond them the world becomes faster instead of larger."""


def at_rate(
    rate: float, *, start: float, seed: int = 1, tenants: int = 3, streams_per_tenant: int = 4, viewers: int = 12
) -> World:
    """A world that emits about *rate* events a second: with more viewers, up to a point, and with time sped up.

    Takes a trial run, of two seconds or so for a large world. The rate is that of minutes; single seconds differ.
    A rate below 2 wants fewer tenants instead: nodes would report too seldom to count as alive.
    """
    size = max(viewers, min(_MOST_VIEWERS, int(rate / 2)))
    trial = World(
        start=start, seed=seed, tenants=tenants, streams_per_tenant=streams_per_tenant, viewers_per_stream=size
    )
    usual = len(trial.step(start + _TRIAL)) / _TRIAL
    return World(
        start=start,
        seed=seed,
        tenants=tenants,
        streams_per_tenant=streams_per_tenant,
        viewers_per_stream=size,
        speed=rate / usual,
    )
