"""Is this address a customer's deposit address of an exchange? Two rules, and what no rule may overrule.

An exchange gives each customer an address of their own and empties it into its own wallets. Nobody lists these
addresses, so they are told by what they do: `victor` by the published rule for Ethereum's native coin, `sweep` by a
score for tokens and other chains. Both are inferences and say by which transfers. Before either may speak, all that the
address ever paid must have gone to one exchange, and it must be nobody's known address, no wallet that the exchange
itself pays, and paid by few: a person's, a merchant's or the exchange's own wallet is no deposit address.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from tracer.chains import Family, family, is_listed
from tracer.detect.victor import VICTOR, Payment, victor
from tracer.model import NATIVE, Address, AssetId, Category, Kind, Label, Transaction, Transfer

SOURCE = "deposit rule "  # how the source of every label begins that these rules make
VERSION = 1
ETHEREUM = "eip155:1"  # whose amounts and blocks victor's parameters are in
FEE = {Family.EVM: 10**16, Family.TRON: 100 * 10**6}  # about the most that a sweep costs: 0.01 ETH, 100 TRX
OPEN = frozenset({Category.SCAM, Category.HACK})  # labels that say what was done with an address, not whose it is
LabelAt = Callable[[Address, datetime], Label | None]
TransactionsOf = Callable[[Address], Iterable[Transaction]]
Station = Callable[[Address], str | None]  # the exchange whose gas station an address is
FED_MOST = 30  # addresses that one funder is judged by


@dataclass(frozen=True, slots=True)
class Sweeps:
    """Parameters of what every deposit address does, and of the score for tokens. Measured: README, Measured."""

    share: Fraction = Fraction(95, 100)  # of each asset's outflow that goes to one exchange
    others: int = 1  # addresses paid beside that exchange and whoever sent gas
    residue: Fraction = Fraction(1, 100)  # of a sweep that may be left behind by it
    emptied: Fraction = Fraction(9, 10)  # of the sweeps that leave no more than that
    payers: int = 12  # more pay a merchant's or an exchange's own wallet
    gas_window: timedelta = timedelta(hours=1)  # gas that comes so shortly before is sent for the sweep
    repeated: int = 2  # sweeps, where the exchange is not seen to pay for them
    own: Fraction = Fraction(1, 20)  # of an asset's inflow that may come from the exchange itself
    fed: int = (
        3  # a wallet is an exchange's gas station if so many that it sent gas to are found to be its without that
    )
    fed_share: Fraction = Fraction(1, 3)  # and so many of all that it sent gas to


SWEEPS = Sweeps()
CONFIDENCE = {4: Decimal("0.95"), 3: Decimal("0.75")}  # of a score: below what was measured in the worlds


@dataclass(frozen=True, slots=True)
class Deposit:
    """A judgement: whose deposit address, by which method with which parameters, how sure, by which transfers."""

    address: Address
    entity: str
    method: str  # victor or sweep
    parameters: Mapping[str, str]
    confidence: Decimal
    evidence: tuple[str, ...]  # ids of transfers: what came in and its forward, or the sweeps and the gas for them
    says: str

    @property
    def label(self) -> Label:
        """The claim that is kept of it."""
        source = f"{SOURCE}{self.method}/{VERSION}"
        return Label(self.address, self.entity, Category.EXCHANGE, self.confidence, source)


def derived(label: Label) -> bool:
    """True if a rule of this file made the label; such a label never decides about another."""
    return label.source.startswith(SOURCE)


# --- one address ------------------------------------------------------------------------------------------------------


class _Move(NamedTuple):
    transaction: Transaction
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class _Life:
    """All that an address took in and paid, in order, and the addresses of the one exchange that it paid."""

    address: Address
    moves: Sequence[_Move]
    entity: str
    exchange: frozenset[Address]
    sure: Decimal  # how sure it is that these addresses are that exchange's
    label_at: LabelAt
    limits: Sweeps

    @property
    def sweeps(self) -> list[_Move]:
        """What it paid to the exchange."""
        return [move for move in self.paid() if move.transfer.recipient in self.exchange]

    @property
    def swept(self) -> set[AssetId]:
        """The assets it paid to the exchange."""
        return {move.transfer.asset for move in self.sweeps}

    def paid(self) -> Iterator[_Move]:
        """What it paid to anybody."""
        mine = (move for move in self.moves if move.transfer.sender == self.address)
        return (move for move in mine if move.transfer.kind is not Kind.FEE)

    def came(self) -> Iterator[_Move]:
        """What came in."""
        return (move for move in self.moves if move.transfer.recipient == self.address)

    def gas(self) -> list[_Move]:
        """Native coins that came in to pay for sweeps of tokens: about a fee, shortly before one."""
        swept = [move.transaction.at for move in self.sweeps if move.transfer.asset.contract != NATIVE]
        return [
            move
            for move in self.came()
            if move.transfer.asset.contract == NATIVE
            and move.transfer.amount <= _fee(self.address)
            and any(timedelta() <= at - move.transaction.at <= self.limits.gas_window for at in swept)
        ]

    # what every deposit address does

    def is_pure(self) -> bool:
        """Nearly all it paid, in every asset, went to the exchange, the rest to hardly anybody."""
        funders = {move.transfer.sender for move in self.gas()}
        whole, swept, others = defaultdict[AssetId, int](int), defaultdict[AssetId, int](int), set()
        for _, one in self.paid():
            if one.recipient in self.exchange:
                swept[one.asset] += one.amount
            elif one.recipient in funders:
                continue
            else:
                others.add(one.recipient)
            whole[one.asset] += one.amount
        shares = [Fraction(swept[asset], paid) for asset, paid in whole.items()]
        return all(share >= self.limits.share for share in shares) and len(others) <= self.limits.others

    def is_private(self) -> bool:
        """Few paid it, and hardly anything came from the exchange itself: it is neither its own nor a user's wallet."""
        gas, swept = {move.transfer.id for move in self.gas()}, self.swept
        came, own, payers = defaultdict[AssetId, int](int), defaultdict[AssetId, int](int), set()
        for _, one in self.came():
            if one.asset in swept and one.id not in gas:
                came[one.asset] += one.amount
                own[one.asset] += one.amount if one.sender in self.exchange else 0
                payers.add(one.sender)
        bought = any(own[asset] > self.limits.own * whole for asset, whole in came.items())
        return len(payers) <= self.limits.payers and not bought

    # the score

    def empties(self) -> bool:
        """Nearly every sweep leaves nothing but, of the native coin, about a fee."""
        held, left = defaultdict[AssetId, int](int), []
        sweeps = {move.transfer.id for move in self.sweeps}
        for _, one in self.moves:
            held[one.asset] += one.amount if one.recipient == self.address else 0
            if one.sender == self.address:
                held[one.asset] = max(0, held[one.asset] - one.amount)
                if one.id in sweeps:
                    spare = _fee(self.address) if one.asset.contract == NATIVE else 0
                    left.append(held[one.asset] <= spare or held[one.asset] <= self.limits.residue * one.amount)
        return sum(left) >= self.limits.emptied * len(left)

    def sent_by_others(self) -> bool:
        """Somebody else sends its sweeps, as where one transaction empties many."""
        return all(move.transaction.initiator not in {None, self.address} for move in self.sweeps)

    def fed_by(self, station: Station) -> list[_Move]:
        """Gas that the exchange sent: by an address that is known as its own, or by what is found to be its station."""
        return [
            move
            for move in self._funding()
            if move.transfer.sender in self.exchange
            or (move.transfer.sender and station(move.transfer.sender) == self.entity)
        ]

    def _funding(self) -> list[_Move]:
        """Gas, and where no native coin is swept any that came: it was sent long before."""
        native = [move for move in self.came() if move.transfer.asset.contract == NATIVE]
        known = [move for move in native if move.transfer.sender in self.exchange]
        far = [] if AssetId(self.address.chain, NATIVE) in self.swept else [m for m in native if m not in known]
        gas = self.gas()
        return gas + [move for move in far if move not in gas]

    def is_fed_elsewhere(self) -> bool:
        """Gas came from a service that is not this exchange: a person bought it there."""
        found = ((move.transfer.sender, move.transaction.at) for move in self._funding())
        return any(who and who not in self.exchange and _service(self.label_at(who, at)) for who, at in found)


