"""Worlds from seeds."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tests.worlds.crowd import Crowd
from tests.worlds.gang import Gang
from tests.worlds.ledger import Ledger
from tests.worlds.market import Market
from tests.worlds.stage import Stage
from tests.worlds.victims import KINDS, Victims
from tests.worlds.world import Hop, Payment, Truth, World
from tracer.model import Address, OriginSpec, Transaction


@dataclass(frozen=True)
class Size:
    """How much happens: victims, addresses the gang uses at most, people, what they do, days, busy desks."""

    victims: int
    launderers: int
    people: int
    actions: int
    days: float
    hubs: int = 1


SMALL = Size(victims=6, launderers=25, people=200, actions=600, days=20)


def ranking(seed: int) -> Size:
    """A size for comparing rankings: 50 to 300 laundering addresses in a neighbourhood of 3,000 to 20,000 transfers."""
    chance = random.Random(f"size {seed}")
    launderers, actions = chance.randrange(50, 301), chance.randrange(1_500, 11_500)
    return Size(launderers // 5, launderers, actions // 6 + 150, actions, chance.randrange(45, 91))


def make(
    seed: int, size: Size = SMALL, *, reports: str | None = None, known_order: bool = True, fees: bool = True
) -> World:
    """The world of a seed: the same every time.

    reports      what the case is told: payments, addresses, both; None: one of them, by the seed
    known_order  transactions know their place in their block
    fees         initiators pay for what they do
    """
    stage = Stage(random.Random(f"world {seed}"), known_order, fees)
    market = Market(stage)
    market.open(size.hubs)
    crowd = Crowd(stage, market, size.people)
    crowd.lively(size.days, size.actions)
    gang = Gang(stage, market, crowd, size.launderers, cash_until=size.days * 24)
    gang.open()
    victims = Victims(gang, size.victims, size.days)
    victims.open()
    stage.run()
    origins, payments = victims.told(reports or stage.chance.choice(KINDS))
    transactions = tuple(stage.transactions)

    def played(halts: Collection[Address]) -> tuple[Ledger, frozenset[str]]:
        return play(Ledger(market.labels, payments, origins, halts, stage.dust), transactions, gang.hops)

    (whole, mixed), (stopping, _) = played(()), played(market.hubs)
    truth = Truth(
        *(roles(gang, origins, payments), gang.behaviour, tuple(gang.hops)),
        *(dict(whole.arrivals), dict(stopping.arrivals)),
        hubs=frozenset(market.hubs),
        mixed=mixed,
        dust=frozenset(stage.dust),
    )
    return World(seed, transactions, tuple(market.labels), origins, payments, truth)


def roles(gang: Gang, origins: Sequence[OriginSpec], payments: Sequence[Payment]) -> dict[Address, str]:
    """Who is what, as far as the case could know: what only unreported money went through is unreported."""
    sources = {spec.address for spec in origins if spec.tx_hash is None}
    told = {one.mark for one in payments if one.reported or one.mark.address in sources}
    hashes = {mark.tx_hash for mark in told}
    used = {end for hop in gang.hops if hop.of & hashes for end in (hop.sender, hop.recipient)}
    used |= {mark.address for mark in told}
    known = {
        address: role if role != "transit" or address in used else "unreported" for address, role in gang.roles.items()
    }
    return known | dict.fromkeys(sorted(sources), "source")


def play(ledger: Ledger, transactions: Sequence[Transaction], hops: Sequence[Hop]) -> tuple[Ledger, frozenset[str]]:
    """Let the world's own ledger work out whose money went where. -> it, and the hashes of mixed hops."""
    meant = defaultdict(list)
    for hop in hops:
        meant[hop.tx_hash].append(hop)
    mixed = set()
    for one in transactions:
        mixed |= {hop.tx_hash for hop in meant.get(one.tx_hash, ()) if ledger.is_mixed(hop)}
        ledger.play(one)
    return ledger, frozenset(mixed)
