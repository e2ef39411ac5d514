"""Deposit addresses in the product: found by a trace, kept as labels, withdrawn when the reason is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.makers import ETHEREUM, START, USDT, address, label, transaction, tx_hash
from tracer.actions.deposits import known_deposits
from tracer.actions.screen import screen
from tracer.actions.trace import Traced, trace
from tracer.actions.verify import verify_case
from tracer.detect.deposits import SOURCE
from tracer.model import Address, Asset, Case, Coverage, FlagState, Label, OriginSpec, Transaction
from tracer.store.store import Store

VICTIM, THIEF, DEPOSIT, HOT, CUSTOMER, FRIEND = map(address, range(1, 7))
ORIGIN = OriginSpec(THIEF, USDT, tx_hash(1))


def paid(number: int, sender: Address, recipient: Address, amount: int) -> Transaction:
    """The n-th transaction, n hours after the start."""
    return transaction((sender, recipient, amount), tx=number, at=START + timedelta(hours=number), block=number)


HISTORY = [
    paid(1, VICTIM, THIEF, 1000),
    paid(2, CUSTOMER, DEPOSIT, 70),  # the thief's account is used before
    paid(3, DEPOSIT, HOT, 70),
    paid(4, THIEF, DEPOSIT, 1000),
    paid(5, DEPOSIT, HOT, 1000),
]
ELSEWHERE = [paid(6, CUSTOMER, DEPOSIT, 500), paid(7, DEPOSIT, FRIEND, 500)]


@pytest.fixture
def traced(store: Store) -> Iterator[tuple[Store, Traced]]:
    """The case, traced once."""
    yield store, filled(store)


def filled(store: Store, *specs: OriginSpec) -> Traced:
    """Store the history and trace the payment to the thief, or what is named."""
    with store.act("ana", "fill", "harbour") as work:
        work.add_assets([Asset(USDT, "USDT", 6, listed=True)])
        work.add_transactions(HISTORY)
        work.add_labels([label(HOT, entity="Exchange")])
        work.open_case(Case("c-1", "harbour", specs or (ORIGIN,), START))
    return trace(store, "harbour", "ana")


def flagged(made: Traced) -> list[tuple[str, str, str | None]]:
    """Rule, address and entity of each arrival."""
    flags = made.document["flags"]
    return [(one["rule"], one["address"], one["entity"]) for one in flags if one["rule"].endswith("_arrival")]


def standing(store: Store) -> list[Label]:
    """The labels that the rules made."""
    return [one for one in store.labels() if one.source.startswith(SOURCE)]


def test_the_money_arrives_where_it_was_deposited(traced: tuple[Store, Traced]) -> None:
    """The flag stands at the deposit address, one hop earlier than the wallet it is swept to, and says why."""
    store, made = traced
    (flag,) = [one for one in made.document["flags"] if one["rule"] == "exchange_arrival"]

    assert [("exchange_arrival", DEPOSIT.text, "Exchange")] == flagged(made)
    assert (2, "1000") == (flag["hops"], flag["amounts"][0]["amount"])
    assert "No list names this address" in flag["message"]
    assert [(DEPOSIT, "Exchange", Decimal("0.75"))] == [(x.address, x.entity, x.confidence) for x in standing(store)]


def test_tracing_again_changes_nothing(traced: tuple[Store, Traced]) -> None:
    """What was read for the judgement is no part of the result: the second trace is the first one."""
    store, made = traced
    labels, acts = standing(store), len(store.audit())
    again = trace(store, "harbour", "ana")

    assert (False, made.document["digest"]) == (again.new, again.document["digest"])
    assert labels == standing(store)
    assert acts == len(store.audit())


def test_it_can_be_verified(traced: tuple[Store, Traced]) -> None:
    """Labels that the rules made are labels of the store like any other."""
    store, _ = traced
    assert () == verify_case(store, "harbour").differences


def test_the_evidence_is_told(traced: tuple[Store, Traced]) -> None:
    """Method, parameters, confidence and the transfers that decided, worked out from what is stored."""
    store, _ = traced
    (found,) = known_deposits(store)

    assert (DEPOSIT, "Exchange", "sweep", "3 of 4") == (
        *(found.address, found.entity, found.method, found.parameters["score"]),
    )
    assert [HISTORY[2].transfers[0].id, HISTORY[4].transfers[0].id] == [*found.evidence]
    assert [found] == known_deposits(store, [DEPOSIT, HOT, THIEF])


def test_screening_says_what_kind_of_label_it_is(traced: tuple[Store, Traced]) -> None:
    """The answer names the rule as the label's source, and the exposure of the case."""
    store, _ = traced
    (answer,) = screen(store, [[("it", DEPOSIT)]], "ana")

    assert ["deposit rule sweep/1"] == [one["source"] for one in answer["labels"]]
    assert [["exchange_arrival"]] == [one["rules"] for one in answer["exposures"]]


def test_a_label_is_withdrawn_when_it_is_no_longer_found(traced: tuple[Store, Traced]) -> None:
    """The address is seen to pay somebody else: it was a wallet. The money is followed on, the old flag withdrawn."""
    store, _ = traced
    with store.act("ana", "more", "seen later") as work:
        work.add_transactions(ELSEWHERE)
    made = trace(store, "harbour", "ana")
    (old,) = store.labels([DEPOSIT], history=True)

    assert [] == standing(store)
    assert old.withdrawn_at is not None
    assert [("exchange_arrival", HOT.text, "Exchange")] == flagged(made)
    arrived = [one for one in store.flags("c-1") if (one.rule, one.address) == ("exchange_arrival", DEPOSIT)]
    assert [FlagState.WITHDRAWN] == [one.state for one in arrived]


def test_a_reported_address_keeps_its_origin(store: Store) -> None:
    """Somebody reports the address itself: what it pays is what the report is about, and the wallet is flagged."""
    made = filled(store, OriginSpec(DEPOSIT))

    assert [] == standing(store)
    assert [("exchange_arrival", HOT.text, "Exchange")] == flagged(made)


def test_what_was_not_read_is_not_judged(store: Store) -> None:
    """On a chain with a live source an address that was never pulled stays on the frontier: half is no life."""
    with store.act("ana", "pulled", "thief") as work:
        work.set_coverage(THIEF, "node", Coverage("complete"), None)
    filled(store)
    with store.act("ana", "forget", "labels") as work:
        work.withdraw_labels([replace(one, recorded_at=None) for one in standing(store)])
    made = trace(store, "harbour", "ana", live=[ETHEREUM])

    assert ([], []) == (standing(store), flagged(made))
