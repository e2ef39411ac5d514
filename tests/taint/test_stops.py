"""Which claim on an address counts, when, and what each category does to money that comes there."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.makers import START, address, label
from tracer.model import Category
from tracer.taint.stops import STOPS, Labels, Stop

DAY = timedelta(days=1)
SHOP = address(1)
MEANT = {
    Stop.ARRIVAL: {"exchange", "payment", "gambling", "swapper"},
    Stop.MIXER: {"mixer"},
    Stop.BRIDGE: {"bridge"},
    Stop.VENUE: {"dex", "lending", "token", "contract", "other"},
    None: {"scam", "hack", "wallet", "deposit"},
}


@pytest.mark.parametrize("category", Category)
def test_every_category_does_what_it_should(category: Category) -> None:
    """Custody ends a trace, mixers and bridges end the exact one, venues hand on; the others stop nothing."""
    assert [stop for stop, names in MEANT.items() if category in names] == [STOPS[category]]


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (1, True), (2, False), (3, False)], ids=str)
def test_a_label_holds_from_its_first_moment_until_before_its_last(days: int, holds: bool) -> None:
    """A label of two days: not before, from its first moment on, and no more at the moment at which it ended."""
    labels = Labels([label(SHOP, valid_from=START, valid_to=START + 2 * DAY)])

    assert holds is (labels.stop(SHOP, START + days * DAY) is Stop.ARRIVAL)


def test_of_a_label_without_dates_every_moment_counts() -> None:
    """What nobody dated counts as valid."""
    assert Stop.ARRIVAL is Labels([label(SHOP)]).stop(SHOP, START - 10_000 * DAY)


def test_claims_of_the_asked_confidence_are_heard() -> None:
    """At least 0.5 means that 0.5 is enough and 0.49 is not."""
    for confidence, stop in (("0.5", Stop.ARRIVAL), ("0.49", None)):
        assert stop is Labels([label(SHOP, confidence=confidence)], Decimal("0.5")).stop(SHOP, START)
