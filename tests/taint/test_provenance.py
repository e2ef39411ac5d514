"""By which transactions exactly this money came: against an engine that moves every unit by itself, and as laws."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.taint.histories import cases, folded
from tests.taint.scenario import asset, place, tx
from tests.taint.test_paths import Move, flowed, moved
from tests.taint.test_utxo import at as bitcoin
from tests.taint.test_utxo import fold
from tests.taint.test_utxo import tx as spent
from tracer.model import OriginSpec
from tracer.taint.books import Book
from tracer.taint.flow import Flow, Result
from tracer.taint.methods import NO_STEP
from tracer.taint.provenance import Provenance
from tracer.taint.stops import Labels

EXACT = ("fifo", "lifo", "dirty_first", "clean_first")
PEOPLE = ("thief", "robber", "ann", "bob", "carl")


# --- every unit by itself ---------------------------------------------------------------------------------------------

Unit = tuple[str, tuple[int, ...]]  # whose it was, and the numbers of the transactions it went through
Run = tuple[str, int, list[Unit]]  # units of one origin that one transaction brought, in order


History = list[tuple[str, str, int]]  # payer, receiver, amount: a transaction each
Said = dict[tuple[int, str], Counter[tuple[int, ...]]]  # by payment and origin: how many units came by which ones


def moved_by_hand(history: History, method: str, reported: Collection[str]) -> Said:
    """Each payment's tainted units by where they had been, in an engine of its own: no lots are cut, no sums taken."""
    pots: dict[str, list[Run]] = defaultdict(list)
    said: Said = defaultdict(Counter)
    for number, (payer, receiver, amount) in enumerate(history, 1):
        missing = amount - sum(len(units) for _, _, units in pots[payer])
        if missing > 0:
            made = payer if payer in reported else ""
            taken = [*pots[payer], (made, NO_STEP, [(made, ())] * missing)]
            pots[payer] = []
        else:
            taken = _in_runs([_pick(pots[payer], method) for _ in range(amount)], method)
        came = [(whose, number, [(whose, (*way, number))]) for whose, _, units in taken for _, way in units if whose]
        for whose, _, ((_, way),) in came:
            said[(number, whose)][way] += 1
        host = receiver if receiver in reported else ""
        clean = [(host, NO_STEP, [(host, ())])] * (amount - len(came))
        pots[receiver] = _joined([*pots[receiver], *came, *clean])
    return dict(said)


def _pick(pot: list[Run], method: str) -> Run:
    """Take one unit, the one whose turn it is."""
    places = range(len(pot))
    if method == "lifo":
        at = len(pot) - 1
    elif method in ("dirty_first", "clean_first"):
        at = next((n for n in places if bool(pot[n][0]) == (method == "dirty_first")), 0)
    else:
        at = 0
    whose, brought, units = pot[at]
    unit = units[-1] if method == "lifo" else units[0]
    rest = units[:-1] if method == "lifo" else units[1:]
    pot[at : at + 1] = [(whose, brought, rest)] if rest else []
    return whose, brought, [unit]


def _in_runs(taken: list[Run], method: str) -> list[Run]:
    """What was taken, run by run; units of one run keep their order though the last was taken first."""
    runs = _joined(taken)
    return [(whose, brought, units[::-1]) for whose, brought, units in runs] if method == "lifo" else runs


def _joined(pot: list[Run]) -> list[Run]:
    made: list[Run] = []
    for whose, brought, units in pot:
        if made and made[-1][:2] == (whose, brought):
            made[-1] = (whose, brought, [*made[-1][2], *units])
        else:
            made.append((whose, brought, list(units)))
    return made


@st.composite
def payments(draw: st.DrawFn) -> History:
    """Up to sixteen small payments between a few people."""
    pairs = st.permutations(PEOPLE).map(lambda order: (order[0], order[1]))
    return [(*draw(pairs), draw(st.integers(1, 6))) for _ in range(draw(st.integers(1, 16)))]


def followed(history: History, reported: Collection[str]) -> Result:
    """Every payment a transaction, everything read; these are reported."""
    flow = Flow([OriginSpec(place(name), asset("USDT")) for name in reported], Labels())
    flow.feed([moved(n, (*move, "USDT")) for n, move in enumerate(history, 1)], {place(name) for name in PEOPLE})
    return flow.fold()


