"""How well the deposit rules do: precision and recall in worlds of sweeps, rule by rule, and who was taken for one.

`python -m tests.worlds.judged [SEED …]` prints the README's table, of the seeds 0 to 19; even ones lie on Ethereum, odd
ones on TRON. The rules were tuned on others (100 and up).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.worlds.sweeps import Swept, sweeps
from tracer.detect.deposits import Deposits
from tracer.detect.victor import Payment, victor
from tracer.model import NATIVE, Address, Kind
from tracer.taint.stops import Labels

REPORTED = range(20)
BOTH = "both rules"
PUBLISHED = "Victor's rule as published, native payments"


@dataclass
class Score:
    """Addresses found and right, found and wrong by what they are, and how many there were to find."""

    right: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    sought: int = 0

    @property
    def precision(self) -> float:
        """Of those found."""
        return self.right / max(1, self.right + self.wrong.total())

    @property
    def recall(self) -> float:
        """Of those sought."""
        return self.right / max(1, self.sought)

    def add(self, world: Swept, found: Iterable[tuple[Address, str | None]], sought: int) -> None:
        """Count what was found in a world; an entity of None is right with any."""
        for address, entity in found:
            whose = world.deposits.get(address)
            if whose is not None and entity in (None, whose):
                self.right += 1
            else:
                self.wrong[world.kinds.get(address, "nobody")] += 1
        self.sought += sought


def judged(seeds: Iterable[int]) -> dict[str, Score]:
    """The scores of the rules together, of each alone and by its score, and of the published rule on whole worlds."""
    scores = {BOTH: Score()}
    for seed in seeds:
        world = sweeps(seed, tron=bool(seed % 2))
        of, labels = world.of(), Labels(world.labels)
        rules = Deposits(lambda address, of=of: of.get(address, ()), labels.at)  # type: ignore[misc]
        found = [one for address in sorted(world.kinds) if (one := rules.of(address))]
        scores[BOTH].add(world, [(one.address, one.entity) for one in found], len(world.deposits))
        for one in found:
            name = " ".join([one.method, one.parameters.get("score", "")]).strip()
            scores.setdefault(name, Score()).add(world, [(one.address, one.entity)], 0)
        for score in (score for name, score in scores.items() if name not in (BOTH, PUBLISHED)):
            score.sought += len(world.deposits)
        if not seed % 2:
            _published(world, scores.setdefault(PUBLISHED, Score()))
    return scores


def _published(world: Swept, score: Score) -> None:
    """The published rule on every native payment of a world; sought are the addresses that forwarded any."""
    paid = [
        Payment(one.block or 0, t.sender, t.recipient, t.amount, t.id)
        for one in world.transactions
        for t in one.transfers
        if t.asset.contract == NATIVE and t.kind is not Kind.FEE and t.sender and t.recipient
    ]
    pairs = victor(paid, {one.address for one in world.labels})
    forwarding = {one.sender for one in paid} & world.deposits.keys()
    score.add(world, [(address, None) for address in sorted({pair.deposit for pair in pairs})], len(forwarding))


def main() -> None:
    """Print the table."""
    for name, score in judged([int(seed) for seed in sys.argv[1:]] or REPORTED).items():
        wrong = ", ".join(f"{times} {kind}" for kind, times in score.wrong.most_common()) or "none"
        right = score.right + score.wrong.total()
        print(f"| {name} | {right} | {score.precision:.3f} | {score.recall:.3f} | {wrong} |")


if __name__ == "__main__":
    main()
