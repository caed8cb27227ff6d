"""`make bench`: how fast the parts are that run for every event. Figures only: nothing is judged by a time.

Everything in one process is measured in processor time, on one core, in rounds. A number is that of an undisturbed
round; a ratio is to the baseline of its section, which was measured in turn with the rest, and can be compared between
machines. Sections ``revocation`` and ``handshakes`` measure the installed command around real servers, by the clock on
the wall and on all cores: they want a machine that does nothing else.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from tests.bench.cleaning import cleaning
from tests.bench.compiled import compiled
from tests.bench.credentials import credentials
from tests.bench.figures import Effort, LeftOut, Section, line
from tests.bench.handshakes import handshakes
from tests.bench.operators import operators
from tests.bench.revocation import revocation
from tests.bench.stages import stages

SECTIONS: Mapping[str, Section] = {
    "stages": stages,
    "compiled": compiled,
    "net": cleaning,
    "operators": operators,
    "credentials": credentials,
    "revocation": revocation,
    "handshakes": handshakes,
}
"""Name → what measures it, in the order of the table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it as the command line says."""
    usual = Effort()
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="measure this section; may be repeated")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="times that everything is measured")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of the simulated platform's records")
    given = parser.parse_args(arguments)
    stay_on_one_core()
    for name in given.only or SECTIONS:
        sys.stdout.write(f"{name}\n")
        try:
            for figure in SECTIONS[name](Effort(given.rounds, given.seconds)):
                sys.stdout.write(f"{line(figure)}\n")
                sys.stdout.flush()
        except LeftOut as reason:
            sys.stdout.write(f"  left out: {reason}\n")
    return 0


def stay_on_one_core() -> None:
    """Where the system has it, so that caches stay warm and no second core helps."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())
