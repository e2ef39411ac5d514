"""Every detector with a story in which it sees something and one, next to it, in which it must not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction
from typing import NamedTuple

import pytest

from tests.makers import START, address, transfer, tx_hash
from tracer.detect.patterns import ASLEEP, DETECTORS, Brought, Move, Scene, overlap, patterns
from tracer.model import Address

HERE, NEXT, LAST, VICTIM, SHOP = map(address, range(1, 6))
FEEDERS = [address(10 + n) for n in range(6)]
DOLLAR = 10**6


class Paid(NamedTuple):
    """A payment so many hours after the start."""

    hour: float
    sender: Address
    recipient: Address
    amount: int


def scene(
    *paid: Paid, judged: Iterable[Address] = (), brought: Iterable[Brought] = (), victims: Iterable[Address] = ()
) -> Scene:
    """These payments in order, each a transaction; judged is who is named, else everybody; HERE has the rest."""
    moves: dict[Address, list[Move]] = defaultdict(list)
    for number, one in enumerate(sorted(paid), 1):
        made = transfer(one.sender, one.recipient, one.amount, tx=number)
        for end in (one.sender, one.recipient):
            moves[end].append(Move(START + timedelta(hours=one.hour), tx_hash(number), made))
    wanted = set(judged) or moves.keys()
    kept = {who: found for who, found in moves.items() if who in wanted}
    return Scene(kept, {HERE: frozenset(brought)}, {HERE: frozenset(victims)})


def fed(feeders: int, *, kept: int = 0) -> list[Paid]:
    """So many addresses got 100 each and sent it here, but for what they kept."""
    some = FEEDERS[:feeders]
    return [Paid(n, SHOP, one, 100) for n, one in enumerate(some)] + [
        Paid(10 + n, one, HERE, 100 - kept) for n, one in enumerate(some)
    ]


def came(*brought: tuple[int, str]) -> Scene:
    """Payer n brought that report's money in a transaction of their own."""
    paid = [Paid(n, FEEDERS[payer], HERE, 10) for n, (payer, _) in enumerate(brought)]
    said = [Brought(str(FEEDERS[payer]), tx_hash(n), report) for n, (payer, report) in enumerate(brought, 1)]
    return scene(*paid, judged=[HERE], brought=said)


def peeled(*rests: int, hours: float = 5) -> Scene:
    """100 come to the first; each splits off 10 and sends so much on, and the last of them to HERE."""
    row = [*FEEDERS[: len(rests)], HERE]
    paid = [Paid(0, SHOP, row[0], 100)]
    for n, rest in enumerate(rests):
        paid += [Paid((n + 1) * hours, row[n], row[n + 1], rest), Paid((n + 1) * hours, row[n], SHOP, 10)]
    return scene(*paid, judged=row)


def through(times: int, *, hours: float = 0.5, more: int = 0) -> Scene:
    """100 come and go on after so long, so many times; something else comes as well."""
    paid = [one for n in range(times) for one in (Paid(10 * n, SHOP, HERE, 100), Paid(10 * n + hours, HERE, NEXT, 95))]
    return scene(*paid, *([Paid(99, SHOP, HERE, more)] if more else []))


def back(returned: int, later: int, victims: Iterable[Address] = (VICTIM,)) -> Scene:
    """A victim pays 100, something comes back, they pay again."""
    paid = (Paid(1, VICTIM, HERE, 100), Paid(2, HERE, VICTIM, returned), Paid(3, VICTIM, HERE, later))
    return scene(*paid, victims=victims)


def below(*dollars: int, hours: float = 2) -> Scene:
    """Payments out of so many dollars."""
    return scene(*(Paid(n * hours, HERE, FEEDERS[n], amount * DOLLAR) for n, amount in enumerate(dollars)))


def slept(days: int, share: int, between: int = 0) -> Scene:
    """100 come; after so many days so much of it moves, and perhaps something before."""
    early = [Paid(24 * days / 2, HERE, NEXT, between)] if between else []
    return scene(Paid(0, SHOP, HERE, 100), *early, Paid(24 * days, HERE, NEXT, share))


