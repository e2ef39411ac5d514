"""Bridges that say which payout is of which payment: money is followed through them exactly.

To add one is to write a small file as `across.py` is, and to add it to PROTOCOLS.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tracer.detect.bridges.across import ACROSS
from tracer.detect.bridges.cctp import CCTP, CCTP2
from tracer.detect.bridges.message import Message, Protocol, Way
from tracer.detect.bridges.pairing import Joined, crossings, joined
from tracer.detect.bridges.thorchain import MEMOS, THORCHAIN
from tracer.model import Address, Kind, Log, Transaction

PROTOCOLS: dict[str, Protocol] = {one.name: one for one in (ACROSS, CCTP, CCTP2, THORCHAIN)}
CONTRACTS: frozenset[Address] = frozenset(place for one in PROTOCOLS.values() for place in one.contracts)
HOLDS: dict[Address, str] = {place: one.name for one in PROTOCOLS.values() for place in one.holds}


def met(transactions: Collection[Transaction]) -> bool:
    """True if any of these transactions may have paid into a bridge, or, on bitcoin, says something itself."""
    moved = (transfer for one in transactions for transfer in one.transfers)
    return any(
        transfer.recipient in HOLDS if transfer.recipient else transfer.kind is Kind.OUTPUT for transfer in moved
    )


def messages(logs: Iterable[Log]) -> list[Message]:
    """What these logs say of money that crossed."""
    logs = list(logs)
    return [message for one in PROTOCOLS.values() for message in one.messages(logs)]


def joins(logs: Iterable[Log]) -> list[Joined]:
    """Every payment into a bridge that these logs tell of, with its payout as far as they tell of it."""
    return joined(messages(logs), {one.name for one in PROTOCOLS.values() if one.repeats})


__all__ = [
    "CONTRACTS",
    "HOLDS",
    "MEMOS",
    "PROTOCOLS",
    "Joined",
    "Message",
    "Protocol",
    "Way",
    "crossings",
    "joins",
    "messages",
    "met",
]