def _fee(address: Address) -> int:
    return FEE.get(family(address.chain), 0)


class Deposits:
    """Judges addresses by all the transactions that touch each, which `transactions_of` gives.

    `label_at` answers with the label that counts at a moment, its `entity` one text for one exchange; it must leave out
    the labels that these rules made. Failed transactions, unlisted tokens and zero amounts say nothing.
    """

    def __init__(self, transactions_of: TransactionsOf, label_at: LabelAt, limits: Sweeps = SWEEPS) -> None:
        self._transactions_of, self._label_at, self._limits = transactions_of, label_at, limits
        self._stations: dict[Address, str | None] = {}

    def of(self, address: Address) -> Deposit | None:
        """Whose deposit address it is; None where that cannot be told."""
        return self._judged(address, self._station)

    def _judged(self, address: Address, station: Station) -> Deposit | None:
        life = self._life(address)
        if life is None or not life.is_pure() or not life.is_private() or not life.empties():
            return None
        found = [one for one in (_victor(life), _sweep(life, station)) if one]
        return max(found, key=lambda one: one.confidence, default=None)

    def _station(self, funder: Address) -> str | None:
        """The exchange whose gas station an address is, told by those it sent gas to."""
        if funder not in self._stations:
            self._stations[funder] = self._fed(funder)
        return self._stations[funder]

    def _fed(self, funder: Address) -> str | None:
        known = list(self._transactions_of(funder))
        if any(_service(self._label_at(funder, one.at)) for one in known):
            return None
        fed = {
            t.recipient: None
            for one in sorted(known, key=lambda one: one.order)
            for t in one.transfers
            if t.sender == funder and t.recipient and t.asset.contract == NATIVE and t.kind is not Kind.FEE
        }
        some = list(islice(fed, FED_MOST))
        alone = (self._judged(address, lambda _: None) for address in some)
        found = Counter(one.entity for one in alone if one)
        entity, times = next(iter(found.most_common(1)), (None, 0))
        enough = times >= self._limits.fed and times >= self._limits.fed_share * len(some)
        return entity if len(found) == 1 and enough else None

    def _life(self, address: Address) -> _Life | None:
        """The life of an address that is nobody's known one and paid exactly one exchange."""
        if family(address.chain) is Family.BITCOIN:
            return None
        moves = [
            _Move(one, transfer)
            for one in sorted(self._transactions_of(address), key=lambda one: one.order)
            for transfer in one.transfers
            if one.ok and _counts(transfer) and (transfer.sender == address) != (transfer.recipient == address)
        ]
        exchanges, paid, sure = defaultdict[str, set[Address]](set), set(), defaultdict[str, Decimal](Decimal)
        for transaction, one in moves:
            other = one.recipient if one.sender == address else one.sender  # nobody, of a fee
            claim = self._label_at(other, transaction.at) if other else None
            if other and claim and claim.category is Category.EXCHANGE:
                exchanges[claim.entity].add(other)
                sure[claim.entity] = max(sure[claim.entity], claim.confidence)
                paid |= {claim.entity} if one.recipient == other else set()
        if len(paid) != 1 or any(_service(self._label_at(address, move.transaction.at)) for move in moves):
            return None
        (entity,) = paid
        own = exchanges[entity]
        return _Life(address, moves, entity, frozenset(own), sure[entity], self._label_at, self._limits)


