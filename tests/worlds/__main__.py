"""`python -m tests.worlds SEED FOLDER [small]`: write a world of the size for rankings, or a small one, as a case."""

import sys
from pathlib import Path

from tests.worlds import SMALL, make, ranking, write

seed = int(sys.argv[1])
world = make(seed, SMALL if "small" in sys.argv[3:] else ranking(seed))
write(world, Path(sys.argv[2]))
count = sum(len(one.transfers) for one in world.transactions)
print(f"world {seed}: {count} transfers, {len(world.truth.laundering)} laundering addresses in {sys.argv[2]}")
