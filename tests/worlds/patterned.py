"""How often detectors of patterns see something: at a gang's addresses, and at ordinary people's, who are all judged.

`python -m tests.worlds.patterned [SEED …]` prints the README's table, of seeds 0 to 19. Ordinary people are those of
small worlds with a gang (`make`) and of worlds of sweeps, with merchants and payment processors; every one is judged as
if money of a report had come to them, except for what needs reports: there the real ones of the world count.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cache

from tests.worlds.engine import folded
from tests.worlds.making import make
from tests.worlds.sweeps import sweeps, touching
from tracer.detect.deposits import Deposits
from tracer.detect.patterns import DETECTORS, Move, Scene
from tracer.exports.scenes import scene
from tracer.model import Address, Kind, Transaction
from tracer.taint.stops import Labels

REPORTED = range(20)


@dataclass
class Seen:
    """How many addresses of each kind were judged, and at how many each detector saw something."""

    judged: Counter[str] = field(default_factory=Counter)
    seen: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def rate(self, detector: str, kind: str) -> float:
        """The share of a kind at which a detector saw something."""
        return self.seen[detector][kind] / max(1, self.judged[kind])


def everybody(transactions: Iterable[Transaction], but: Collection[Address], dropped: Collection[str] = ()) -> Scene:
    """Everybody beside those that are known, each with all they did; everybody paying may be a victim."""
    moves: dict[Address, list[Move]] = defaultdict(list)
    payers: dict[Address, set[Address]] = defaultdict(set)
    for one in transactions:
        for t in one.transfers:
            if t.kind is not Kind.FEE and t.id not in dropped and t.sender and t.recipient:
                for end in {t.sender, t.recipient} - {*but}:
                    moves[end].append(Move(one.at, one.tx_hash, t))
                if t.sender not in but:
                    payers[t.recipient].add(t.sender)
    return Scene(dict(moves), {}, {who: frozenset(found) for who, found in payers.items()})


@cache
def measured(seeds: tuple[int, ...]) -> Seen:
    """What is seen in the worlds of these seeds."""
    found = Seen()
    for seed in seeds:
        _gang(found, seed)
        _sweeps(found, seed)
    return found


def _gang(found: Seen, seed: int) -> None:
    """A small world: its gang, and everybody else but desks and what is found to be a deposit address."""
    world = make(seed)
    known = {one.address for one in world.labels}
    real = scene(folded(world, hubs=False), world.truth.dust)
    whole = everybody(world.transactions, known, world.truth.dust)
    both = Scene(whole.moves, real.brought, whole.victims)
    of = touching(world.transactions)
    rules = Deposits(lambda address: of.get(address, ()), Labels(world.labels).at)
    for address in sorted(whole.moves.keys() - world.truth.hubs):
        role = world.truth.roles.get(address)
        if role in (None, "source", "transit") and rules.of(address) is None:
            _judge(found, both, address, "ordinary" if role is None else "gang")


def _sweeps(found: Seen, seed: int) -> None:
    """A world of sweeps: everybody but exchanges, launderers and deposit addresses."""
    world = sweeps(seed)
    whole = everybody(world.transactions, {one.address for one in world.labels})
    for address in sorted(whole.moves):
        kind = world.kinds.get(address, "deposit")
        if kind not in ("exchange's own", "launderer") and "deposit" not in kind:
            _judge(found, whole, address, "ordinary")


def _judge(found: Seen, where: Scene, address: Address, kind: str) -> None:
    found.judged[kind] += 1
    for name, row in DETECTORS.items():
        found.seen[name][kind] += row.detect(where, address) is not None


def main() -> None:
    """Print the table."""
    found = measured(tuple(map(int, sys.argv[1:])) or tuple(REPORTED))
    print(f"{found.judged['ordinary']:,} ordinary, {found.judged['gang']:,} of gangs")
    for name in DETECTORS:
        print(f"| `{name}` | {found.rate(name, 'gang'):.3f} | {found.rate(name, 'ordinary'):.4f} |")


if __name__ == "__main__":
    main()