def _counts(one: Transfer) -> bool:
    return one.amount > 0 and (one.asset.contract == NATIVE or is_listed(one.asset))


def _service(label: Label | None) -> bool:
    return label is not None and label.category not in OPEN


# --- the two rules ----------------------------------------------------------------------------------------------------


def _victor(life: _Life) -> Deposit | None:
    """The published rule at this one address, more than once: once is what anybody does who pays an exchange."""
    if life.address.chain != ETHEREUM:
        return None
    native, known = [], set()
    for transaction, one in life.moves:
        if one.asset.contract == NATIVE and one.sender and one.recipient and transaction.block is not None:
            native.append(Payment(transaction.block, one.sender, one.recipient, one.amount, one.id))
            if one.sender != life.address and _service(life.label_at(one.sender, transaction.at)):
                known.add(one.sender)
    pairs = victor(native, life.exchange, known=known)
    if len(pairs) < life.limits.repeated:
        return None
    best = max(pair.confidence for pair in pairs)
    parameters = {"a_max": str(VICTOR.a_max), "t_max": str(VICTOR.t_max), "share": _text(life.limits.share)}
    return Deposit(
        *(life.address, life.entity, "victor", parameters),
        min(life.sure, (Decimal(best.numerator) / best.denominator).quantize(Decimal("0.01"))),
        tuple(one.id for pair in pairs for one in (pair.received, pair.forward)),
        f"{len(pairs)} payments were forwarded to {life.entity} less a fee, and hardly anything else was paid",
    )


def _sweep(life: _Life, station: Station) -> Deposit | None:
    """A score of four: nearly all goes to one exchange; hardly anything elsewhere; nothing stays; it pays the gas."""
    limits, gas, sent = life.limits, life.fed_by(station), life.sent_by_others()
    score = 3 + bool(gas or sent)
    if len(life.sweeps) < (limits.repeated if score == 3 else 1) or not (sent or gas or not life.is_fed_elsewhere()):
        return None
    how = (
        "the exchange sends the gas"
        if gas
        else "somebody else sends them"
        if sent
        else "who sends the gas is not known"
    )
    parameters = {
        "share": _text(limits.share),
        "others": str(limits.others),
        "residue": _text(limits.residue),
        "payers": str(limits.payers),
        "score": f"{score} of 4",
    }
    return Deposit(
        *(life.address, life.entity, "sweep", parameters, min(life.sure, CONFIDENCE[score])),
        tuple(move.transfer.id for move in (*gas, *life.sweeps)),
        f"{len(life.sweeps)} sweeps to {life.entity} leave nothing, hardly anything else was paid, and {how}",
    )


def _text(share: Fraction) -> str:
    return format((Decimal(share.numerator) / share.denominator).normalize(), "f")
