"""Signalman: a real-time WebSocket event broadcaster for multi-tenant platforms."""

from importlib.metadata import version

__version__ = version("signalman")
