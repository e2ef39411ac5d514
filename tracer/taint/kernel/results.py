"""What the kernel left in its arrays, as the values of the plain definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tracer.model import Address, AssetId, Gap, Transaction
from tracer.taint.books import Book, Pot, unseen
from tracer.taint.entries import End, EndKind, Loss, Part, PotKey, Step
from tracer.taint.kernel import state as table
from tracer.taint.kernel.history import EPOCH
from tracer.taint.kernel.machine import stain
from tracer.taint.kernel.near import count_hops
from tracer.taint.kernel.planner import Planned
from tracer.taint.kernel.share import CODES, Columns, Share, joined, used, whole
from tracer.taint.kernel.state import Array, State, World, stains
from tracer.taint.kernel.ways import Found, Question, Walker
from tracer.taint.methods import CLEAN, NO_STEP, Lot
from tracer.taint.origins import Origins
from tracer.taint.reach import Reach

_KINDS = {
    table.ARRIVAL: EndKind.ARRIVAL,
    table.MIXER: EndKind.MIXER,
    table.BRIDGE: EndKind.BRIDGE,
    table.REDEEMED: EndKind.REDEEMED,
    table.UNRESOLVED: EndKind.UNRESOLVED,
}
_QUARTER = np.uint64(2**32 - 1)
_LOSSES = {table.FEES: "fees", table.ROUNDING: "rounding"}


class Told(Book):
    """A book that the kernel filled: what is asked of it is made of the arrays when it is first asked for."""

    worth: Sequence[int]

    def __init__(self, method: str, share: Share) -> None:
        self.method = method
        self.share = share

    def __getattr__(self, name: str) -> Any:
        """Called for what is not made yet."""
        if name not in _PAGES:
            raise AttributeError(name)
        made = _PAGES[name](self.share)
        setattr(self, name, made)
        return made

    def into(self, places: Container[Address]) -> Sequence[int]:
        """The numbers of the steps that left an address for one of these."""
        told, steps = np.array([one in places for one in self.share.names[0]], np.bool_), self.share.step_rows
        found: list[int] = np.flatnonzero(told[steps["recipient"]] & (steps["sender"] != steps["recipient"])).tolist()
        return found

    def chosen(self, numbers: Iterable[int]) -> list[Step]:
        """The steps of these numbers."""
        return self.share.made([*numbers])

    def worths(self) -> Sequence[int]:
        """What each step carried, in its origin's own asset."""
        return self.worth

    def parts_of(self, number: int) -> Sequence[Part]:
        """What of a step's money each earlier step had brought, in order; NO_STEP: it started here."""
        return self.parts.get(number) or (Part(self.share.parents[number], self.worth[number]),)

    def parent_of(self, number: int) -> int:
        """The step that had brought the larger part of a step's money; NO_STEP: it starts there."""
        return self.share.parents[number]

    def answer(self, questions: Sequence[Question]) -> list[list[Found]]:
        """By which ways the money of some steps came (`provenance.Provenance.many`)."""
        walker = Walker(self.share, lifo=self.method == "lifo", mixed=self.method == "haircut")
        return walker.answer(questions)

    def came(self) -> dict[tuple[Address, AssetId, str], list[int]]:
        """What came to each address of each asset and origin, in base units and in the origin's own."""
        return _came(self.share)

    def reached(self) -> dict[tuple[Address, str], int]:
        """What of each origin reached an address, in its own asset."""
        return _reached(self.share)

    def hops(self) -> Sequence[int]:
        """How many hops each step is from its origin."""
        steps = self.share.step_rows
        made = np.zeros(len(steps), np.int64)
        parents = np.array(self.share.parents, np.int64)
        count_hops(parents, steps["sender"] != steps["recipient"], made)
        return made.tolist()


def _originated(share: Share) -> dict[str, int]:
    origins = share.ready.names.origins.all
    mine = share.state.originated[share.place * len(origins) :][: len(origins)]
    made: dict[str, int] = defaultdict(int)
    made.update({one: n for one, n in zip(origins, joined(mine[:, 0], mine[:, 1]), strict=True) if n})
    return made


def _parts(share: Share) -> dict[int, tuple[Part, ...]]:
    rows = share.of_steps("part", table.PARTS)
    found: dict[int, list[Part]] = defaultdict(list)
    for number, step, amount in zip(
        share.step(rows["number"]), share.step(rows["step"]), whole(rows, "worth"), strict=True
    ):
        found[number].append(Part(step, amount))
    return {number: tuple(parts) for number, parts in found.items()}


def _ends(share: Share) -> Iterator[End]:
    steps, (places, assets, origins) = share.step_rows, share.names
    some = np.flatnonzero(steps["end"] >= 0)
    heads = (steps[name][some].tolist() for name in ("end", "recipient", "asset", "origin"))
    amounts = (joined(steps[f"{name}_high"][some], steps[f"{name}_low"][some]) for name in ("received", "worth"))
    for kind, place, asset, origin, amount, worth, step in zip(*heads, *amounts, some.tolist(), strict=True):
        yield End(_KINDS[kind], places[place], assets[asset], origins[origin], amount, worth, step)


