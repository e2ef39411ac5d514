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
from tracer.taint.methods import METHODS, NO_STEP
from tracer.taint.provenance import Provenance, Way, parts_of
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
