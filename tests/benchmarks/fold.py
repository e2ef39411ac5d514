"""Folding a case, five methods and the reach at once, against moving plain integers between two balances."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.makers import address, transaction
from tracer.model import OriginSpec, Transaction
from tracer.taint.flow import Flow
from tracer.taint.stops import Labels

BASELINE = "a sorted loop of integer arithmetic over the same transfers"


def cases() -> Iterator[tuple[str, str, Callable[[], Any], Callable[[], Any]]]:
    """Name, baseline's name, our side, the bare side."""
    for transfers, places, origins in ((5_000, 200, 1), (5_000, 200, 20), (20_000, 800, 1)):
        known = history(transfers, places)
        name = f"fold {transfers:,} transfers among {places} addresses, {origins} of them reported"
        yield name, BASELINE, case(known, places, origins), partial(moved, known)


def history(transfers: int, places: int) -> list[Transaction]:
    """Random payments of one token, one a transaction; the same in every run."""
    chance = random.Random(1)
    made = []
    for number in range(1, transfers + 1):
        sender, recipient = chance.sample(range(places), 2)
        made.append(transaction((address(sender), address(recipient), chance.randrange(1, 10**9)), tx=number))
    return made


def case(known: list[Transaction], places: int, origins: int) -> Callable[[], Any]:
    """Fold all of it in a new flow, as a trace of everything does."""
    specs = [OriginSpec(address(number)) for number in range(origins)]
    read = [address(number) for number in range(places)]

    def fold() -> object:
        flow = Flow(specs, Labels())
        flow.feed(known, read)
        return flow.fold()

    return fold


def moved(known: list[Transaction]) -> dict[Any, int]:
    """The least that any bookkeeping does: sort, take, give."""
    balances: dict[Any, int] = defaultdict(int)
    for one in sorted(known, key=lambda one: one.order):
        for transfer in one.transfers:
            balances[transfer.sender] -= transfer.amount
            balances[transfer.recipient] += transfer.amount
    return balances