def _losses(share: Share) -> Iterator[Loss]:
    rows = share.rows("loss", table.LOSSES)
    places, assets, origins = share.names
    plans, before = share.ready.history, np.searchsorted(share.steps, rows["before"]).tolist()
    heads = rows[["kind", "tx", "address", "asset", "origin"]].tolist()
    amounts = whole(rows, "amount"), whole(rows, "worth")
    for (kind, i, place, asset, origin), amount, worth, step, earlier in zip(
        heads, *amounts, share.step(rows["step"]), before, strict=True
    ):
        where = plans.transaction(i), places[place], assets[asset], origins[origin]
        yield Loss(_LOSSES[kind], *where, amount, worth, step, earlier)


def _open(share: Share) -> tuple[Array, Array, list[PotKey], Array]:
    """The pots that anything went through: their accounts, lists and keys, and their numbers."""
    places, assets, _ = share.names
    account, head = (one[share.place :: share.methods] for one in (share.state.account, share.state.pot))
    some = np.flatnonzero(account.any(axis=1))
    keys = [(places[place], assets[asset], "") for place, asset in share.ready.pots[some].tolist()]
    return account[some], head[some], keys, some


def _pots(share: Share) -> dict[PotKey, Pot]:
    """All pots that anything went through, and the lots that lie in them, in order of arrival."""
    account, head, keys, _ = _open(share)
    columns = [joined(account[:, 2 * n], account[:, 2 * n + 1]) for n in range(5)]
    lots = _Lots(share, [*share.names[2], CLEAN])  # -1 is clean
    in_turn, made = share.code != CODES["haircut"], defaultdict[PotKey, Pot](Pot)
    for key, ends, *sums in zip(keys, head.tolist(), *columns, strict=True):
        made[key] = Pot(lots.of(ends, in_turn=in_turn), *sums)
    return made


class _Lots:
    """The lots that lie in pots."""

    def __init__(self, share: Share, origins: Sequence[str | None]) -> None:
        lots = share.state.lot
        self.after, self.turns = lots["after"].tolist(), lots["turn"].tolist()
        self.steps, self.of_origin = lots["step"].tolist(), [origins[n] for n in lots["origin"].tolist()]
        self.amounts, self.worths = whole(lots, "amount"), whole(lots, "worth")
        self.local = share.local

    def of(self, heads: Sequence[int], *, in_turn: bool) -> list[Lot]:
        """Both lists of a pot: by turn, or one after the other."""
        numbers = [*self._list(heads[0]), *self._list(heads[2])]
        if in_turn:
            numbers.sort(key=self.turns.__getitem__)
        return [self._lot(number) for number in numbers]

    def _lot(self, number: int) -> Lot:
        step = self.steps[number]
        local = NO_STEP if step < 0 else int(self.local[step])
        return Lot(self.amounts[number], self.of_origin[number], self.worths[number], local)

    def _list(self, lot: int) -> Iterator[int]:
        while lot >= 0:
            yield lot
            lot = self.after[lot]


def _came(share: Share) -> dict[tuple[Address, AssetId, str], list[int]]:
    """What the steps brought, and at a reported address what it originated itself."""
    places, assets, origins = share.names
    steps, made = share.step_rows, defaultdict[tuple[Address, AssetId, str], list[int]](lambda: [0, 0])
    for origin, (address, asset), amount in _own(share):
        made[(address, asset, origin)] = [amount, amount]
    for (place, asset, origin), got, worth in _grouped(steps, ("recipient", "asset", "origin"), "received", "worth"):
        sums = made[(places[place], assets[asset], origins[origin])]
        sums[0] += got
        sums[1] += worth
    return made


def _reached(share: Share) -> dict[tuple[Address, str], int]:
    """What left other addresses for one, in each origin's own asset."""
    places, _, origins = share.names
    steps, made = share.step_rows, defaultdict[tuple[Address, str], int](int)
    for origin, (address, _), amount in _own(share):
        made[(address, origin)] += amount
    left = np.flatnonzero(steps["sender"] != steps["recipient"])
    for (place, origin), worth in _grouped(steps, ("recipient", "origin"), "worth", some=left):
        made[(places[place], origins[origin])] += worth
    return made


def _own(share: Share) -> Iterator[tuple[str, tuple[Address, AssetId], int]]:
    """What reported addresses originated."""
    own = share.ready.own
    return ((origin, own[origin], amount) for origin, amount in _originated(share).items() if origin in own)


