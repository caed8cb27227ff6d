"""Spans of time as people write them on a command line."""

import re
from datetime import timedelta

import typer

_FORM = re.compile(r"(\d{1,9})([smhd]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = timedelta(days=36_500)


def duration(text: str, option: str) -> timedelta:
    """*text* as a span of time: ``90d``, ``12h``, ``15m``, ``900s`` or ``900``, which is seconds.

    Raises:
        typer.BadParameter: It is none, or zero, or longer than a century. Names *option*.
    """
    match = _FORM.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise typer.BadParameter("must be a time such as 90d, 12h, 15m or 900s", param_hint=option)
    return timedelta(seconds=seconds)