def told(book: Book, reported: Collection[str]) -> Said:
    """Each step's ways as the numbers of their transactions."""
    numbers = {tx(n): n for n in range(1, 20)}
    provenance = Provenance(book)
    said: Said = defaultdict(Counter)
    for number, step in enumerate(book.steps):
        whose = next(name for name in reported if place(name).text in step.origin)
        for way in provenance.ways([number]):
            went = tuple(numbers[book.steps[one].transaction.tx_hash] for one in way.steps)
            said[(went[-1], whose)][went] += way.carried
    return dict(said)


@pytest.mark.parametrize("method", EXACT)
@settings(max_examples=400, deadline=None)
@given(history=payments())
def test_every_unit_came_the_way_it_went(method: str, history: History) -> None:
    """All ways of every payment are those of its units, moved one by one by another engine."""
    result = followed(history, ["thief"])

    assert moved_by_hand(history, method, ["thief"]) == told(result.books[method], ["thief"])


@pytest.mark.parametrize("method", EXACT)
@settings(max_examples=400, deadline=None)
@given(history=payments())
def test_two_thieves_units_stay_apart(method: str, history: History) -> None:
    """With two origins in every pot each keeps its own ways."""
    thieves = ["thief", "robber"]
    result = followed(history, thieves)

    assert moved_by_hand(history, method, thieves) == told(result.books[method], thieves)


# --- laws -------------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(cases())
def test_all_ways_add_up_to_the_unit(case: Any) -> None:
    """Through swaps, splits, fees, hand-ons and several origins: a step's ways carried just what it carried."""
    books = folded(case).books
    for book in (books[method] for method in EXACT):
        provenance = Provenance(book)
        for number, step in enumerate(book.steps):
            ways = list(provenance.ways([number]))
            assert step.origin_amount == sum(way.carried for way in ways)
            assert len(ways) == len({way.steps for way in ways})
            assert sorted((way.carried for way in ways), reverse=True) == [way.carried for way in ways]
            assert {step.origin} >= {book.steps[one].origin for way in ways for one in way.steps}


@settings(max_examples=300, deadline=None)
@given(cases())
def test_no_unit_comes_twice(case: Any) -> None:
    """By a step and its way on, no more went than the step brought: the ways of all that came to rest are apart."""
    books = folded(case).books
    for book in (books[method] for method in EXACT):
        provenance = Provenance(book)
        gone = {part.step for number in range(len(book.steps)) for part in book.parts_of(number)}
        last = [number for number in range(len(book.steps)) if number not in gone]
        by: Counter[int] = Counter()
        for way in provenance.ways(last):
            by.update(dict.fromkeys(way.steps, way.carried))
        assert all(carried <= book.steps[number].origin_amount for number, carried in by.items())


@settings(max_examples=300, deadline=None)
@given(cases())
def test_haircuts_paths_never_tell_more_than_came(case: Any) -> None:
    """Widest first, in order of time, each step's paths within what it carried, and always at least one."""
    book = folded(case).books["haircut"]
    provenance = Provenance(book)
    for number, step in enumerate(book.steps):
        ways = list(provenance.ways([number]))
        assert sum(way.carried for way in ways) <= step.origin_amount
        assert bool(ways) == bool(step.origin_amount)
        assert sorted((way.carried for way in ways), reverse=True) == [way.carried for way in ways]
        for way in ways:
            orders = [book.steps[one].transaction.order for one in way.steps]
            assert orders == sorted(set(orders))
            assert all(way.carried <= book.steps[one].origin_amount for one in way.steps)


# --- told by hand -----------------------------------------------------------------------------------------------------


def ways_to(result: Result, name: str, method: str) -> list[tuple[list[str], int]]:
    """The ways of the last step to a place: who held it on the way, and how much came so."""
    book = result.books[method]
    names = {place(one): one for one in (*PEOPLE, "dan", "pool", "zoe", "shop")}
    number = max(n for n, step in enumerate(book.steps) if step.recipient == place(name))
    return [
        ([names[book.steps[one].recipient] for one in way.steps], way.carried)
        for way in Provenance(book).ways([number])
    ]


BOTH: list[Move] = [
    ("thief", "ann", 3, "USDT"),
    ("thief", "bob", 4, "USDT"),
    ("ann", "carl", 3, "USDT"),
    ("bob", "carl", 4, "USDT"),
    ("carl", "zoe", 5, "USDT"),
    ("carl", "shop", 2, "USDT"),
]