def _grouped(
    rows: Columns, by: Sequence[str], *amounts: str, some: Array | slice = slice(None)
) -> Iterator[tuple[Any, ...]]:
    """The sums of some amounts over steps, or some of them, that have these numbers in common."""
    order = np.arange(len(rows))[some]
    if not len(order):
        return
    order = order[np.lexsort([rows[name][order] for name in by])]
    keys = np.column_stack([rows[name][order] for name in by])
    firsts = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    sums = [_sums(rows[f"{name}_high"][order], rows[f"{name}_low"][order], firsts) for name in amounts]
    yield from zip(map(tuple, keys[firsts].tolist()), *sums, strict=True)


def _sums(high: Array, low: Array, firsts: Array) -> list[int]:
    """Exact: in quarters, whose sums fit."""
    quarters = (low & _QUARTER, low >> np.uint64(32), high & _QUARTER, high >> np.uint64(32))
    sums = [np.add.reduceat(quarter, firsts).tolist() for quarter in quarters]
    return [a + (b << 32) + (c << 64) + (d << 96) for a, b, c, d in zip(*sums, strict=True)]


_PAGES: dict[str, Callable[[Share], Any]] = {
    "steps": lambda share: share.made(slice(None)),
    "worth": lambda share: whole(share.step_rows, "worth"),
    "parts": _parts,
    "ends": lambda share: list(_ends(share)),
    "losses": lambda share: list(_losses(share)),
    "originated": _originated,
    "pots": _pots,
    "own": lambda share: {(*where, origin): amount for origin, where, amount in _own(share)},
}


class Stained(Reach):
    """The poison's reach, spread over what was played, and made of the arrays, when it is first asked for."""

    def __init__(self, origins: Origins, ready: Planned, world: World) -> None:
        self.origins = origins
        self._ready = ready
        self._world = world

    def __getattr__(self, name: str) -> Any:
        """Called for what is not made yet."""
        if name not in ("pots", "came"):
            raise AttributeError(name)
        self.pots, self.came = defaultdict(set), defaultdict(int)
        ready, names = self._ready, self._ready.names
        made = stain(ready.tape, self._world, stains(len(ready.pots), len(names.origins.all), ready.lines))
        entry = made.entry
        came, of_origin, after = whole(entry, "came"), entry["origin"].tolist(), entry["after"].tolist()
        some = np.flatnonzero(made.head >= 0)
        pots = ready.pots[some].tolist()
        for (place, asset), head in zip(pots, made.head[some].tolist(), strict=True):
            address, kind, number = names.addresses.all[place], names.assets.all[asset], head
            while number >= 0:
                origin = names.origins.all[of_origin[number]]
                self.pots[(address, kind, "")].add(origin)
                self.came[(address, kind, origin)] = came[number]
                number = after[number]
        return getattr(self, name)


def touched(world: World, ready: Planned) -> dict[Address, datetime]:
    """When taint first came to an address."""
    moments = world.place["touched"]
    return {
        ready.names.addresses.all[n]: EPOCH + timedelta(microseconds=int(moments[n]))
        for n in np.flatnonzero(moments != table.NEVER).tolist()
    }


def gaps(state: State, ready: Planned, code: int) -> dict[tuple[tuple[str, str], PotKey], Gap]:
    """Where a pot paid more than was seen coming in, once a transaction."""
    rows = used(state, "gap", table.GAPS)
    rows = rows[rows["method"] == code]  # every method finds the same
    found: dict[tuple[tuple[str, str], PotKey], Gap] = {}
    for (i, pot), amount in zip(rows[["tx", "pot"]].tolist(), whole(rows, "amount"), strict=True):
        place, asset = ready.pots[pot].tolist()
        one_pot = (ready.names.addresses.all[place], ready.names.assets.all[asset], "")
        transaction = ready.history.transaction(i)
        key = (transaction.chain, transaction.tx_hash)
        found.setdefault((key, one_pot), unseen(transaction, one_pot, amount))
    return found


def unresolved(state: State, ready: Planned) -> list[Transaction]:
    """The transactions in which money stands unresolved under any method, in order."""
    heads = used(state, "head", table.HEADS)
    return [ready.history.transaction(i) for i in np.unique(heads["tx"][heads["end"] == table.UNRESOLVED]).tolist()]


def hops(world: World, ready: Planned) -> dict[Address, int]:
    """The fewest hops from any origin, of every address that taint came to."""
    found = world.place["hops"][:-1]
    return {ready.names.addresses.all[n]: int(found[n]) for n in np.flatnonzero(found >= 0).tolist()}


def played(ready: Planned, world: World) -> Iterator[tuple[int, dict[Address, bool]]]:
    """The rows of the transactions that were played, each with who might spend then."""
    payers, may, firsts = ready.tape.payer.tolist(), world.let.tolist(), ready.tape.tx["payer"].tolist()
    names = ready.names.addresses.all
    for i in np.flatnonzero(world.played).tolist():
        yield i, {names[payers[row]]: may[row] for row in range(firsts[i], firsts[i + 1])}
