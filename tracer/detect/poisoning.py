"""What a chain shows as a transfer and is none of value: kept, with the reason, and never followed.

Anyone can make a token that names you as sender or recipient, and can send you dust from an address that looks like one
you pay. `dropped` names such transfers. It is a pure function of the set of transactions: their order is irrelevant.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tracer.chains import CHAINS, Family, is_listed, is_on_chain, is_zero, mimics
from tracer.model import Address, AssetId, Kind, Transaction, Transfer


class Drop(StrEnum):
    """Why a transfer does not count, in the order they are tried."""

    ZERO_AMOUNT = "zero_amount"
    FAILED = "failed"
    MIMICS_VERIFIED = "mimics_verified"
    UNLISTED_UNSOLICITED = "unlisted_unsolicited"
    LOOKALIKE_DUST = "lookalike_dust"


TRANSACTIONS = 20  # how far back a look-alike is compared: an address's last transactions that count,
HOURS = timedelta(hours=24)  # or this long, whichever reaches further
DUST = 100  # dust is less than a hundredth of what it mimics


def dropped(
    transactions: Sequence[Transaction], symbols: Mapping[AssetId, str], read: Collection[Address]
) -> dict[str, str]:
    """Transfer id to the reason (a `Drop`) for every transfer that does not count.

    `symbols` are what assets call themselves, as far as known. Look-alikes are judged at the addresses in `read` only:
    of others the history is not known. An address's own payment (it initiated the transaction) is never dust: it is
    a theft, whatever it looks like. What mimics is compared with what counted before it.
    """
    watched = {address: _History() for address in read}
    reasons: dict[str, str] = {}
    for _, found, _ in _played(transactions, symbols, watched):
        reasons.update(found)
    return reasons


def thefts(
    transactions: Sequence[Transaction], symbols: Mapping[AssetId, str], read: Collection[Address]
) -> dict[str, Address]:
    """Transfer id to whom it was meant for: payments that an address in `read` made itself, to a stranger who looks
    like one it had dealt with. They are real, they are followed, and they tell that somebody was deceived.
    """
    watched = {address: _History() for address in read}
    found: dict[str, Address] = {}
    for transaction, _, counting in _played(transactions, symbols, watched):
        for transfer in counting:
            for here, other in _sides(transfer):
                if here in watched and here == transfer.sender == transaction.initiator:
                    for one in watched[here].alike(transfer.asset, other)[:1]:
                        found[transfer.id] = one
    return found


def _played(
    transactions: Sequence[Transaction], symbols: Mapping[AssetId, str], watched: Mapping[Address, _History]
) -> Iterator[tuple[Transaction, dict[str, str], list[Transfer]]]:
    """Each transaction in order, what of it is dropped and why, and what counts; the histories are those before it."""
    for transaction in sorted(transactions, key=lambda each: each.order):
        found = {transfer.id: reason for transfer, reason in _without_history(transaction, symbols)}
        counting = [transfer for transfer in transaction.transfers if transfer.id not in found]
        dust = {transfer.id for transfer in counting if _is_dust(transfer, transaction, watched)}
        found.update(dict.fromkeys(dust, Drop.LOOKALIKE_DUST.value))
        counting = [transfer for transfer in counting if transfer.id not in dust]
        yield transaction, found, counting
        _remember(counting, transaction.at, watched)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Where poison can be at all, so that of a long history only that need be looked at: amounts of zero, what failed,
    these assets, and addresses that dealt with two others of one look, one paying less than a hundredth of the other.
    """

    assets: frozenset[AssetId]
    looks: Mapping[Address, str]  # of those whose looks matter
    dust: int = DUST

    @classmethod
    def of(cls, assets: Iterable[AssetId], addresses: Iterable[Address]) -> Doubt:
        """Of a history with these."""
        looks = {address: _look(address) for address in addresses if not is_zero(address)}
        return cls(frozenset(asset for asset in assets if _is_unlisted(asset)), looks)


def _is_unlisted(asset: AssetId) -> bool:
    return is_on_chain(asset) and not is_listed(asset)


