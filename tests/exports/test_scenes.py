"""What detectors get to look at: whose lives, whose money, whose reports."""

from __future__ import annotations

from collections.abc import Iterable

from tests.makers import USDT, address, label, transaction, transfer, tx_hash
from tracer.detect.patterns import Brought, Scene
from tracer.exports.scenes import scene
from tracer.model import Address, Category, Kind, Label, OriginSpec, Transaction
from tracer.taint.flow import Flow
from tracer.taint.stops import Labels

ANN, BOB, INTAKE, COLLECTOR, NEXT, EXCHANGE, STRANGER = map(address, range(1, 8))
HISTORY = (
    transaction((ANN, INTAKE, 100), tx=1),
    transaction((BOB, COLLECTOR, 50), tx=2),
    transaction((INTAKE, COLLECTOR, 100), transfer(INTAKE, None, 1, kind=Kind.FEE, tx=3), tx=3),
    transaction((STRANGER, COLLECTOR, 7), tx=4),
    transaction((COLLECTOR, EXCHANGE, 150), tx=5),
    transaction((INTAKE, ANN, 0), tx=6),
)
SPECS = (
    OriginSpec(INTAKE, USDT, tx_hash(1), report_ids=("ann", "ann's bank")),
    OriginSpec(COLLECTOR, USDT, tx_hash(2), report_ids=("bob",)),
)


def looked(
    *labels: Label,
    specs: Iterable[OriginSpec] = SPECS,
    read: Iterable[Address] = (INTAKE, COLLECTOR),
    history: Iterable[Transaction] = HISTORY,
) -> Scene:
    """The scene of the case, the empty transfer dropped."""
    flow = Flow(list(specs), Labels([label(EXCHANGE), *labels]))
    flow.feed(history, read)
    dropped = {t.id for one in HISTORY for t in one.transfers if not t.amount}
    return scene(flow.fold(dropped), dropped)


def test_the_life_of_whom_the_money_reached() -> None:
    """Of addresses that were read: all that counts, strangers' money too, without fees and what was dropped."""
    found = looked()
    lives = {who: [move.tx_hash for move in moves] for who, moves in found.moves.items()}
    assert {INTAKE: [tx_hash(1), tx_hash(3)], COLLECTOR: [tx_hash(n) for n in (2, 3, 4, 5)]} == lives


def test_who_is_not_looked_at() -> None:
    """What was not read, what is somebody's known, and victims; a scam's label says nothing of whose it is."""
    assert {INTAKE} == {*looked(read=[INTAKE, EXCHANGE, ANN]).moves}
    assert {INTAKE} == {*looked(label(COLLECTOR, category=Category.DEX)).moves}
    assert {INTAKE, COLLECTOR} == {*looked(label(COLLECTOR, category=Category.SCAM)).moves}


def test_whose_money_came_by_whom() -> None:
    """A victim's payment comes as itself, what was passed on by who passed it; two reports of one payment are one."""
    started = [t.id for one in HISTORY[:2] for t in one.transfers]
    brought = looked().brought

    assert {Brought(f"payment:{started[0]}", tx_hash(1), "ann")} == brought[INTAKE]
    assert {
        Brought(f"payment:{started[1]}", tx_hash(2), "bob"),
        Brought(str(INTAKE), tx_hash(3), "ann"),
    } == brought[COLLECTOR]


def test_reports_are_one_by_way_of_others() -> None:
    """Ann and her bank name one payment, the bank and Bob another: all three speak of the same loss."""
    specs = (SPECS[0], OriginSpec(COLLECTOR, USDT, tx_hash(2), report_ids=("ann's bank", "bob")))
    assert {"ann"} == {one.report for one in looked(specs=specs).brought[COLLECTOR]}


def test_victims_are_those_who_paid() -> None:
    """An exchange that paid for a victim is none."""
    assert {INTAKE: {ANN}, COLLECTOR: {BOB}} == looked().victims
    assert {COLLECTOR: {BOB}} == looked(label(ANN)).victims


def test_a_reported_address_is_its_own_report() -> None:
    """Opened by address alone, the money is named by its origin."""
    (one,) = looked(specs=[OriginSpec(INTAKE, USDT)]).brought[COLLECTOR]
    assert one.by == one.report
    assert INTAKE.text in one.report
