"""Pulling TRON from a server that speaks like TronGrid: the store holds what happened, whichever list told it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import stamina

from tests.servers.serve import Weather, serving
from tests.servers.trongrid import PASSING, trongrid
from tests.sources.tron_story import SCAM, TRON, VICTIM, WALLET, mine, story
from tracer.actions.keeping import keep
from tracer.actions.pull import pull
from tracer.sources import Budget, SourceSettings
from tracer.sources.trongrid import TronGrid
from tracer.sources.web import ATTEMPTS
from tracer.store.store import Store

WATCHED = [WALLET, VICTIM, SCAM]


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_the_store_holds_the_world(tmp_path: Path, share: float) -> None:
    """Three addresses read at once: every transfer once; what one list does not tell of a transaction another tells.

    The wallet's own lists do not say who sent it USDT, nor in which block; the sender's do: it is one transaction. On a
    bad day the pull is repeated until nothing failed.
    """
    world = story()
    answers = trongrid(world, page=7)
    with (
        stamina.set_testing(True, attempts=ATTEMPTS, cap=True),
        serving(answers, Weather(share, 5, PASSING)) as served,
        Store.open(f"sqlite:///{tmp_path / 'tracer.db'}") as store,
    ):
        settings = SourceSettings(kind="trongrid", chain=TRON, url=served.url, name="trongrid")
        failed = True
        while failed:
            source = TronGrid(settings, Budget("trongrid", sleep=lambda _: None))
            failed = bool(pull(store, [source], WATCHED, "test", threads=2).failed)
        stored = {one.tx_hash: one for one in store.transactions_of(WATCHED)}
        paid = next(one for one in world.transactions if any(each.amount == 5_000_000_000 for each in one.transfers))
        known = stored[paid.tx_hash]

        assert {each for one in WATCHED for each in mine(world, one)} == {
            each.id for one in stored.values() for each in one.transfers
        }
        assert (paid.block, paid.initiator, paid.to) == (known.block, known.initiator, known.to)


def test_a_whole_transaction_adds_what_its_parties_did_not_tell(tmp_path: Path) -> None:
    """Read by its hash after its parties, it is the same transaction, now whole, and nothing in it is there twice."""
    world = story()
    with serving(trongrid(world)) as served, Store.open(f"sqlite:///{tmp_path / 'tracer.db'}") as store:
        source = TronGrid(SourceSettings(kind="trongrid", chain=TRON, url=served.url, name="trongrid"))
        pull(store, [source], [WALLET], "test", threads=1)
        swap = next(one for one in world.transactions if len({each.kind for each in one.transfers}) == 4)
        page = source.transaction(swap.tx_hash)
        keep(store, [(WALLET, replace(page, checkpoint=store.checkpoints("trongrid", TRON)[WALLET]))], {})
        (known,) = (one for one in store.transactions_of([WALLET]) if one.tx_hash == swap.tx_hash)

    assert known.whole
    assert [each.id for each in swap.transfers] == [each.id for each in known.transfers]
