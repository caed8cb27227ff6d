"""`make bench` runs: its figures are looked at by people, so nothing else would tell when one cannot be made."""

import os

import pytest

from tests.bench import __main__ as bench
from tests.bench.figures import Effort, Figure, line

LITTLE = Effort(rounds=1, seconds=8.0)


# Compiling takes half a minute: the integration tests do it; and what needs servers is done by the acceptance tests.
@pytest.mark.parametrize("name", sorted(bench.SECTIONS.keys() - {"compiled", "revocation", "handshakes"}))
def test_a_section_finds_figures(name: str) -> None:
    """Each with a name of its own, and numbers that make sense; only addresses that get through should be none."""
    figures = list(bench.SECTIONS[name](LITTLE))
    assert len({figure.what for figure in figures}) == len(figures) > 3
    for figure in figures:
        assert figure.number >= 0
        assert figure.number > 0 or "get through" in figure.what or figure.unit == "%"
        assert figure.ratio is None or figure.ratio > 0
        assert figure.what in line(figure)


def test_sections_can_be_chosen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`ARGS="--only operators"` measures that alone, with the effort that is asked for."""
    asked: list[Effort] = []

    def section(effort: Effort) -> list[Figure]:
        asked.append(effort)
        return [Figure("a thing", 1234.5, "us", 2.0)]

    monkeypatch.setattr(bench, "SECTIONS", {"one": section, "other": section})
    monkeypatch.setattr(bench, "stay_on_one_core", lambda: None)
    assert bench.main(["--only", "other", "--rounds", "3", "--seconds", "5"]) == 0
    assert asked == [Effort(3, 5.0)]
    assert capsys.readouterr().out == "other\n  a thing" + " " * 45 + "1,234 us              2.00 x\n"


def test_one_core_is_enough() -> None:
    """The process stays on one core, where the system lets it choose."""
    if not hasattr(os, "sched_setaffinity"):
        return
    before = os.sched_getaffinity(0)
    try:
        bench.stay_on_one_core()
        assert len(os.sched_getaffinity(0)) == 1
    finally:
        os.sched_setaffinity(0, before)