def _without_history(transaction: Transaction, symbols: Mapping[AssetId, str]) -> Iterable[tuple[Transfer, str]]:
    """What the transaction alone tells; fees are always real."""
    moved = [transfer for transfer in transaction.transfers if transfer.kind is not Kind.FEE]
    unlisted = {transfer.asset for transfer in moved if _is_unlisted(transfer.asset)}
    mimicking = {asset for asset in unlisted if mimics(asset, symbols.get(asset, ""))}
    unsolicited = _unsolicited(unlisted, moved, transaction.initiator)
    for transfer in moved:
        if transfer.amount == 0:
            yield transfer, Drop.ZERO_AMOUNT.value
        elif not transaction.ok:
            yield transfer, Drop.FAILED.value
        elif transfer.asset in mimicking:
            yield transfer, Drop.MIMICS_VERIFIED.value
        elif transfer.asset in unsolicited:
            yield transfer, Drop.UNLISTED_UNSOLICITED.value


def _unsolicited(unlisted: set[AssetId], moved: list[Transfer], initiator: Address | None) -> set[AssetId]:
    """The unlisted tokens that a known initiator neither sent nor got in exchange for another asset."""
    if not unlisted or initiator is None:
        return set()
    nets: dict[AssetId, int] = defaultdict(int)  # what the initiator received minus what it paid
    for transfer in moved:
        nets[transfer.asset] += transfer.amount * ((transfer.recipient == initiator) - (transfer.sender == initiator))
    sent = {transfer.asset for transfer in moved if transfer.sender == initiator and transfer.amount}
    paid = {asset for asset, net in nets.items() if net < 0}
    return {asset for asset in unlisted - sent if nets[asset] <= 0 or not paid - {asset}}


@dataclass(slots=True)
class _Seen:
    """Falling amounts of one counterparty in one asset: the first that is recent enough is the largest recent one."""

    amounts: deque[tuple[int, datetime, int]] = field(default_factory=deque)  # transaction number, time, amount

    def add(self, number: int, at: datetime, amount: int) -> None:
        while self.amounts and self.amounts[-1][2] <= amount:
            self.amounts.pop()
        self.amounts.append((number, at, amount))

    def largest(self, number: int, at: datetime) -> int:
        while self.amounts and self.amounts[0][0] < number - TRANSACTIONS and self.amounts[0][1] < at - HOURS:
            self.amounts.popleft()
        return self.amounts[0][2] if self.amounts else 0


@dataclass(slots=True)
class _History:
    """What counted so far at one address: how many transactions, with whom, and by look and asset how much."""

    number: int = 0
    known: set[Address] = field(default_factory=set)
    seen: dict[tuple[AssetId, str], dict[Address, _Seen]] = field(default_factory=lambda: defaultdict(dict))

    def alike(self, asset: AssetId, other: Address) -> list[Address]:
        """Those dealt with in that asset whom a stranger looks like; none of one who is known."""
        return [] if other in self.known else sorted(self.seen.get((asset, _look(other)), {}))


def _is_dust(transfer: Transfer, transaction: Transaction, watched: Mapping[Address, _History]) -> bool:
    return any(
        here != transaction.initiator and _mimics_one(transfer, other, transaction.at, watched[here])
        for here, other in _sides(transfer)
        if here in watched
    )


def _mimics_one(transfer: Transfer, other: Address, at: datetime, history: _History) -> bool:
    """A stranger that looks like one this address dealt with, and moves less than a hundredth of what that one did."""
    if other in history.known:
        return False
    alike = history.seen.get((transfer.asset, _look(other)), {})
    return any(transfer.amount * DUST < one.largest(history.number, at) for one in alike.values())


def _remember(transfers: Iterable[Transfer], at: datetime, watched: Mapping[Address, _History]) -> None:
    touched = set()
    for transfer in transfers:
        for here, other in _sides(transfer):
            if here in watched:
                history = watched[here]
                seen = history.seen[transfer.asset, _look(other)].setdefault(other, _Seen())
                seen.add(history.number, at, transfer.amount)
                history.known.add(other)
                touched.add(here)
    for here in touched:
        watched[here].number += 1


def _sides(transfer: Transfer) -> list[tuple[Address, Address]]:
    """Both ends, each with its counterparty; none where looks do not matter: fees, bitcoin, mint and burn."""
    sender, recipient = transfer.sender, transfer.recipient
    if transfer.kind is Kind.FEE or sender is None or recipient is None or sender == recipient:
        return []
    if is_zero(sender) or is_zero(recipient):
        return []
    return [(sender, recipient), (recipient, sender)]


def _look(address: Address) -> str:
    """What people compare of an address: three digits after 0x and the last four; on TRON the last four letters."""
    chain = CHAINS.get(address.chain)
    if chain is not None and chain.family is Family.EVM:
        return (address.text[2:5] + address.text[-4:]).lower()
    return address.text[-4:]
