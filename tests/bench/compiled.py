"""Section ``compiled``: the same stages as machine code, as the image has them, in a process of their own."""

import json
import sys
from collections.abc import Iterator

from tests import compiled as build
from tests.bench.figures import Effort, Figure, LeftOut
from tests.bench.stages import stages


def compiled(effort: Effort) -> Iterator[Figure]:
    """The figures of section ``stages``.

    Raises:
        LeftOut: This machine cannot compile.
    """
    if lacking := build.lacking():
        raise LeftOut(f"this machine lacks {lacking}")
    printed = build.run("tests.bench.compiled", str(effort.rounds), str(effort.seconds))
    for figure in json.loads(printed):
        yield Figure(*figure)


def main(rounds: str, seconds: str) -> None:
    """In the process that has the compiled package."""
    if not build.is_running():
        sys.exit("this is not the compiled package")
    json.dump(list(stages(Effort(int(rounds), float(seconds)))), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
