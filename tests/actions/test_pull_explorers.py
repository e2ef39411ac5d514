"""Pulling a wallet from explorers into a store: what stands there in the end is what moved, once."""

from __future__ import annotations

from threading import Event

import pytest

from tests.servers.payments import ME, NOBODY, own, wallet
from tests.servers.serve import Weather
from tests.servers.world import World
from tests.sources.explorers import FAULTS, SERVERS, explorer
from tracer.actions.pull import pull
from tracer.model import Coverage
from tracer.store.store import Store

KINDS = sorted(SERVERS)


def stands(store: Store) -> list[str]:
    """The ids of all that stands of the wallet."""
    return sorted(each.id for one in store.transactions_of([ME]) for each in one.transfers)


def moved(world: World) -> list[str]:
    """The ids of all that moved of it."""
    return sorted(own(world, ME))


def coverage(store: Store) -> Coverage:
    """How far the wallet was read."""
    (read,) = store.coverage([ME])
    return read.coverage


def test_three_explorers_agree_on_every_id(store: Store) -> None:
    """What the second and third say of a wallet is what is known from the first already."""
    world = wallet(60)
    for kind in KINDS:
        with explorer(kind, world) as running:
            done = pull(store, [running.source(name=kind)], [ME, NOBODY], "test")
        assert [] == done.failed

    assert moved(world) == stands(store)


def test_a_descent_that_was_stopped_goes_on(store: Store) -> None:
    """Stopped at its first page, it keeps that and says what is not read; the next pull reads the rest."""
    stop, world = Event(), wallet(160)
    with explorer("blockscout_rest", world) as running:
        pull(store, [running.source()], [ME], "test", stop=stop, progress=lambda *_: stop.set())
        first, half = coverage(store), stands(store)
        pull(store, [running.source()], [ME], "test")

    assert "partial" == first.state
    assert first.reason.startswith("descending: blocks 0 to ")
    assert 0 < len(half) < len(moved(world))
    assert (moved(world), "complete") == (stands(store), coverage(store).state)


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_that_changed_leaves_only_what_is_on_it(store: Store, kind: str) -> None:
    """Every block is another one now and half of the payments are gone: they are withdrawn, the rest is read again."""
    with explorer(kind, wallet(60)) as running:
        pull(store, [running.source()], [ME], "test")
        running.served.answers = SERVERS[kind](wallet(30, fork="other"))
        done = pull(store, [running.source()], [ME], "test")

    assert (moved(wallet(30)), []) == (stands(store), done.failed)
    assert done.gone > 0


@pytest.mark.parametrize("kind", KINDS)
def test_bad_days_cost_nothing_but_calls(store: Store, kind: str) -> None:
    """Pull after pull against a server that spoils a third of its replies: in the end it is all there, once."""
    weather, world = Weather(0.3, seed=11, faults=FAULTS[kind]), wallet(60)
    with explorer(kind, world, weather) as running:
        source = running.source()
        for _ in range(200):
            pull(store, [source], [ME], "test")
            if any(read.coverage.state == "complete" for read in store.coverage([ME])):
                break

    assert (moved(world), "complete") == (stands(store), coverage(store).state)
