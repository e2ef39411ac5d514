"""The compiled twin of `turn.py`, `books.py` and `reach.py` for account chains: the same to the last unit, on arrays.

`fill` plays plans that `flow.py` has made and leaves in the fold's books what the plain definition would. Amounts below
2**127; what is wider, and bitcoin, is played plainly. Compiled on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tracer.model import Address, Gap, Transaction
from tracer.taint.books import Book, PotKey
from tracer.taint.hubs import Contacts
from tracer.taint.kernel import results
from tracer.taint.kernel.machine import is_hub, run, stain
from tracer.taint.kernel.state import CONTACT, LABEL, NEVER, PLACE, Array, Tape, World, stains, state
from tracer.taint.kernel.tape import Names, Payment, TooWide, Writer, microseconds
from tracer.taint.origins import Origins
from tracer.taint.reach import Reach
from tracer.taint.stops import Labels
from tracer.taint.transaction import Plan

CODES = {"fifo": 0, "lifo": 1, "haircut": 2, "dirty_first": 3, "clean_first": 4}


@dataclass(frozen=True, slots=True)
class Scene:
    """What the kernel has to know of a fold beside its plans."""

    origins: Origins
    labels: Labels
    keeps: Callable[[Address], bool]
    payment: Payment
    reported: frozenset[Address]
    contacts: Contacts  # of the addresses that may be hubs
    hub_counterparties: int
    hub_window: timedelta


@dataclass(frozen=True, slots=True)
class Played:
    """What the kernel found, as values of the plain definition."""

    reach: Reach
    hops: dict[Address, int]
    touched: dict[Address, datetime]
    judged: dict[Address, int]
    gaps: dict[tuple[tuple[str, str], PotKey], Gap]
    unresolved: list[Transaction]
    played: Iterator[tuple[Plan, dict[Address, bool]]]  # and who might spend


def fill(books: Mapping[str, Book], scene: Scene, plans: Iterable[Plan]) -> Played:
    """Play the plans, in order, in these books. Raises TooWide, and then the books are as they were."""
    writer = Writer(scene.keeps, scene.origins, scene.payment)
    tape = writer.write(plans)
    world = scenery(scene, writer.addresses, tape)
    origins, pots, codes = len(writer.origins.all), len(writer.pots.all), [CODES[method] for method in books]
    methods = np.array([(code, n * pots, n * origins) for n, code in enumerate(codes)], np.int64)
    lines = int(tape.tx["lines"].max(initial=1))
    made = run(tape, world, methods, state(len(codes), pots, origins, lines))
    reached = stain(tape, world, stains(pots, origins, lines))
    for book, share in zip(books.values(), results.Share.of(made, writer, codes), strict=True):
        results.into(book, share)
        writer.settle(book.originated)
    return Played(
        reach=results.reach(scene.origins, reached, writer),
        hops=results.hops(world, writer),
        touched=results.touched(world, writer),
        judged=_judged(world, scene, writer.addresses.all),
        gaps=results.gaps(made, writer, codes[0]),
        unresolved=results.unresolved(made, writer),
        played=results.played(tape, world, writer),
    )


def _judged(world: World, scene: Scene, addresses: Sequence[Address]) -> dict[Address, int]:
    """How many counterparties the hubs had; those that never had to spend are judged now."""
    for number in np.flatnonzero((world.place["touched"] != NEVER) & world.place["keeps"]):
        is_hub(world, number)
    judged = world.place["judged"]
    return {
        addresses[number]: int(judged[number]) for number in np.flatnonzero(judged > scene.hub_counterparties).tolist()
    }


def scenery(scene: Scene, addresses: Names[Address], tape: Tape) -> World:
    """The places of a tape, before anything is played."""
    for one, seen in scene.contacts.items():
        addresses.number(one)
        for _, other in seen:
            addresses.number(other)
    for address in scene.origins.addresses:
        addresses.number(address)
    every = addresses.all
    contacts = [scene.contacts.get(address, ()) for address in every]
    claims = [scene.labels.of(address) for address in every]
    place = np.zeros(len(every) + 1, PLACE)
    place["touched"], place["contact"], place["label"] = NEVER, _starts(contacts), _starts(claims)
    place["keeps"][:-1] = [scene.keeps(address) for address in every]
    place["reported"][:-1] = [address in scene.reported for address in every]
    place["hops"][:-1] = [0 if address in scene.origins.addresses else -1 for address in every]
    place["judged"], place["may"] = -1, -1
    contact = [(microseconds(at), addresses.number(other)) for seen in contacts for at, other in seen]
    label = [(_moment(one.valid_from, -NEVER), _moment(one.valid_to, NEVER)) for said in claims for one in said]
    limits = (scene.hub_counterparties, scene.hub_window // timedelta(microseconds=1))
    done = np.zeros(len(tape.tx), np.bool_), np.zeros(len(tape.payer), np.bool_)
    return World(place, np.array(contact, CONTACT), np.array(label, LABEL), np.array(limits, np.int64), *done)


def _starts(rows: Sequence[Sequence[object]]) -> Array:
    made = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=made[1:])
    return made


def _moment(at: datetime | None, unknown: int) -> int:
    return unknown if at is None else microseconds(at)


__all__ = ["CODES", "Played", "Scene", "TooWide", "fill", "scenery"]
