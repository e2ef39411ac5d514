"""What the kernel left in its arrays, as the values of the plain definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tracer.model import Address, AssetId, Gap, Transaction
from tracer.taint.books import Book, End, EndKind, Loss, Part, Pot, PotKey, Step, unseen
from tracer.taint.kernel import state as table
from tracer.taint.kernel.state import Array, Stains, State, Tape, World
from tracer.taint.kernel.tape import EPOCH, Writer
from tracer.taint.methods import CLEAN, NO_STEP, Lot
from tracer.taint.origins import Origins
from tracer.taint.reach import Reach
from tracer.taint.transaction import Plan

_BY = {table.PAYMENT: "payment", table.EXCHANGE: "exchange", table.INFERRED: "inferred_exchange",
       table.HAND_ON: "hand_on"}  # fmt: skip
_KINDS = {
    table.ARRIVAL: EndKind.ARRIVAL,
    table.MIXER: EndKind.MIXER,
    table.BRIDGE: EndKind.BRIDGE,
    table.REDEEMED: EndKind.REDEEMED,
    table.UNRESOLVED: EndKind.UNRESOLVED,
}
_LOSSES = {table.FEES: "fees", table.ROUNDING: "rounding"}


def whole(rows: Array, name: str) -> list[int]:
    """An amount of records as Python integers."""
    return _joined(rows[f"{name}_high"], rows[f"{name}_low"])


def _joined(high: Array, low: Array) -> list[int]:
    if not high.any():
        return low.tolist()  # type: ignore[no-any-return]
    return [(h << 64) | one for h, one in zip(high.tolist(), low.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class Share:
    """What of a state is one method's: its code, its place among those played, and the numbers of its steps."""

    state: State
    writer: Writer
    code: int
    place: int
    steps: Array  # rows, in order
    local: Array  # by row: the number within its method

    @classmethod
    def of(cls, state: State, writer: Writer, codes: Sequence[int]) -> list[Share]:
        """The share of each method, in the order in which they were played."""
        every = used(state, "step", table.STEPS)
        local = np.zeros(len(every), np.int64)
        made = []
        for place, code in enumerate(codes):
            rows = np.flatnonzero(every["method"] == code)
            local[rows] = np.arange(len(rows))
            made.append(cls(state, writer, code, place, rows, local))
        return made

    def rows(self, name: str, counter: int) -> Array:
        """This method's rows of a table."""
        every = used(self.state, name, counter)
        mine: Array = every[every["method"] == self.code]
        return mine

    def step(self, numbers: Array) -> list[int]:
        """The number within the method, of the number among all; none stays none."""
        if not len(self.local):
            return numbers.tolist()  # type: ignore[no-any-return]
        return np.where(numbers < 0, NO_STEP, self.local[numbers]).tolist()  # type: ignore[no-any-return]

    @property
    def names(self) -> tuple[list[Address], list[AssetId], list[str]]:
        """Addresses, assets and origins by number."""
        return self.writer.addresses.all, self.writer.assets.all, self.writer.origins.all


def used(state: State, name: str, counter: int) -> Array:
    """The rows of a table that were written."""
    made: Array = getattr(state, name)[: int(state.counts[counter])]
    return made


def into(book: Book, share: Share) -> None:
    """Put a method's steps, ends, losses, pots and sums into its book."""
    book.steps.extend(_steps(share))
    book.parts.update(_parts(share))
    book.ends.extend(_ends(share))
    book.losses.extend(_losses(share))
    origins = share.writer.origins.all
    mine = share.state.originated[share.place * len(origins) :][: len(origins)]
    for origin, amount in zip(origins, _joined(mine[:, 0], mine[:, 1]), strict=True):
        if amount:
            book.originated[origin] = amount
    _pots(book, share)
    _own(book, share.writer)


def _steps(share: Share) -> Iterator[Step]:
    rows = share.rows("step", table.STEPS)
    places, assets, origins = share.names
    plans, parents, paid = share.writer.plans, share.step(rows["parent"]), _paid(share)
    heads = rows[["tx", "by", "sender", "recipient", "asset", "origin"]].tolist()
    received, worths = whole(rows, "received"), whole(rows, "worth")
    for n, ((i, by, sender, recipient, asset, origin), got, worth, parent) in enumerate(
        zip(heads, received, worths, parents, strict=True)
    ):
        what, amount = paid.get(n) or (asset, got)
        ends = places[sender], places[recipient]
        yield Step(
            *(plans[i].at, _BY[by], *ends, assets[what], amount, assets[asset], got, origins[origin], worth, parent)
        )


def _paid(share: Share) -> dict[int, tuple[int, int]]:
    """The asset and amount that were paid for a step, where they are not what was received."""
    rows = used(share.state, "paid", table.PAID_ROWS)
    rows = rows[share.state.step["method"][rows["number"]] == share.code]
    what = zip(rows["asset"].tolist(), whole(rows, "amount"), strict=True)
    return dict(zip(share.step(rows["number"]), what, strict=True))


def _parts(share: Share) -> dict[int, tuple[Part, ...]]:
    every = used(share.state, "part", table.PARTS)
    rows = every[share.state.step["method"][every["number"]] == share.code]
    found: dict[int, list[Part]] = defaultdict(list)
    for number, step, amount in zip(
        share.step(rows["number"]), share.step(rows["step"]), whole(rows, "worth"), strict=True
    ):
        found[number].append(Part(step, amount))
    return {number: tuple(parts) for number, parts in found.items()}


