"""What a book writes down: steps and the parts they are made of, ends, losses, and the accounts these add up in."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tracer.model import Address, AssetId, Transaction
from tracer.taint.stops import Stop

PotKey = tuple[Address, AssetId, str]  # the third is an outpoint on bitcoin, else empty


COINJOIN, UNADDRESSED = "coinjoin", "unaddressed"
LEAVES = frozenset({COINJOIN, UNADDRESSED})  # by these a step leaves its address for no other: it is both its ends


class EndKind(StrEnum):
    """Where tainted money can come to an end."""

    ARRIVAL = "arrival"
    MIXER = "mixer"
    BRIDGE = "bridge"
    REDEEMED = "redeemed"
    UNRESOLVED = "unresolved"


ENDS = {Stop.ARRIVAL: EndKind.ARRIVAL, Stop.MIXER: EndKind.MIXER, Stop.BRIDGE: EndKind.BRIDGE}

ACCOUNT_OF = {
    EndKind.ARRIVAL: "arrivals",
    EndKind.MIXER: "mixers",
    EndKind.BRIDGE: "bridges",
    EndKind.REDEEMED: "redeemed",
    EndKind.UNRESOLVED: "unresolved",
}
ACCOUNTS = ("originated", "held", "fees", *ACCOUNT_OF.values(), "rounding")  # the first is the sum of the others


class Step(NamedTuple):
    """Tainted money of one origin going from one address to another (or changing its asset at one) in a transaction.

    `parent` is the step that had brought the larger part of it to the sender; NO_STEP: it starts here. Where several
    steps had brought it, `Book.parts` has them all.
    """

    transaction: Transaction
    by: str
    sender: Address
    recipient: Address
    asset: AssetId
    amount: int
    received_asset: AssetId
    received: int
    origin: str
    origin_amount: int
    parent: int

    @property
    def is_hop(self) -> bool:
        """True if the money left its address; changing the asset at one is no hop."""
        return self.sender != self.recipient or self.by in LEAVES


class Part(NamedTuple):
    """What of a step's money an earlier step had brought to its sender, in the origin's own asset."""

    step: int
    origin_amount: int


class End(NamedTuple):
    """Tainted money that came to an end; `step` is the number of the step that brought it."""

    kind: EndKind
    address: Address
    asset: AssetId
    origin: str
    amount: int
    origin_amount: int
    step: int


class Loss(NamedTuple):
    """Tainted money that left a pot without a step: a fee, or what an exchange rounded away.

    `step` had brought it there; `before` is how many steps were written earlier.
    """

    kind: str  # fees or rounding
    transaction: Transaction
    address: Address
    asset: AssetId
    origin: str
    amount: int
    origin_amount: int
    step: int
    before: int
