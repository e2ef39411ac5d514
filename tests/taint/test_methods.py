"""What a pot keeps after it paid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracer.taint.methods import METHODS, Lot

HELD = [Lot(3), Lot(5, "thief", 5, 1), Lot(4), Lot(6, "boss", 6, 2)]


@pytest.mark.parametrize(
    ("method", "kept"),
    [
        ("fifo", [Lot(3, "thief", 3, 1), Lot(4), Lot(6, "boss", 6, 2)]),
        ("lifo", [Lot(3), Lot(5, "thief", 5, 1), Lot(4), Lot(1, "boss", 1, 2)]),
        ("haircut", [Lot(3), Lot(3, "thief", 3, 1), Lot(3), Lot(4, "boss", 4, 2)]),
        ("dirty_first", [Lot(3), Lot(4), Lot(6, "boss", 6, 2)]),
        ("clean_first", [Lot(5, "thief", 5, 1), Lot(2), Lot(6, "boss", 6, 2)]),
    ],
)
def test_what_is_kept_stays_in_order_of_arrival(method: str, kept: list[Lot]) -> None:
    """Of 18 coins in four lots 5 are paid; what is left lies there in the order in which it came."""
    _, left = METHODS[method].spend([replace(lot) for lot in HELD], 5)

    assert kept == left
