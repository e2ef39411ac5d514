"""A ledger says line by line what its accounts say in sum, and watching a book does not change it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.taint.histories import NAMES, cases, fingerprint, folded
from tests.taint.scenario import place
from tests.taint.test_utxo import JOINED
from tracer.exports.accounts import IN as CAME
from tracer.exports.accounts import OUT, totals
from tracer.model import Address, AssetId, OriginSpec
from tracer.taint.flow import Flow
from tracer.taint.ledger import IN, Entry, Ledger, ledger
from tracer.taint.methods import METHODS
from tracer.taint.stops import Labels


def sums(kept: Ledger, asset: AssetId) -> dict[str, int]:
    """What the lines of an asset add up to, by the names of the accounts."""
    lines = [line for line in kept.lines if line.asset == asset]
    came = [(line.entry, *one) for line in lines if line.entry in IN for one in line.of().items()]
    out = {
        name: sum(line.amount for line in lines if line.entry is name) for name in (Entry.OUT, Entry.FEE, Entry.ENDED)
    }
    return {
        "tainted": sum(amount for _, origin, amount in came if origin is not None),
        "clean": sum(amount for entry, origin, amount in came if origin is None and entry is Entry.IN),
        "unseen": sum(amount for entry, origin, amount in came if origin is None and entry is Entry.UNSEEN),
        "out": out[Entry.OUT],
        "fees": out[Entry.FEE],
        "held": lines[-1].held if lines else 0,
        "ended": out[Entry.ENDED],
    }


def check(kept: Ledger) -> None:
    """Lines = accounts, and both balance to the base unit."""
    found = totals(kept.book)
    assets = {line.asset for line in kept.lines} | {asset for address, asset in found if address == kept.address}
    for asset in assets:
        account = found[(kept.address, asset)]
        assert account == sums(kept, asset)
        assert sum(account[name] for name in CAME) == sum(account[name] for name in OUT)
    assert all(line.held >= 0 and line.amount >= 0 for line in kept.lines)


@settings(max_examples=200, deadline=None)
@given(cases(), st.sampled_from([*NAMES, "weth"]), st.sampled_from(sorted(METHODS)))
def test_every_line_is_in_the_sums(case: Any, name: str, method: str) -> None:
    """Whatever happened: in by origin, clean and unseen are what went out, fees, what is held and what ended there."""
    history, labels, specs, read = case
    flow = Flow(specs, Labels(labels))
    flow.feed(history, read)
    kept = ledger(flow, (), method, place(name))

    check(kept)
    assert [line.transaction.order for line in kept.lines] == sorted(line.transaction.order for line in kept.lines)


@settings(max_examples=60, deadline=None)
@given(cases(), st.sampled_from(NAMES), st.sampled_from(sorted(METHODS)))
def test_watching_changes_nothing(case: Any, name: str, method: str) -> None:
    """The book that is watched ends as the one that is not."""
    history, labels, specs, read = case
    flow = Flow(specs, Labels(labels))
    flow.feed(history, read)
    watched, plain = ledger(flow, (), method, place(name)).book, folded(case).books[method]

    assert (watched.pots, watched.came(), watched.steps) == (plain.pots, plain.came(), plain.steps)
    assert fingerprint(folded(case)) == fingerprint(flow.fold())


def test_on_bitcoin_a_ledger_is_that_of_all_outpoints() -> None:
    """An address's outpoints together: what each transaction brought and took."""
    ends = {end for one in JOINED for t in one.transfers for end in (t.sender, t.recipient) if end}
    for address in sorted(ends):
        for method in METHODS:
            flow = Flow([OriginSpec(min(ends))], Labels())
            flow.feed(JOINED, ends)
            check(ledger(flow, (), method, Address(*address)))
