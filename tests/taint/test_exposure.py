"""Exposure: who was reached directly, who through others, and how much of it."""

from __future__ import annotations

from tests.taint.scenario import told
from tracer.taint.exposure import exposures


def test_one_hop_is_direct_and_more_are_indirect() -> None:
    """The same exchange is exposed to what came straight and to what came through others, apart."""
    story = told(
        """
        label shop exchange
        thief -> shop 30
        thief -> a 70
        a -> shop 70
        origin: thief
        """
    )
    found = [one for one in exposures(story.flow().fold()) if one.method == "fifo"]

    assert [("direct", 1, 30), ("indirect", 2, 70)] == [(one.exposure_type, one.min_hops, one.amount) for one in found]
    assert {("shop", "exchange", "outgoing")} == {(one.entity, one.category, one.direction) for one in found}


def test_a_swap_on_the_way_is_no_hop() -> None:
    """Changing the asset at the reported address and paying the exchange is still direct."""
    story = told(
        """
        label shop exchange
        label pool dex
        1: thief -> pool 100
        1: pool -> thief 40 ETH
        thief -> shop 40 ETH
        origin: thief USDT
        """
    )
    found = [one for one in exposures(story.flow().fold()) if one.method == "fifo"]

    assert [("direct", 40, 100)] == [(one.exposure_type, one.amount, one.origin_amount) for one in found]


def test_every_method_has_its_own_exposure() -> None:
    """Methods that bring nothing are not exposed; the others sum their own amounts."""
    story = told(
        """
        label shop exchange
        thief -> a 100
        friend -> a 100
        a -> shop 100
        origin: thief
        """
    )
    found = {one.method: one.amount for one in exposures(story.flow().fold())}

    assert {"fifo": 100, "haircut": 50, "dirty_first": 100} == found
