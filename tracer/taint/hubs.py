"""Addresses too busy to follow: unlabelled, no origin, and with too many counterparties after taint came."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.chains import Family, family
from tracer.model import Address, Transaction, Transfer

Key = tuple[str, str]  # chain, tx_hash
Contacts = Mapping[Address, Sequence[tuple[datetime, Address]]]


@dataclass(slots=True)
class Hub:
    """An address too busy to follow: how many it dealt with, since taint came at `since`."""

    counterparties: int
    since: datetime


def counterparties(contacts: Sequence[tuple[datetime, Address]], since: datetime, window: timedelta) -> int:
    """How many distinct addresses an address dealt with after `since`, within the window. The hub test is `> limit`.

    `contacts` are sorted by time. Only what comes after taint counts, so the past cannot change.
    """
    start = bisect_right(contacts, since, key=lambda contact: contact[0])
    end = bisect_right(contacts, since + window, key=lambda contact: contact[0])
    return len({other for _, other in contacts[start:end]})


def contacts(
    transactions: Mapping[Key, Transaction], counted: Mapping[Key, Sequence[Transfer]], limit: int
) -> Contacts:
    """Who dealt with whom and when, sorted by time, of those that could have dealt with more than `limit` others.

    On bitcoin all who put in deal with all who take out.
    """
    times: Counter[Address] = Counter()
    for key, transfers in counted.items():
        for address, others in _dealings(key, transfers):
            times[address] += len(others)
    busy = {address for address, count in times.items() if count > limit}
    found: dict[Address, set[tuple[datetime, Address]]] = defaultdict(set)
    for key, transfers in counted.items() if busy else ():
        for address, others in _dealings(key, transfers):
            if address in busy:
                found[address].update((transactions[key].at, other) for other in others)
    return {address: sorted(seen) for address, seen in found.items()}


def _dealings(key: Key, transfers: Sequence[Transfer]) -> Iterator[tuple[Address, Collection[Address]]]:
    if family(key[0]) is Family.BITCOIN:
        senders, recipients = {t.sender for t in transfers}, {t.recipient for t in transfers}
        for here, there in ((senders, recipients), (recipients, senders)):
            yield from ((end, {other for other in there if other not in (None, end)}) for end in here if end)
        return
    for transfer in transfers:
        if transfer.sender and transfer.recipient and transfer.sender != transfer.recipient:
            yield transfer.sender, (transfer.recipient,)
            yield transfer.recipient, (transfer.sender,)
