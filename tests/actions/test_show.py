"""`tracer show`: an address's own story, with what was left out of it and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.makers import address
from tracer.actions.show import show
from tracer.chains import parse_address, parse_asset
from tracer.cli.show import WHY
from tracer.detect.poisoning import Drop
from tracer.model import Address, Checkpoint, Coverage, Kind, Transaction, Transfer, transfer_id
from tracer.store.store import Store

ETH = "eip155:1"
USDT = parse_asset(ETH, "0xdac17f958d2ee523a2206206994597c13d831ec7")
START = datetime(2026, 3, 1, tzinfo=UTC)
VICTIM, BROKER = address(1), parse_address(ETH, "0xabc" + "0" * 33 + "1234")
THIEF, STRANGER = parse_address(ETH, "0xabc" + "9" * 33 + "1234"), address(9)


def paid(
    number: int, sender: Address, recipient: Address, amount: int, initiator: Address | None = None
) -> Transaction:
    """A payment of USDT in a block of its own, by its sender if nobody else initiated it."""
    tx_hash = f"0x{number:064x}"
    what = (ETH, tx_hash, Kind.TOKEN, USDT, sender, recipient, amount)
    moved = Transfer(transfer_id(*what, 0), Kind.TOKEN, USDT, amount, sender, recipient)
    at = START + timedelta(hours=number)
    return Transaction(ETH, tx_hash, at, number, 0, initiator or sender, transfers=(moved,))


HISTORY = (
    paid(1, STRANGER, VICTIM, 900_000),
    paid(2, VICTIM, BROKER, 400_000),
    paid(3, VICTIM, THIEF, 0, initiator=THIEF),  # anyone may move nothing in your name
    paid(4, THIEF, VICTIM, 100),  # dust, so that the look-alike stands in the history
    paid(5, VICTIM, THIEF, 350_000),  # and is copied by mistake
)


@pytest.fixture
def told(store: Store) -> Store:
    """A store that holds the history."""
    with store.act("ana", "test", "history") as work:
        work.add_transactions(HISTORY)
        work.set_coverage(VICTIM, "node", Coverage("complete"), Checkpoint(block=5, block_hash="0x5"))
    return store


def test_sums_leave_out_what_is_dropped(told: Store) -> None:
    """What came in and went out is the sum of what counts; dust and zero amounts stand apart, each with its reason."""
    found = show(told, VICTIM)

    assert [("900000", "750000", 1, 2)] == [(row["in"], row["out"], row["ins"], row["outs"]) for row in found["moved"]]
    assert {"lookalike_dust": 1, "zero_amount": 1} == found["reasons"]
    assert ["zero_amount", "lookalike_dust"] == [row["reason"] for row in found["dropped"]]
    assert (3, "complete", 5) == (found["transactions"], found["coverage"][0]["state"], found["coverage"][0]["block"])


def test_who_was_deceived_is_said(told: Store) -> None:
    """The victim's own payment to a look-alike counts, and it is told whom it was meant for."""
    (theft,) = show(told, VICTIM)["thefts"]

    assert (HISTORY[4].tx_hash, "350000", BROKER.text) == (theft["tx_hash"], theft["amount"], theft["meant_for"])
    assert [] == show(told, THIEF)["thefts"]


def test_nothing_known_is_unread(told: Store) -> None:
    """An address that nobody mentioned has no sums and proves nothing; one of a file was read in part."""
    found, imported = show(told, address(77)), show(told, STRANGER)

    assert ("unread", [], None) == (found["coverage"][0]["state"], found["moved"], found["first"])
    assert ("partial", "file") == (imported["coverage"][0]["state"], imported["coverage"][0]["reason"])


def test_every_reason_is_explained() -> None:
    """No word for a dropped movement is shown without what it means."""
    assert set(Drop) == set(WHY)
