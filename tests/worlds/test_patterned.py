"""Detectors of patterns in worlds: they see gangs, and hardly ever ordinary people."""

from __future__ import annotations

import pytest

from tests.worlds.patterned import measured
from tracer.detect.patterns import DETECTORS

SEEDS = (0, 1, 2)


@pytest.mark.parametrize("name", DETECTORS)
def test_ordinary_people_hardly_look_alike(name: str) -> None:
    """Of a thousand and more that are judged as if they were tainted, at most one in a hundred is seen."""
    found = measured(SEEDS)
    assert found.judged["ordinary"] > 1_000
    assert found.rate(name, "ordinary") <= 0.01


def test_gangs_are_seen() -> None:
    """Their collectors and pay-backs are there, five times as often and more as at ordinary people's."""
    found = measured(SEEDS)
    for name in ("victim_convergence", "inducement_payback"):
        assert found.rate(name, "gang") >= 5 * found.rate(name, "ordinary")
        assert found.rate(name, "gang") > 0.02
