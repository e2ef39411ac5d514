"""The compiled twin of `turn.py`, `books.py` and `reach.py` for account chains: the same to the last unit, on arrays.

`fill` plays a history, planned on its columns, and leaves in a fold's books what the plain definition would. Amounts
below 2**127; what is wider, and bitcoin, is played plainly. Compiled on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tracer.model import Address, Gap, Transaction
from tracer.taint.books import Book
from tracer.taint.entries import PotKey
from tracer.taint.kernel import results
from tracer.taint.kernel.history import History, TooWide, given, microseconds
from tracer.taint.kernel.machine import judge, run
from tracer.taint.kernel.planner import Planned, Scene, planned
from tracer.taint.kernel.share import CODES, Share
from tracer.taint.kernel.state import CONTACT, LABEL, NEVER, PLACE, Array, State, World, state
from tracer.taint.reach import Reach

ROOM = 4  # a method writes a step for every so many payments, about: tables of that size seldom have to grow


@dataclass(frozen=True, slots=True)
class Played:
    """What the kernel found, as values of the plain definition."""

    planned: Planned
    books: dict[str, Book]
    reach: Reach
    hops: dict[Address, int]
    touched: dict[Address, datetime]
    judged: dict[Address, int]
    gaps: dict[tuple[tuple[str, str], PotKey], Gap]
    unresolved: list[Transaction]
    world: World

    def keeps(self, address: Address) -> bool:
        """True if what lies at an address matters."""
        number = self.planned.names.addresses.known(address)
        return number is not None and bool(self.world.place["keeps"][number])

    def rows(self) -> Iterator[tuple[int, dict[Address, bool]]]:
        """The rows of the transactions that were played, each with who might spend then."""
        return results.played(self.planned, self.world)


def fill(methods: Sequence[str], history: History, scene: Scene) -> Played:
    """Play a history by these methods. Raises TooWide."""
    ready = planned(history, scene)
    places = scenery(ready, scene)
    codes = [CODES[method] for method in methods]
    made = folded(ready, places, codes)
    shares = zip(methods, Share.of(made, ready, codes), strict=True)
    books: dict[str, Book] = {method: results.Told(method, share) for method, share in shares}
    for book in books.values():
        ready.settle(book.originated)
    return Played(
        planned=ready,
        books=books,
        reach=results.Stained(scene.origins, ready, places),
        hops=results.hops(places, ready),
        touched=results.touched(places, ready),
        judged=_judged(places, scene, ready.names.addresses.all),
        gaps=results.gaps(made, ready, codes[0]),
        unresolved=results.unresolved(made, ready),
        world=places,
    )


def folded(ready: Planned, world: World, codes: Sequence[int]) -> State:
    """Play the tape in the pots of some methods."""
    origins, pots = len(ready.names.origins.all), len(ready.pots)
    methods = np.array([(code, n, len(codes), n * origins) for n, code in enumerate(codes)], np.int64)
    room = max(1024, len(ready.tape.spend) // ROOM * len(codes))
    return run(ready.tape, world, methods, state(len(codes), pots, origins, ready.lines, room))


def _judged(world: World, scene: Scene, addresses: Sequence[Address]) -> dict[Address, int]:
    """How many counterparties the hubs had; those that never had to spend are judged now."""
    judge(world)
    judged = world.place["judged"]
    most = scene.limits.hub_counterparties
    return {addresses[number]: int(judged[number]) for number in np.flatnonzero(judged > most).tolist()}


def scenery(ready: Planned, scene: Scene) -> World:
    """The places of a tape, before anything is played."""
    for address in scene.origins.addresses:
        ready.names.address(address)
    names = ready.names.addresses
    claims = [(n, scene.labels.of(names.all[n])) for n in np.flatnonzero(names.among(scene.labels.addresses)).tolist()]
    many = np.zeros(len(names.all), np.int64)
    many[[n for n, _ in claims]] = [len(said) for _, said in claims]
    start = names.among(scene.origins.addresses)
    place = np.zeros(len(names.all) + 1, PLACE)
    place["touched"], place["label"] = NEVER, _starts(many)
    place["keeps"][: len(ready.keeps)] = ready.keeps
    place["keeps"][:-1] |= start
    place["reported"][:-1] = names.among(spec.address for spec in scene.specs)
    place["hops"][:-1] = np.where(start, 0, -1)
    place["judged"], place["may"] = -1, -1
    may_be = place["keeps"] & ~place["reported"]
    contact = _contacts(ready.history, scene.counted, may_be[:-1], scene.limits.hub_counterparties, place)
    label = [(_moment(one.valid_from, -NEVER), _moment(one.valid_to, NEVER)) for _, said in claims for one in said]
    limits = (scene.limits.hub_counterparties, scene.limits.hub_window // timedelta(microseconds=1))
    done = np.zeros(len(ready.tape.tx), np.bool_), np.zeros(len(ready.tape.payer), np.bool_)
    return World(place, contact, np.array(label, LABEL), np.array(limits, np.int64), *done)


def _contacts(history: History, counted: Array, may_be: Array, limit: int, place: Array) -> Array:
    """Who dealt with whom and when, of those that could have dealt with more than `limit` others (`hubs.contacts`)."""
    moves = history.moves
    some = np.flatnonzero(counted & (moves.sender >= 0) & (moves.recipient >= 0) & (moves.sender != moves.recipient))
    here = np.concatenate((moves.sender[some], moves.recipient[some]))
    busy = (np.bincount(here, minlength=len(may_be)) > limit) & may_be
    chosen = np.flatnonzero(busy[here])
    chosen = chosen[np.argsort(here[chosen], kind="stable")]
    made = np.zeros(len(chosen), CONTACT)
    made["other"] = np.concatenate((moves.recipient[some], moves.sender[some]))[chosen]
    owner = history.owner[some]
    made["at"] = history.heads.at[np.concatenate((owner, owner))[chosen]]
    place["contact"] = _starts(np.bincount(here[chosen], minlength=len(may_be)))
    return made


def _starts(many: Array) -> Array:
    made = np.zeros(len(many) + 1, np.int64)
    np.cumsum(many, out=made[1:])
    return made


def _moment(at: datetime | None, unknown: int) -> int:
    return unknown if at is None else microseconds(at)


__all__ = ["CODES", "History", "Played", "Scene", "TooWide", "fill", "folded", "given", "planned", "scenery"]
