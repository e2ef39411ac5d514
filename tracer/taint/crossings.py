"""Bridges that were crossed: the money of a payment goes on as the payout, whoever advanced it.

While the bridge has it, it lies with a *passage*, a party that stands for this one crossing (`Crossing.name`), on
either chain. In the payment's transaction the passage is the recipient. Just before the payout's the passage there gets
what is paid out for it; in that transaction it is the sender. Whoever paid there in truth (a relayer, a vault) paid for
the bridge: his own money ends at `NAME:advanced`, as money does that is paid into one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tracer.chains import Family, family, is_zero, wrapper
from tracer.model import Address, AssetId, Crossing, Gap, Kind, Transaction, Transfer
from tracer.taint.allocate import Party
from tracer.taint.hubs import Key
from tracer.taint.passage import is_passage
from tracer.taint.stops import Stop
from tracer.taint.transaction import Leg, Plan, Spend, StopAt, Target
from tracer.taint.utxo import Coins

Counted = Mapping[Key, tuple[Transfer, ...]]
ADVANCED = "advanced"


@dataclass(frozen=True, slots=True)
class Open:
    """A payment into a bridge that is not followed, and why."""

    crossing: Crossing
    out: Transfer
    at: Transaction
    why: str

    def gap(self) -> Gap:
        """The same as a gap, at who paid it in."""
        text = f"{self.crossing.protocol} {self.crossing.key}: {self.why}"
        return Gap("crossing", text, self.out.sender, self.at.tx_hash, self.out.asset, self.out.amount, self.at.at)


@dataclass(frozen=True, slots=True)
class Crossed:
    """What crossings make of transactions: what counts of each with passages in it, and what is played before it."""

    counted: Counted = field(default_factory=dict)
    before: Mapping[Key, Sequence[Plan | Coins]] = field(default_factory=dict)
    passages: frozenset[Address] = frozenset()
    open: tuple[Open, ...] = ()


def crossed(
    crossings: Collection[Crossing], order: Sequence[tuple[Key, Transaction]], counted: Counted, label: LabelAt
) -> Crossed:
    """What crossings make of transactions in this order. A transfer that counts in none crosses nothing."""
    if not crossings:
        return Crossed(counted)
    wanted = {id_ for one in crossings for id_ in (one.out, one.into) if id_}
    places = {
        transfer.id: (number, key, at, transfer)
        for number, (key, at) in enumerate(order)
        for transfer in counted[key]
        if transfer.id in wanted
    }
    work = _Work(dict(counted), label)
    for one in sorted(crossings, key=lambda one: (one.name, one.out)):
        taken, paid = places.get(one.out), places.get(one.into or "")
        if taken is None:
            continue
        why = _why_not(one, taken[0], paid[0] if paid else None)
        if not why and any(map(_changes_form, (taken[3], *([paid[3]] if paid else [])))):
            why = "it only changed a coin's form"
        if paid is None or why or not work.fresh(one):
            work.open.append(Open(one, taken[3], taken[2], why or "another crossing has taken the same transfer"))
        else:
            work.cross(one, taken[1:], paid[1:])
    return Crossed(work.counted, work.before, frozenset(work.passages), tuple(work.open))


def _why_not(one: Crossing, out: int, into: int | None) -> str:
    if one.into is None:
        return one.why
    if into is None:
        return "its payout is no transfer that counts"
    return "it was paid out before it was paid in" if into <= out else ""


def _changes_form(transfer: Transfer) -> bool:
    """True at a listed wrapper: such a transfer stands for another one, of the wrapped coin."""
    return any(end is not None and wrapper(AssetId(*end)) for end in (transfer.sender, transfer.recipient))


LabelAt = Callable[[Address, Transaction], Stop | None]
Place = tuple[Key, Transaction, Transfer]


@dataclass(slots=True)
class _Work:
    counted: dict[Key, tuple[Transfer, ...]]
    label: LabelAt
    before: dict[Key, list[Plan | Coins]] = field(default_factory=dict)
    passages: set[Address] = field(default_factory=set)
    open: list[Open] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def fresh(self, one: Crossing) -> bool:
        """True if no other crossing has its transfers, or its name."""
        mine = {one.out, one.into or "", one.name}
        return self.used.isdisjoint(mine)

    def cross(self, one: Crossing, taken: Place, paid: Place) -> None:
        self.used |= {one.out, one.into or "", one.name}
        (from_key, _, out), (to_key, at, into) = taken, paid
        here, there = Address(out.asset.chain, one.name), Address(into.asset.chain, one.name)
        self.passages |= {here, there}
        self._replace(from_key, out, [replace(out, recipient=here)])
        before = self.before.setdefault(to_key, [])
        # each plan has a transaction of its own, if of the same name: what comes after has what comes before
        before.append(_changes(replace(at), replace(out, recipient=here), replace(into, sender=there)))
        advanced = replace(into, recipient=Address(there.chain, f"{one.name}:{ADVANCED}"))
        if family(there.chain) is Family.BITCOIN:
            before.append(self._coins(replace(at), into, there))
            self._replace(to_key, into, [advanced])
        else:
            minted = into.sender is None or is_zero(into.sender)
            settled = [] if minted else [replace(advanced, id=f"{into.id}:{ADVANCED}")]
            self._replace(to_key, into, [replace(into, sender=there), *settled])

    def _replace(self, key: Key, old: Transfer, new: Iterable[Transfer]) -> None:
        self.counted[key] = tuple(each for one in self.counted[key] for each in (new if one.id == old.id else [one]))

    def _coins(self, at: Transaction, into: Transfer, there: Address) -> Coins:
        """On bitcoin the payout is a transaction of its own, from the passage's one coin."""
        coin = Transfer(f"{into.id}:{Kind.INPUT}", Kind.INPUT, into.asset, into.amount, there, None, 0)
        stop = self.label(into.recipient, at) if into.recipient else None
        stops = {into.recipient: stop} if into.recipient and stop else {}
        return Coins(at, (coin,), (into,), frozenset(), stops)


def _changes(at: Transaction, out: Transfer, into: Transfer) -> Plan:
    """The passage gives what was paid in and gets what is paid out."""
    assert out.recipient is not None and into.sender is not None  # noqa: S101, PT018 - the passage on either chain
    payer, getter = Party(out.recipient, ""), Party(into.sender, "")
    return Plan(
        at,
        spends=[Spend(payer, out.asset, [Leg(out.amount, None)])],
        exchanges={payer: [Target(getter, into.asset, into.amount)]},
        receipts={(getter, into.asset): into.amount},
        payers=(out.recipient,),
    )


def stopping(stop_at: StopAt) -> StopAt:
    """What a label makes of an address, and a bridge of those that advanced it money."""

    def stop(address: Address) -> Stop | None:
        if is_passage(address):
            return Stop.BRIDGE if address.text.endswith(f":{ADVANCED}") else None
        return stop_at(address)

    return stop
