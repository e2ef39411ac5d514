"""Synthetic worlds with known truth. `make(seed, size)`; `python -m tests.worlds SEED FOLDER` writes one as a case."""

from tests.worlds.folder import write
from tests.worlds.making import SMALL, Size, make, ranking
from tests.worlds.world import Hop, Mark, Payment, Truth, World

__all__ = ["SMALL", "Hop", "Mark", "Payment", "Size", "Truth", "World", "make", "ranking", "write"]
