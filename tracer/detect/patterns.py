"""What launderers' addresses do: one row a detector. It looks at one address and says which transfers show the pattern.

A detector is no proof of anything: it says what is seen, with the ids of the transfers, and its thresholds are measured
on ordinary people of invented worlds (README, Patterns). The forms are those of FinCEN FIN-2023-Alert005, of FATF's red
flag indicators of September 2020, and of J. Griffin and K. Mei (SSRN 4742235).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from tracer.chains import listed
from tracer.model import Address, AssetId, Severity, Transfer

REPORTS = 3  # reports whose money comes together
FEEDERS, FED = 5, Fraction(8, 10)  # addresses that sent a collector nearly all that they ever got and paid
LINKS, PEEL, ONWARD, DWELL, ONCE = 2, Fraction(1, 4), Fraction(6, 10), timedelta(hours=72), 4
PASS, PASSES, PASSED = timedelta(hours=1), 2, Fraction(9, 10)
BACK = Fraction(1, 8)  # of what was paid before, at most, comes back to the victim
LIMITS, BELOW, TIMES, SPAN = (1_000, 3_000, 10_000), Fraction(9, 10), 3, timedelta(hours=24)
DOLLARS = frozenset({"USDT", "USDC", "DAI"})
ASLEEP, MOVED = timedelta(days=90), Fraction(1, 2)


class Move(NamedTuple):
    """A transfer that counts, when, and in which transaction."""

    at: datetime
    tx_hash: str
    transfer: Transfer

    @property
    def pot(self) -> AssetId:
        """What moved."""
        return self.transfer.asset


class Brought(NamedTuple):
    """Tainted money that came to an address: by whom (or as which reported payment), and whose it was."""

    by: str
    tx_hash: str
    report: str


class Seen(NamedTuple):
    """A pattern at an address: the ids of the transfers that show it, and what a person reads."""

    evidence: tuple[str, ...]
    says: str


_Place = tuple[Address, AssetId | None]


@dataclass(frozen=True)
class Scene:
    """What detectors look at: addresses that were read and belong to nobody known, and what each took in and paid.

    `moves`: all transfers of each that count, oldest first. `brought`: the tainted money that came to each; reports of
    the same money are one. `victims`: whose payments to an address were reported.
    """

    moves: Mapping[Address, Sequence[Move]]
    brought: Mapping[Address, frozenset[Brought]]
    victims: Mapping[Address, frozenset[Address]]

    def came(self, address: Address, asset: AssetId | None = None) -> Sequence[Move]:
        """What came to an address from others, of an asset or of all."""
        return self._sides[0].get((address, asset), ())

    def paid(self, address: Address, asset: AssetId | None = None) -> Sequence[Move]:
        """What it paid to others."""
        return self._sides[1].get((address, asset), ())

    @cached_property
    def _sides(self) -> tuple[dict[_Place, list[Move]], dict[_Place, list[Move]]]:
        """What came and what was paid, by address and asset and by address alone: sorted out once, asked for often."""
        came, paid = defaultdict[_Place, list[Move]](list), defaultdict[_Place, list[Move]](list)
        for address, moves in self.moves.items():
            for move in moves:
                for end, side in ((move.transfer.recipient, came), (move.transfer.sender, paid)):
                    if end == address:
                        side[(address, None)].append(move)
                        side[(address, move.pot)].append(move)
        return came, paid

    @cached_property
    def most(self) -> dict[_Place, int]:
        """What came to an address or was paid there of an asset, whichever is more."""
        sums: dict[_Place, int] = defaultdict(int)
        for side in self._sides:
            for place, moves in side.items():
                sums[place] = max(sums[place], sum(move.transfer.amount for move in moves))
        return sums

    @cached_property
    def links(self) -> dict[_Place, tuple[Move, ...] | None]:
        """Which addresses do nothing but split off a little of an asset."""
        return {(address, asset): _link(self, address, asset) for address, asset in self._sides[0] if asset}

    def hashes(self, address: Address, seen: Seen) -> frozenset[str]:
        """The transactions at an address that show a pattern."""
        shown = {*seen.evidence}
        return frozenset(move.tx_hash for move in self.moves.get(address, ()) if move.transfer.id in shown)


Detect = Callable[[Scene, Address], Seen | None]


@dataclass(frozen=True, slots=True)
class Detector:
    """A row of DETECTORS, and of RULES by the same name."""

    name: str
    version: int
    severity: Severity
    says: str
    detect: Detect


def _seen(moves: Iterable[Move], says: str) -> Seen:
    in_turn = sorted(moves, key=lambda move: (move.at, move.tx_hash, move.transfer.id))
    return Seen(tuple(dict.fromkeys(move.transfer.id for move in in_turn)), says)


def victim_convergence(scene: Scene, address: Address) -> Seen | None:
    """The money of several reports comes together here: nobody who brought some of it brought all of it."""
    by: dict[str, set[str]] = defaultdict(set)
    for one in scene.brought.get(address, ()):
        by[one.by].add(one.report)
    reports = set().union(*by.values())
    if len(reports) < REPORTS or any(brought == reports for brought in by.values()):
        return None
    hashes = {one.tx_hash for one in scene.brought[address]}
    moves = [move for move in scene.came(address) if move.tx_hash in hashes]
    return _seen(moves, f"money of {len(reports)} reports came together here, brought by {len(by)} addresses")


def consolidation(scene: Scene, address: Address) -> Seen | None:
    """Several addresses sent here nearly all that they ever got, and paid, of an asset."""
    fed: dict[Address, list[Move]] = defaultdict(list)
    for move in scene.came(address):
        if (feeder := move.transfer.sender) in scene.moves and feeder:
            fed[feeder].append(move)
    feeders = [moves for feeder, moves in fed.items() if _nearly_all(scene, feeder, moves)]
    if len(feeders) < FEEDERS:
        return None
    return _seen(
        (move for found in feeders for move in found),
        f"{len(feeders)} addresses sent here {int(FED * 100)} % or more of all they got",
    )


def _nearly_all(scene: Scene, feeder: Address, here: Sequence[Move]) -> bool:
    (asset, *others) = {move.pot for move in here}
    return not others and sum(move.transfer.amount for move in here) >= FED * scene.most[(feeder, asset)]


def peel_chain(scene: Scene, address: Address) -> Seen | None:
    """The rest of an amount from which one address after the other split off a little, and which ends here."""
    ending = (move for move in scene.came(address) if scene.links[(address, move.pot)] is None)
    longest = max((_back(scene, move) for move in ending), key=len, default=[])
    if len(longest) < LINKS:
        return None
    says = f"{len(longest)} addresses in a row each split off a little and sent the rest on, to end here"
    return _seen((move for link in longest for move in link), says)


def _back(scene: Scene, last: Move) -> list[tuple[Move, ...]]:
    """The links before a payment, the nearest first."""
    found: list[tuple[Move, ...]] = []
    met = set()
    while (payer := last.transfer.sender) and payer not in met:
        met.add(payer)
        link = scene.links.get((payer, last.pot))
        if link is None or link[1].transfer.id != last.transfer.id:
            break
        found.append(link)
        last = link[0]
    return found


def _link(scene: Scene, address: Address, asset: AssetId) -> tuple[Move, ...] | None:
    """What came of an asset, the rest that went on, and what was split off, at an address that does only this."""
    came, paid = scene.came(address, asset), scene.paid(address, asset)
    if not came or not paid or len(came) > ONCE or len(paid) > ONCE:
        return None
    first, rest = max(came, key=_size), max(paid, key=_size)
    peels = [move for move in paid if move.transfer.recipient != rest.transfer.recipient]
    whole = first.transfer.amount
    near = all(timedelta() <= move.at - first.at <= DWELL for move in (rest, *peels))
    little = all(move.transfer.amount <= PEEL * whole for move in peels)
    goes_on = ONWARD * whole <= rest.transfer.amount < whole
    return (first, rest, *peels) if peels and near and little and goes_on else None


def _size(move: Move) -> tuple[int, str]:
    return (move.transfer.amount, move.transfer.id)


def rapid_pass_through(scene: Scene, address: Address) -> Seen | None:
    """Nearly all that ever came left again within the hour, more than once."""
    for asset in sorted({move.pot for move in scene.came(address)}):
        came = scene.came(address, asset)
        passes = list(_passes(came, scene.paid(address, asset)))
        through = sum(first.transfer.amount for first, _ in passes)
        if len(passes) >= PASSES and through >= PASSED * sum(move.transfer.amount for move in came):
            moves = [move for both in passes for move in both]
            return _seen(moves, f"{len(passes)} payments were sent on within the hour, and hardly anything else came")
    return None


def _passes(came: Sequence[Move], paid: Sequence[Move]) -> Iterator[tuple[Move, Move]]:
    """What came, each with the first payment within the hour that is nearly all of it; both in order of time."""
    begin, used = 0, set[int]()
    for first in came:
        whole = first.transfer.amount
        begin = bisect_left(paid, first.at, begin, key=attrgetter("at"))
        for place in range(begin, bisect_right(paid, first.at + PASS, begin, key=attrgetter("at"))):
            if place not in used and PASSED * whole <= paid[place].transfer.amount <= whole:
                used.add(place)
                yield first, paid[place]
                break


def inducement_payback(scene: Scene, address: Address) -> Seen | None:
    """A little came back to a victim, who then paid more than ever before."""
    for victim in sorted(scene.victims.get(address, ())):
        for back in (move for move in scene.paid(address) if move.transfer.recipient == victim):
            theirs = [m for m in scene.came(address, back.pot) if m.transfer.sender == victim]
            before = [move for move in theirs if move.at < back.at]
            after = [move for move in theirs if move.at > back.at]
            most = max((move.transfer.amount for move in before), default=0)
            larger = next((move for move in after if move.transfer.amount > most), None)
            if before and larger and back.transfer.amount <= BACK * sum(move.transfer.amount for move in before):
                return _seen(
                    [*before, back, larger], "a little was paid back to a victim, who then paid more than before"
                )
    return None


def structuring(scene: Scene, address: Address) -> Seen | None:
    """Several payments within a day, each just below a limit at which questions are asked."""
    for limit in LIMITS:
        below = [move for move in scene.paid(address) if _just_below(move.transfer, limit)]
        for first, last in zip(below, below[TIMES - 1 :], strict=False):
            if last.at - first.at <= SPAN:
                near = [move for move in below if timedelta() <= move.at - first.at <= SPAN]
                return _seen(near, f"{len(near)} payments within a day, each a little below {limit:,} dollars")
    return None


def _just_below(one: Transfer, limit: int) -> bool:
    token = listed(one.asset)
    if token is None or token.symbol not in DOLLARS or token.decimals is None:
        return False
    whole = limit * 10**token.decimals
    return bool(BELOW * whole <= one.amount < whole)


def dormant_funds(scene: Scene, address: Address) -> Seen | None:
    """Money that lay still for months, and then moves."""
    held: dict[AssetId, int] = defaultdict(int)
    came: dict[AssetId, list[Move]] = defaultdict(list)
    last: dict[AssetId, datetime] = {}
    for move in scene.moves.get(address, ()):
        amount, asset = move.transfer.amount, move.pot
        slept = move.at - last.get(asset, move.at)
        last[asset] = move.at
        if move.transfer.recipient == address:
            held[asset] += amount
            came[asset].append(move)
            continue
        if slept >= ASLEEP and amount >= MOVED * held[asset] > 0:
            return _seen([*came[asset], move], f"half or more of what lay still for {slept.days} days moved at once")
        held[asset] = max(0, held[asset] - amount)
        if not held[asset]:
            came[asset].clear()
    return None


DETECTORS: dict[str, Detector] = {
    row.name: row
    for row in (
        Detector("victim_convergence", 1, Severity.MEDIUM, "of several reports came together", victim_convergence),
        Detector("consolidation", 1, Severity.LOW, "was collected from several addresses", consolidation),
        Detector("peel_chain", 1, Severity.MEDIUM, "is the rest of a peel chain", peel_chain),
        Detector("rapid_pass_through", 1, Severity.LOW, "only passed through, within the hour", rapid_pass_through),
        Detector("inducement_payback", 1, Severity.MEDIUM, "was paid after a little came back", inducement_payback),
        Detector("structuring", 1, Severity.LOW, "was paid out just below a limit", structuring),
        Detector("dormant_funds", 1, Severity.LOW, "lay still for months and moved", dormant_funds),
    )
}


def patterns(scene: Scene) -> dict[tuple[str, Address], Seen]:
    """Every pattern at every address, by detector's name and address."""
    return {
        (row.name, address): seen
        for address in sorted(scene.moves)
        for row in DETECTORS.values()
        if (seen := row.detect(scene, address)) is not None
    }


def overlap(one: Iterable[Address], other: Iterable[Address]) -> tuple[Fraction, tuple[Address, ...]]:
    """How much of the smaller of two cases' money went where the other's went too, 0 to 1, and where that is."""
    here, there = set(one), set(other)
    shared = tuple(sorted(here & there))
    return Fraction(len(shared), max(1, min(len(here), len(there)))), shared
