"""The composition root: the only place that knows configuration and drivers, and puts the parts together."""

from signalman.compose.dev import Started, run_dev
from signalman.compose.roles import run_gateway, run_relay, run_serve
from signalman.compose.simulate import simulate

__all__ = ["Started", "run_dev", "run_gateway", "run_relay", "run_serve", "simulate"]
