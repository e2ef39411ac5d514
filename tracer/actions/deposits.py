"""Exchanges' deposit addresses on no list: judged by what is stored, and kept as labels that can be withdrawn."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tracer.detect.deposits import Deposit, Deposits, derived
from tracer.model import Address, Category, Label, Transaction
from tracer.registry.registry import Registry
from tracer.store.store import Store
from tracer.taint.entries import EndKind
from tracer.taint.flow import Result
from tracer.taint.stops import Labels

TOGETHER = 500  # addresses whose transactions are read at once: a query each would take most of the time


def learn(store: Store, actor: str, result: Result) -> bool:
    """Judge what a fold came by: addresses that were read and paid an exchange, and those labelled by the rules before.

    New labels are added, those no longer found withdrawn, in an act of their own; True if there were any: then the
    same fold may give another result. Judged is by what is stored and final, never by such labels: it comes to an end.
    """
    candidates = sorted(_candidates(result))
    found = {one.label for one in _judged(store, candidates)}
    standing = {replace(one, recorded_at=None) for one in store.labels(candidates) if derived(one)}
    if found == standing:
        return False
    with store.act(actor, "deposits", f"{len(candidates)} judged") as work:
        work.note(found=work.add_labels(sorted(found - standing, key=_order)))
        work.note(withdrawn=work.withdraw_labels(sorted(standing - found, key=_order)))
    return True


def known_deposits(store: Store, addresses: Iterable[Address] = ()) -> list[Deposit]:
    """What the rules say of these addresses, or of all that bear a label of theirs, with the evidence; by address."""
    wanted = set(addresses) or {one.address for one in store.labels() if derived(one)}
    return list(_judged(store, sorted(wanted)))


def _judged(store: Store, addresses: Sequence[Address]) -> Iterator[Deposit]:
    """What the rules say of these over what a store has now."""
    reader = _Reader(store, Registry(store.entities()), store.unconfirmed())
    judge = Deposits(reader.transactions_of, reader.label_at)
    for first in range(0, len(addresses), TOGETHER):
        some = addresses[first : first + TOGETHER]
        reader.ahead(some)
        yield from (one for address in some if (one := judge.of(address)))


def _order(label: Label) -> tuple[Address, str]:
    return (label.address, label.source)


def _candidates(result: Result) -> set[Address]:
    labels, found = result.flow.labels, set()
    for book in result.books.values():
        for end, step in zip(book.ends, book.chosen(end.step for end in book.ends), strict=True):
            claim = labels.at(end.address, step.transaction.at) if end.kind is EndKind.ARRIVAL else None
            if claim and claim.category is Category.EXCHANGE and not derived(claim):
                found.add(step.sender)
    reported = {spec.address for spec in result.flow.specs if spec.tx_hash is None}  # what is said of these is theirs
    return (found & result.flow.read) - reported | {one.address for one in labels.all() if derived(one)}


@dataclass(slots=True)
class _Reader:
    """What the rules ask of a store; an exchange has one text, however labels name it."""

    store: Store
    registry: Registry
    unconfirmed: Container[tuple[str, str]]
    labels: Labels = field(default_factory=Labels)
    known: set[Address] = field(default_factory=set)
    read: dict[Address, list[Transaction]] = field(default_factory=dict)

    def ahead(self, addresses: Sequence[Address]) -> None:
        """Read what will be asked of these at once, in place of what was read ahead before."""
        self.read = {address: [] for address in addresses}
        for one in self._final(addresses):
            for end in {end for t in one.transfers for end in (t.sender, t.recipient) if end in self.read}:
                self.read[end].append(one)

    def transactions_of(self, address: Address) -> list[Transaction]:
        """All that is stored and final, with the labels of both ends."""
        found = self.read.get(address)
        return self._final([address]) if found is None else found

    def _final(self, addresses: Sequence[Address]) -> list[Transaction]:
        every = self.store.transactions_of(addresses)
        found = [one for one in every if (one.chain, one.tx_hash) not in self.unconfirmed]
        ends = {*addresses, *(end for one in found for t in one.transfers for end in (t.sender, t.recipient) if end)}
        new = sorted(ends - self.known)
        self.known |= ends
        self.labels.add(self._named(one) for one in self.store.labels(new) if not derived(one))
        return found

    def label_at(self, address: Address, at: datetime) -> Label | None:
        """The label that counts; of addresses that were met."""
        return self.labels.at(address, at)

    def _named(self, label: Label) -> Label:
        entity = self.registry.entity_of(label.entity)
        return replace(label, entity=entity.id) if entity else label