def _ends(share: Share) -> Iterator[End]:
    rows = share.rows("end", table.ENDS)
    places, assets, origins = share.names
    heads = rows[["kind", "address", "asset", "origin"]].tolist()
    for (kind, place, asset, origin), amount, worth, step in zip(
        heads, whole(rows, "amount"), whole(rows, "worth"), share.step(rows["step"]), strict=True
    ):
        yield End(_KINDS[kind], places[place], assets[asset], origins[origin], amount, worth, step)


def _losses(share: Share) -> Iterator[Loss]:
    rows = share.rows("loss", table.LOSSES)
    places, assets, origins = share.names
    plans, before = share.writer.plans, np.searchsorted(share.steps, rows["before"]).tolist()
    heads = rows[["kind", "tx", "address", "asset", "origin"]].tolist()
    amounts = whole(rows, "amount"), whole(rows, "worth")
    for (kind, i, place, asset, origin), amount, worth, step, earlier in zip(
        heads, *amounts, share.step(rows["step"]), before, strict=True
    ):
        where = plans[i].at, places[place], assets[asset], origins[origin]
        yield Loss(_LOSSES[kind], *where, amount, worth, step, earlier)


def _pots(book: Book, share: Share) -> None:
    """All pots that anything went through, and the lots that lie in them, in order of arrival."""
    places, assets, origins = share.names
    pots = share.writer.pots.all
    first = share.place * len(pots)
    account, head = (one[first : first + len(pots)] for one in (share.state.account, share.state.pot))
    columns = [_joined(account[:, 2 * n], account[:, 2 * n + 1]) for n in range(5)]
    heads, lots = head.tolist(), _Lots(share, [*origins, CLEAN])  # -1 is clean
    for pot in np.flatnonzero(account.any(axis=1)).tolist():
        place, asset = pots[pot]
        key = (places[place], assets[asset], "")
        held = lots.of(heads[pot], in_turn=book.method != "haircut")
        book.pots[key] = Pot(held, *(column[pot] for column in columns))


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


def _own(book: Book, writer: Writer) -> None:
    """What reported addresses originated themselves."""
    for origin, amount in book.originated.items():
        if origin in writer.own:
            book.own[(*writer.own[origin], origin)] = amount


def reach(origins: Origins, stains: Stains, writer: Writer) -> Reach:
    """The poison's reach."""
    made, came = Reach(origins), whole(stains.entry, "came")
    of_origin, after = stains.entry["origin"].tolist(), stains.entry["after"].tolist()
    for pot in np.flatnonzero(stains.head >= 0).tolist():
        place, asset = writer.pots.all[pot]
        address, kind = writer.addresses.all[place], writer.assets.all[asset]
        entry = int(stains.head[pot])
        while entry >= 0:
            origin = writer.origins.all[of_origin[entry]]
            made.pots[(address, kind, "")].add(origin)
            made.came[(address, kind, origin)] = came[entry]
            entry = after[entry]
    return made


def touched(world: World, writer: Writer) -> dict[Address, datetime]:
    """When taint first came to an address."""
    moments = world.place["touched"]
    return {
        writer.addresses.all[n]: EPOCH + timedelta(microseconds=int(moments[n]))
        for n in np.flatnonzero(moments != table.NEVER).tolist()
    }


def gaps(state: State, writer: Writer, code: int) -> dict[tuple[tuple[str, str], PotKey], Gap]:
    """Where a pot paid more than was seen coming in, once a transaction."""
    rows = used(state, "gap", table.GAPS)
    rows = rows[rows["method"] == code]  # every method finds the same
    found: dict[tuple[tuple[str, str], PotKey], Gap] = {}
    for (i, pot), amount in zip(rows[["tx", "pot"]].tolist(), whole(rows, "amount"), strict=True):
        place, asset = writer.pots.all[pot]
        one_pot = (writer.addresses.all[place], writer.assets.all[asset], "")
        transaction = writer.plans[i].at
        key = (transaction.chain, transaction.tx_hash)
        found.setdefault((key, one_pot), unseen(transaction, one_pot, amount))
    return found


def unresolved(state: State, writer: Writer) -> list[Transaction]:
    """The transactions in which money stands unresolved under any method, in order."""
    ends = used(state, "end", table.ENDS)
    steps = ends["step"][ends["kind"] == table.UNRESOLVED]
    return [writer.plans[i].at for i in np.unique(state.step["tx"][steps]).tolist()]


def hops(world: World, writer: Writer) -> dict[Address, int]:
    """The fewest hops from any origin, of every address that taint came to."""
    found = world.place["hops"][:-1]
    return {writer.addresses.all[n]: int(found[n]) for n in np.flatnonzero(found >= 0).tolist()}


def played(tape: Tape, world: World, writer: Writer) -> Iterator[tuple[Plan, dict[Address, bool]]]:
    """The transactions that were played, each with who might spend then."""
    payers, let, firsts = tape.payer.tolist(), world.let.tolist(), tape.tx["payer"].tolist()
    names = writer.addresses.all
    for i in np.flatnonzero(world.played).tolist():
        rows = range(firsts[i], firsts[i + 1])
        yield writer.plans[i], {names[payers[row]]: let[row] for row in rows}
