"""The image has the relay's stages as machine code, made of the same source."""

from collections import Counter

import pytest

from tests import compiled
from tests.bench.compiled import compiled as section
from tests.bench.figures import Effort
from tests.integration.outcomes import Stages, records

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def compiler() -> None:
    """Skips where there is none; CI has one and allows no skip."""
    if lacking := compiled.lacking():
        pytest.skip(f"needs {lacking}")


def test_the_compiled_stages_do_what_the_source_says() -> None:
    """Of every record, sound or broken in thousands of ways, both make the same, to the byte, or refuse it for the same
    reason at the same place.
    """
    told = compiled.run("tests.integration.outcomes").splitlines()
    stages = Stages()
    kinds: Counter[str] = Counter()
    for each, other in zip(records(), told, strict=True):
        own = stages.outcome(each)
        assert other == own
        kinds[own.split(" ", 1)[0]] += 1
    # The records are worth comparing: most are published, and others are refused in many ways.
    assert kinds["published"] > 5000
    assert len(kinds) > 8


def test_the_bench_measures_them() -> None:
    """Section ``compiled`` of `make bench` has the figures of section ``stages``."""
    figures = list(section(Effort(rounds=1, seconds=8.0)))
    assert len(figures) > 3
    assert all(figure.number > 0 for figure in figures)