SEES: dict[str, list[Scene]] = {
    "victim_convergence": [came((0, "a"), (1, "b"), (2, "c")), came((0, "a"), (0, "b"), (1, "c"))],
    "consolidation": [scene(*fed(5)), scene(*fed(6, kept=20))],
    "peel_chain": [peeled(90, 80), peeled(89, 79, 69)],
    "rapid_pass_through": [through(2), through(3, hours=1)],
    "inducement_payback": [back(12, 101), back(1, 500)],
    "structuring": [below(9_100, 9_900, 9_500), below(999, 950, 940, 999)],
    "dormant_funds": [slept(90, 50), slept(400, 100)],
}
DOES_NOT: dict[str, list[Scene]] = {
    "victim_convergence": [
        came((0, "a"), (1, "b")),  # two reports
        came((0, "a"), (0, "b"), (0, "c"), (1, "a")),  # one who brought all of it: it came together before
        came((0, "a"), (1, "a"), (2, "a")),
    ],
    "consolidation": [scene(*fed(4)), scene(*fed(6, kept=21)), scene(*fed(6), judged=[HERE])],
    "peel_chain": [peeled(90), peeled(90, 50), peeled(90, 80, hours=73), peeled(100, 100)],
    "rapid_pass_through": [through(1), through(2, hours=1.1), through(2, more=30)],
    "inducement_payback": [back(13, 500), back(12, 100), back(12, 500, victims=[])],
    "structuring": [
        below(9_100, 9_900),
        below(9_100, 9_900, 10_000),
        below(9_100, 9_900, 8_900),
        below(9_100, 9_900, 9_500, hours=13),
    ],
    "dormant_funds": [slept(89, 100), slept(90, 49), slept(100, 90, between=5)],
}


def test_every_detector_is_tried_both_ways() -> None:
    """A new row of DETECTORS needs stories in which it sees something and stories in which it does not."""
    assert {*SEES} == {*DOES_NOT} == {*DETECTORS}
    assert all(row.name == name and row.version >= 1 and row.says for name, row in DETECTORS.items())


@pytest.mark.parametrize(("name", "place"), [(name, n) for name, told in SEES.items() for n in range(len(told))])
def test_a_detector_sees(name: str, place: int) -> None:
    """It says what it saw, by ids of transfers of that address's story, the incoming ones among them."""
    where = SEES[name][place]
    seen = DETECTORS[name].detect(where, HERE)

    assert seen
    assert seen.says
    known = {move.transfer.id for moves in where.moves.values() for move in moves}
    assert {*seen.evidence} <= known
    assert len(seen.evidence) == len({*seen.evidence})
    assert where.hashes(HERE, seen)


@pytest.mark.parametrize(("name", "place"), [(name, n) for name, told in DOES_NOT.items() for n in range(len(told))])
def test_a_detector_leaves_others_alone(name: str, place: int) -> None:
    """The story that is nearest to it and is none."""
    assert None is DETECTORS[name].detect(DOES_NOT[name][place], HERE)


def test_a_chain_is_told_where_it_ends() -> None:
    """Not at the addresses that it went through, whose turn it was; the evidence has every link."""
    where = peeled(90, 80)
    found = patterns(where)

    assert [("peel_chain", HERE)] == [*found]
    assert 5 == len(found[("peel_chain", HERE)].evidence)  # what came first, and two payments of each


def test_what_woke_up_is_named() -> None:
    """The evidence is what had come and what moved; the sentence says for how long it lay."""
    seen = DETECTORS["dormant_funds"].detect(slept(ASLEEP.days + 3, 80), HERE)
    assert seen and (2, True) == (len(seen.evidence), "93 days" in seen.says)


def test_an_empty_scene_shows_nothing() -> None:
    """Nobody judged, nothing seen; an address without payments is no pattern."""
    assert {} == patterns(Scene({}, {}, {}))
    assert {} == patterns(Scene({HERE: ()}, {}, {}))


def test_overlap_is_of_the_smaller() -> None:
    """Two of the smaller case's four addresses are the other's too: one half, whichever way it is asked."""
    small, large = FEEDERS[:4], [*FEEDERS[2:], HERE, NEXT]
    assert (Fraction(1, 2), (FEEDERS[2], FEEDERS[3])) == overlap(small, large) == overlap(large, small)
    assert (Fraction(0), ()) == overlap([], large)
