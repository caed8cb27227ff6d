"""The sections of `make bench` that need the installed command and real servers find figures."""

import pytest

from tests.bench.figures import Effort, LeftOut, line
from tests.bench.handshakes import handshakes
from tests.bench.revocation import revocation

LITTLE = Effort(rounds=1, seconds=8.0)


@pytest.mark.timeout(600)  # servers and gateways start, on whatever machine
@pytest.mark.parametrize("section", [revocation, handshakes])
def test_a_section_finds_figures(section: object) -> None:
    """Each with a name of its own and a number that makes sense; how large it is, is looked at by people."""
    assert callable(section)
    try:
        figures = list(section(LITTLE))
    except LeftOut as reason:
        pytest.skip(str(reason))
    assert len({figure.what for figure in figures}) == len(figures) >= 7
    for figure in figures:
        assert figure.number >= 0
        assert figure.what in line(figure)
