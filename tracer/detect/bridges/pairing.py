"""Which payout is of which payment into a bridge, and by which two transfers the money went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tracer.detect.bridges.message import Message, Way
from tracer.model import Address, Crossing, Kind, Transaction, Transfer

Key = tuple[str, str]  # chain and hash of a transaction

OPEN = "no payout is known yet of what went into the bridge"
SEVERAL = "several payments, or several payouts, bear the same name"
NOBODY = "it names no address on a chain that is read"
UNREAD = "the payout's transaction is not read yet"
NO_PAYMENT = "no transfer is what the bridge says it took"
NO_PAYOUT = "no transfer is what the bridge says it paid out"


class Joined(NamedTuple):
    """A payment into a bridge and its payout; None: why it is not told."""

    out: Message
    into: Message | None
    why: str = ""


def joined(messages: Iterable[Message], repeating: Collection[str] = ()) -> list[Joined]:
    """Every payment into a bridge, in order of time, with its payout.

    `repeating`: protocols whose equal messages are different crossings: there the first payment is the first payout's.
    """
    sides: dict[tuple[str, str], dict[Way, list[Message]]] = defaultdict(lambda: {Way.OUT: [], Way.IN: []})
    for message in sorted(messages, key=lambda one: one.order):
        sides[message.protocol, message.key][message.way].append(message)
    found: list[Joined] = []
    for (protocol, _), both in sides.items():
        pair = _in_turn if protocol in repeating else _only
        found.extend(pair(both[Way.OUT], both[Way.IN]))
    return sorted(found, key=lambda one: one.out.order)


def _in_turn(outs: Sequence[Message], ins: Sequence[Message]) -> Iterator[Joined]:
    for number, out in enumerate(outs):
        into = ins[number] if number < len(ins) else None
        yield Joined(out, into, "" if into else OPEN)


def _only(outs: Sequence[Message], ins: Sequence[Message]) -> Iterator[Joined]:
    for out in outs:
        mine = [one for one in ins if one.terms in ((), out.terms)]
        if out.recipient is None:
            yield Joined(out, None, NOBODY)
        elif len(outs) > 1 or len(mine) > 1:
            yield Joined(out, None, SEVERAL)
        else:
            yield Joined(out, mine[0] if mine else None, "" if mine else OPEN)


def crossings(found: Iterable[Joined], transactions: Mapping[Key, Transaction]) -> list[Crossing]:
    """What of these payments is in these transactions: by which transfer each went in, and by which it was paid out.

    A payment whose payout is not told, or by no transfer that is known, is named with the reason.
    """
    used: set[str] = set()
    made: list[Crossing] = []
    for out, into, why in found:
        paid = transactions.get(out.transaction)
        if paid is None:
            continue
        taken = _taken(out, paid, used)
        if taken is None:
            continue  # a transaction known in part, or of no concern
        used.add(taken.id)
        recipient = (into.recipient if into else None) or out.recipient
        payout, lacking = _payout(into, recipient, transactions, used) if into else (None, why)
        used |= {payout.id} if payout else set()
        name = (into.name if into else "") or out.key
        shown = name if len(name) <= NAME else out.log.tx_hash
        made.append(Crossing(out.protocol, shown, taken.id, payout.id if payout else None, recipient, lacking))
    return made


NAME = 100  # letters: what only joins is no name


def _taken(out: Message, paid: Transaction, used: Collection[str]) -> Transfer | None:
    """The transfer by which the bridge got it: to where it surely went, else to its contracts."""
    fit = [one for one in _moved(paid, out, used) if out.amount in (None, one.amount)]
    if not out.ends:
        outputs = [one for one in fit if one.kind is Kind.OUTPUT and one.recipient]
        return min(outputs, key=lambda one: one.index or 0, default=None)
    return next((one for end in out.ends for one in fit if one.recipient == end), None)


def _payout(
    into: Message, recipient: Address | None, transactions: Mapping[Key, Transaction], used: Collection[str]
) -> tuple[Transfer | None, str]:
    """The transfer by which the recipient got it; else why there is none."""
    paid = transactions.get(into.transaction)
    if paid is None:
        return None, UNREAD
    fit = [one for one in _moved(paid, into, used) if one.recipient == recipient and into.amount in (None, one.amount)]
    if not fit:
        return None, NO_PAYOUT
    if into.amount is None and len(fit) > 1:
        return None, SEVERAL
    return fit[0], ""


def _moved(paid: Transaction, message: Message, used: Collection[str]) -> list[Transfer]:
    kinds = (Kind.FEE, Kind.INPUT)
    return [
        one
        for one in sorted(paid.transfers, key=lambda one: one.id)
        if one.asset in message.assets and one.kind not in kinds and one.id not in used
    ]
