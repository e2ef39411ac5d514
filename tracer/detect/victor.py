"""Victor's deposit address reuse: who paid an address that forwarded the same, less a fee, to an exchange.

F. Victor, "Address Clustering Heuristics for Ethereum", Financial Cryptography 2020; parameters and confidence as in
M. Béres et al. and the Tutela paper, which use the same rule. For Ethereum's native coin only: amounts are wei.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from tracer.model import Address


@dataclass(frozen=True, slots=True)
class Victor:
    """The published parameters."""

    a_max: int = 10**16  # wei that a forward may be smaller than what was received: 0.01 ETH
    t_max: int = 3200  # blocks between both


VICTOR = Victor()


class Payment(NamedTuple):
    """A payment of the native coin in wei."""

    block: int
    sender: Address
    recipient: Address
    amount: int
    id: str = ""


class Pair(NamedTuple):
    """A payment to a deposit address and its forward to the exchange. `confidence` is the published one, 0 to 1."""

    user: Address
    deposit: Address
    exchange: Address
    received: Payment
    forward: Payment
    confidence: Fraction


def victor(
    payments: Iterable[Payment],
    exchanges: Collection[Address],
    *,
    miners: Collection[Address] = (),
    known: Collection[Address] = (),
    limits: Victor = VICTOR,
) -> list[Pair]:
    """Victor's deposit address reuse, as published. `known` are entities that have no deposit addresses.

    Of each forward to an exchange the latest payment to its sender that is no later and has the same amount to a tenth
    of a coin; it counts if it is larger by at most `a_max`, to a thousandth, and no more than `t_max` blocks older.
    Confidence = 1 - (difference / a_max) / 2 - (blocks / t_max) / 2. Deposit addresses are no users, exchanges neither.
    """
    paid = sorted((one for one in payments if one.sender not in miners), key=lambda one: one.block)
    forwards = [one for one in paid if one.recipient in exchanges and not {one.sender} & {*known, *exchanges}]
    candidates = {one.sender for one in forwards}
    received: dict[tuple[Address, int], list[Payment]] = defaultdict(list)
    for one in paid:
        if one.recipient in candidates and one.sender not in known:
            received[(one.recipient, _rounded(one.amount, 10**17))].append(one)
    found = [pair for one in forwards if (pair := _pair(one, received, limits))]
    users = {pair.user for pair in found}
    return [one for one in found if one.deposit not in users and one.user not in exchanges]


def _pair(forward: Payment, received: Mapping[tuple[Address, int], list[Payment]], limits: Victor) -> Pair | None:
    same = received.get((forward.sender, _rounded(forward.amount, 10**17)), ())
    one = next((one for one in reversed(same) if one.block <= forward.block), None)
    if one is None or forward.block - one.block > limits.t_max:
        return None
    less = _rounded(one.amount - forward.amount, 10**15) * 10**15
    if not 0 <= less <= limits.a_max:
        return None
    sure = 1 - Fraction(less, 2 * limits.a_max) - Fraction(forward.block - one.block, 2 * limits.t_max)
    return Pair(one.sender, forward.sender, forward.recipient, one, forward, sure)


def _rounded(amount: int, unit: int) -> int:
    """Halves to the even one, as the published code rounds."""
    return round(Fraction(amount, unit))
