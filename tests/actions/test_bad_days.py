"""Two thousand requests of which three in ten are answered with a fault: what is stored in the end is what happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock

import pytest
import stamina

from tests.servers import blockscout, esplora, etherscan, trongrid
from tests.servers.payments import FRIEND, ME, ROUTER, wallet
from tests.servers.serve import Answers, Served, Spoil, Weather, serving
from tests.servers.world import World
from tests.sources import bitcoin_story, tron_story
from tracer.actions.pull import pull
from tracer.model import Address
from tracer.sources import SOURCES, Budget, Source, SourceSettings, web
from tracer.sources.budget import Bank
from tracer.store.store import Store

REQUESTS, SHARE, SEED = 2000, 0.3, 20_261_127
RATE, PER_DAY = 5.0, 400  # of each provider: on a clock that only waiting moves, so that nobody sleeps
START = datetime(2026, 11, 27, 8, tzinfo=UTC)


class Clock:
    """A clock that waiting moves, for many threads: it stands where the one who waits longest waits for."""

    def __init__(self) -> None:
        self.time, self.lock = START, Lock()

    def now(self) -> datetime:
        """The time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Wait."""
        with self.lock:
            self.time += timedelta(seconds=seconds)


@dataclass
class Counting:
    """The store's bank, and every turn that it gave out."""

    bank: Bank
    turns: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def take_turn(
        self, name: str, now: datetime, *, seconds_apart: float, per_day: int | None, calls: int
    ) -> datetime | None:
        """See Bank."""
        turn = self.bank.take_turn(name, now, seconds_apart=seconds_apart, per_day=per_day, calls=calls)
        if turn is not None:
            self.turns[name].append(turn)
        return turn

    def pause(self, name: str, until: datetime) -> None:
        """See Bank."""
        self.bank.pause(name, until)

    def failed(self, name: str, now: datetime, error: str) -> None:
        """See Bank."""
        self.bank.failed(name, now, error)


@dataclass(frozen=True)
class Provider:
    """One explorer: what it serves, how, its faults, and whom it is asked for."""

    kind: str
    world: World
    answers: Answers
    faults: Mapping[str, Spoil]
    wanted: tuple[Address, ...]


def providers() -> Iterator[Provider]:
    """Four of them, with lists so short that reading takes hundreds of requests."""
    money, coins, tron = wallet(1200), bitcoin_story.wallet(120), tron_story.story(30)
    tron_wallets = tron_story.WALLET, tron_story.VICTIM, tron_story.SCAM
    mine = bitcoin_story.WALLET, bitcoin_story.PAYER
    yield Provider("etherscan", money, etherscan.etherscan(money, most=100), etherscan.FAULTS, (ME, FRIEND, ROUTER))
    yield Provider("trongrid", tron, trongrid.trongrid(tron, page=2), trongrid.FAULTS, tron_wallets)
    yield Provider("esplora", coins, esplora.esplora(coins, page=2), esplora.FAULTS, mine)


@contextmanager
def running() -> Iterator[list[tuple[Provider, Served]]]:
    """All of them, each with its own bad days."""
    with ExitStack() as stack:
        stack.enter_context(stamina.set_testing(True, attempts=web.ATTEMPTS, cap=True))
        yield [
            (one, stack.enter_context(serving(one.answers, Weather(SHARE, SEED + n, one.faults))))
            for n, one in enumerate(providers())
        ]


def sources(served: list[tuple[Provider, Served]], bank: Bank, clock: Clock) -> list[Source]:
    """New sources, as each run of the jobs makes them."""
    made = []
    for one, where in served:
        budget = Budget(one.kind, RATE, PER_DAY, bank, clock.now, clock.sleep)
        settings = SourceSettings(
            kind=one.kind, chain=one.world.chain, url=where.url, name=one.kind, key="k3y-of-bad-days"
        )
        made.append(SOURCES[one.kind].make(settings, budget))
    return made


def test_two_thousand_requests_of_which_three_in_ten_fail(store: Store) -> None:
    """No transfer is missing, doubled or invented on any chain; no provider is asked too often or too much a day."""
    clock, bank = Clock(), Counting(store)
    with running() as served:
        wanted = [address for one, _ in served for address in one.wanted]
        asked, failed = 0, True
        while failed or asked < REQUESTS:
            failed = bool(pull(store, sources(served, bank, clock), wanted, "test", threads=3).failed)
            asked = sum(len(where.asked) for _, where in served)
            clock.sleep(3600)  # the jobs come again an hour later
        drawn = {one.kind: set(where.weather.drawn) for one, where in served}
        requests = {one.kind: len(where.asked) for one, where in served}

    for one, _ in served:
        assert truth(one) == stored(store, one)
        assert set(one.faults) == drawn[one.kind]
        assert requests[one.kind] <= len(bank.turns[one.kind])  # no call without its turn
    for turns in bank.turns.values():
        turns.sort()
        assert all(
            later - earlier >= timedelta(seconds=1 / RATE) * 0.999
            for earlier, later in zip(turns, turns[1:], strict=False)
        )
        days = [turn.date() for turn in turns]
        assert max(map(days.count, set(days))) <= PER_DAY


def truth(one: Provider) -> set[str]:
    """What happened to those who are watched: every id."""
    every = {each.id: each for address in one.wanted for tx in one.world.of(address) for each in tx.transfers}
    whole = one.kind == "esplora"  # its rows are whole transactions
    return {id_ for id_, each in every.items() if whole or {each.sender, each.recipient} & set(one.wanted)}


def stored(store: Store, one: Provider) -> set[str]:
    """What the store says of it."""
    return {each.id for tx in store.transactions_of(one.wanted) for each in tx.transfers}


@pytest.mark.parametrize("kind", ["blockscout", "blockscout_rest"])
def test_the_other_explorer_on_its_bad_days(store: Store, kind: str) -> None:
    """Blockscout's two ways are read to the same end."""
    world, clock = wallet(400), Clock()
    one = Provider(kind, world, blockscout.blockscout(world, most=100, items=20), blockscout.FAULTS, (ME,))
    with (
        stamina.set_testing(True, attempts=web.ATTEMPTS, cap=True),
        serving(one.answers, Weather(SHARE, SEED, one.faults)) as served,
    ):
        failed = True
        while failed:
            failed = bool(pull(store, sources([(one, served)], store, clock), [ME], "test", threads=2).failed)
            clock.sleep(3600)

    assert truth(one) == stored(store, one)
