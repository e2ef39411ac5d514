"""Victims: groomed into growing payments, and what is later reported of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from tests.makers import USDT
from tests.worlds.gang import Gang, Parcel
from tests.worlds.stage import DOLLAR, ETH, USDC
from tests.worlds.world import Mark, Payment
from tracer.model import Address, AssetId, OriginSpec

KINDS = ("payments", "addresses", "both")


class Saving(NamedTuple):
    """How a victim pays: from an exchange, mostly over an address of their own, in an asset, to an intake address."""

    victim: int
    exchange: Address
    own: Address
    intake: Address
    asset: AssetId


@dataclass
class Victims:
    """So many victims pay a gang over so many days."""

    gang: Gang
    number: int
    days: float
    intakes: list[Address] = field(default_factory=list)
    paid: list[tuple[int, Payment]] = field(default_factory=list)  # victim, payment

    def open(self) -> None:
        """Let every victim be talked into it at some time."""
        self.intakes = [self.gang.fresh() for _ in range(max(2, self.number // 4))]
        for victim in range(self.number):
            stage = self.gang.stage
            stage.later(stage.chance.uniform(0.1, 0.6) * self.days * 24, partial(self._groom, victim))

    def _groom(self, victim: int) -> None:
        stage = self.gang.stage
        exchange, intake = stage.chance.choice(self.gang.market.exchanges), stage.chance.choice(self.intakes)
        own = stage.address() if stage.chance.random() < 0.7 else exchange
        stage.fuel[own] = exchange
        asset = stage.chance.choices([USDT, USDC, ETH], [70, 10, 20])[0]
        dollars, wait = stage.chance.lognormvariate(6.3, 0.8) + 100, 0.0
        for _ in range(stage.chance.randrange(2, 7)):
            amount = int(dollars * DOLLAR[asset])
            stage.later(wait, partial(self._save, Saving(victim, exchange, own, intake, asset), amount))
            dollars *= stage.chance.uniform(1.4, 3.2)
            wait += stage.hours(20, 120)

    def _save(self, one: Saving, amount: int) -> None:
        stage = self.gang.stage
        if one.own != one.exchange:
            extra = stage.chance.randrange(10) * DOLLAR[one.asset] + (10**17 if one.asset == ETH else 0)
            self.gang.market.withdraw(one.exchange, one.own, one.asset, amount + extra)
        stage.later(stage.hours(0.1, 4), lambda: self._pay(one, amount))

    def _pay(self, one: Saving, amount: int) -> None:
        """The payment itself; sometimes the gang pays a little back, to be trusted."""
        gang, (victim, _, own, intake, asset) = self.gang, one
        tx_hash = gang.stage.do(own, (own, intake, asset, amount))
        of = frozenset([tx_hash])
        self.paid.append((victim, Payment(Mark(intake, asset, tx_hash), own, amount, 0)))
        gang.roles.setdefault(intake, "transit")
        gang.behaviour.setdefault(intake, "intake")
        gang.stage.kept[(intake, asset)] += amount
        back = amount // 20 if own not in gang.stage.labelled and gang.stage.chance.random() < 0.25 else 0
        if back:
            gang.stage.later(gang.stage.hours(0.5, 2), lambda: self._trust(Parcel(intake, asset, back, 0, of), own))
        gang.stage.later(gang.stage.hours(3, 40), lambda: self._take_in(Parcel(intake, asset, amount - back, 0, of)))

    def _trust(self, parcel: Parcel, victim: Address) -> None:
        stage = self.gang.stage
        stage.kept[(parcel.at, parcel.asset)] -= parcel.amount
        amount = min(parcel.amount, stage.free(parcel.at, parcel.asset))
        if amount:
            stage.do(parcel.at, (parcel.at, victim, parcel.asset, amount))

    def _take_in(self, parcel: Parcel) -> None:
        stage = self.gang.stage
        stage.kept[(parcel.at, parcel.asset)] -= parcel.amount
        parcel.amount = min(parcel.amount, stage.free(parcel.at, parcel.asset))
        if parcel.amount:
            to = self.gang.collector_of(parcel.at)
            self.gang.send(parcel, to, parcel.amount, "intake", stage.chance.randrange(3, 13))

    # what is reported

    def told(self, kind: str) -> tuple[tuple[OriginSpec, ...], tuple[Payment, ...]]:
        """What a case hears of: some victims' payments, some intake addresses, or both. -> (origins, all payments)."""
        chance = self.gang.stage.chance
        speaking = {victim for victim in range(self.number) if chance.random() < 0.6} or {self.paid[0][0]}
        payments = [
            one._replace(reported=self._remembered(one)) if victim in speaking and kind != "addresses" else one
            for victim, one in self.paid
        ]
        specs = [
            OriginSpec(
                one.mark.address, one.mark.asset, one.mark.tx_hash, one.reported, report_ids=(f"victim-{victim}",)
            )
            for (victim, _), one in zip(self.paid, payments, strict=True)
            if one.reported
        ]
        return (*specs, *(self._reported_intakes() if kind != "payments" else ())), tuple(payments)

    def _remembered(self, payment: Payment) -> int:
        """Mostly what was paid, now and then less."""
        return payment.amount * 9 // 10 if self.gang.stage.chance.random() < 0.05 else payment.amount

    def _reported_intakes(self) -> list[OriginSpec]:
        used = sorted({one.mark.address for _, one in self.paid})
        chosen = [one for one in used if self.gang.stage.chance.random() < 0.6] or used[:1]
        return [OriginSpec(address, report_ids=(f"agency-{n}",)) for n, address in enumerate(chosen)]