@pytest.mark.parametrize(
    ("method", "to", "ways"),
    [
        ("fifo", "zoe", [(["ann", "carl", "zoe"], 3), (["bob", "carl", "zoe"], 2)]),
        ("fifo", "shop", [(["bob", "carl", "shop"], 2)]),
        ("lifo", "zoe", [(["bob", "carl", "zoe"], 4), (["ann", "carl", "zoe"], 1)]),
        ("lifo", "shop", [(["ann", "carl", "shop"], 2)]),
        ("haircut", "zoe", [(["bob", "carl", "zoe"], 4), (["ann", "carl", "zoe"], 1)]),
        ("haircut", "shop", [(["ann", "carl", "shop"], 2)]),
    ],
)
def test_two_ways_meet_and_part(method: str, to: str, ways: list[tuple[list[str], int]]) -> None:
    """3 by ann and 4 by bob come to carl, who pays 5 and 2: each method says whose they were."""
    result = flowed(*(moved(n, move) for n, move in enumerate(BOTH, 1)))

    assert ways == ways_to(result, to, method)


def test_haircut_does_not_follow_money_that_had_left() -> None:
    """Ann's 3 were all gone from carl before bob's came: what carl pays then is bob's alone."""
    history: list[Move] = [*BOTH[:3], ("carl", "zoe", 3, "USDT"), BOTH[3], ("carl", "shop", 4, "USDT")]
    result = flowed(*(moved(n, move) for n, move in enumerate(history, 1)))

    assert [(["bob", "carl", "shop"], 4)] == ways_to(result, "shop", "haircut")


def test_what_a_swap_turns_to_nothing_keeps_its_way() -> None:
    """Ten turn into one unit: it is worth 5 that came by ann and 5 that came by bob, not 10 by either."""
    result = flowed(
        moved(1, ("thief", "ann", 5, "USDT")),
        moved(2, ("thief", "bob", 5, "USDT")),
        moved(3, ("ann", "carl", 5, "USDT")),
        moved(4, ("bob", "carl", 5, "USDT")),
        moved(5, ("carl", "pool", 10, "USDT"), ("pool", "carl", 1, "DAI")),
        moved(6, ("carl", "shop", 1, "DAI")),
        venues="pool",
    )
    for method in EXACT:
        ways = dict((way[0], carried) for way, carried in ways_to(result, "shop", method))
        assert {"ann": 5, "bob": 5} == ways


def test_a_payment_to_several_is_divided_in_order_of_writing() -> None:
    """A convention: zoe got ann's 3 and bob's 4 at once and pays shop 2 and dan 5 at once; dan is written first."""
    result = flowed(
        *(moved(n, move) for n, move in enumerate(BOTH[:4], 1)),
        moved(5, ("carl", "zoe", 7, "USDT")),
        moved(6, ("zoe", "shop", 2, "USDT"), ("zoe", "dan", 5, "USDT")),
    )

    assert [(["ann", "carl", "zoe", "dan"], 3), (["bob", "carl", "zoe", "dan"], 2)] == ways_to(result, "dan", "fifo")
    assert [(["bob", "carl", "zoe", "shop"], 2)] == ways_to(result, "shop", "fifo")


def test_on_bitcoin_a_way_goes_by_outpoints() -> None:
    """Two inputs of 6 and 4 pay 7 and 3: the first output is 6 of the one and 1 of the other, the second 3."""
    history = [
        spent(1, [("victim", 6, "0:0")], [("thief", 6)]),
        spent(2, [("victim", 4, "0:1")], [("thief", 4)]),
        spent(3, [("thief", 6, "1:0"), ("thief", 4, "2:0")], [("ann", 7), ("bob", 3)]),
        spent(4, [("ann", 7, "3:0")], [("carl", 7)]),
    ]
    result = fold(history, [OriginSpec(bitcoin("thief"))])
    book = result.books["fifo"]
    last = [n for n, step in enumerate(book.steps) if step.recipient == bitcoin("carl")]
    ways = list(Provenance(book).ways(last))

    assert [7] == [sum(way.carried for way in ways)]
    assert {(bitcoin("ann"), bitcoin("carl"))} == {
        tuple(book.steps[number].recipient for number in way.steps) for way in ways
    }
