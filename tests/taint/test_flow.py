"""What should be read next, what an address is worth, and which address is too busy to follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

from tests.taint.scenario import START, asset, at, place, told, tx
from tracer.model import Kind, Limits, OriginSpec, Transaction, Transfer, transfer_id
from tracer.taint.flow import Flow, Result
from tracer.taint.hubs import counterparties
from tracer.taint.stops import Labels


def paid(number: int, sender: str, recipient: str, amount: int, symbol: str = "USDT") -> Transaction:
    """One payment, at minute `number`."""
    ends = (place(sender), place(recipient))
    key = transfer_id("eip155:1", tx(number), Kind.TOKEN, asset(symbol), *ends, amount, 0)
    made = Transfer(key, Kind.TOKEN, asset(symbol), amount, *ends)
    return Transaction("eip155:1", tx(number), at(number), number, transfers=(made,))


def read(history: list[Transaction], names: str, limits: Limits | None = None, **spec: object) -> Result:
    """A thief's history with these addresses read."""
    flow = Flow([OriginSpec(place("thief"), **spec)], Labels(), limits or Limits())
    flow.feed(history, {place(name) for name in names.split()})
    return flow.fold()


HISTORY = [paid(1, "thief", "a", 30), paid(2, "thief", "b", 70), paid(3, "a", "c", 10), paid(4, "b", "d", 60)]


def test_reported_addresses_are_wanted_first() -> None:
    """Before anything was read there is nothing to fold, and the reported address is what to read."""
    assert [place("thief")] == read([], "").wanted()


def test_the_frontier_is_in_order_of_worth() -> None:
    """The largest share of what was originated comes first."""
    result = read(HISTORY, "thief")

    assert [place("b"), place("a")] == result.wanted()
    assert (Fraction(7, 10), Fraction(3, 10)) == (result.worth[place("b")], result.worth[place("a")])


def test_worth_is_the_best_asset_not_the_sum() -> None:
    """All of one asset is worth more than half of two, without any price."""
    history = [
        paid(1, "thief", "a", 50),
        paid(2, "thief", "b", 50),
        paid(3, "thief", "a", 50, "USDC"),
        paid(4, "thief", "b", 50, "USDC"),
        paid(5, "thief", "c", 1, "DAI"),
    ]
    result = read(history, "thief")

    assert place("c") == result.wanted()[0]
    assert Fraction(1, 2) == result.worth[place("a")]


def test_the_hop_limit_decides_what_is_read_and_removes_nothing() -> None:
    """An address at the limit holds what came to it and is not wanted."""
    result = read(HISTORY, "thief a b", Limits(hops=2))

    assert [] == result.wanted()
    assert (10, 60) == tuple(
        result.books["fifo"].came()[(place(who), asset("USDT"), o)][0] for who in "cd" for o in result.origins.found
    )


def test_age_and_worth_limits_narrow_the_frontier() -> None:
    """What is too late or worth too little stays unread."""
    assert [place("b")] == read(HISTORY, "thief", Limits(worth=Fraction(1, 2))).wanted()
    assert [place("a")] == read(HISTORY, "thief", Limits(age=timedelta(seconds=0))).wanted()


def test_counterparties_are_counted_after_taint_came() -> None:
    """A busy past does not make a hub, nor does a busy future beyond the window."""
    contacts = [(START + timedelta(days=day), place(f"x{day}")) for day in range(20)]

    assert 7 == counterparties(contacts, START + timedelta(days=5), timedelta(days=7))
    assert 0 == counterparties(contacts, START + timedelta(days=19), timedelta(days=7))


def test_a_hub_holds_and_is_told_with_its_count() -> None:
    """An unlabelled address with more counterparties than the limit within a week after taint came is not followed."""
    busy = [paid(2 + n, "a", f"x{n}", 1) for n in range(4)]
    open_ = read([paid(1, "thief", "a", 100), *busy], "thief a", Limits(hub_counterparties=4))
    hub = read([paid(1, "thief", "a", 100), *busy], "thief a", Limits(hub_counterparties=3))

    assert {} == open_.hubs
    assert 4 == hub.hubs[place("a")].counterparties
    assert [] == hub.wanted()
    assert place("x0") in open_.touched
    assert 100 == sum(lot.amount for lot in hub.books["fifo"].pots[(place("a"), asset("USDT"), "")].lots)


def test_an_origin_is_never_a_hub() -> None:
    """However many a reported address deals with, it is followed."""
    result = read([paid(n, "thief", f"x{n}", 1) for n in range(1, 6)], "thief", Limits(hub_counterparties=2))

    assert {} == result.hubs
    assert 5 == len(result.wanted())


def test_an_unread_payment_is_wanted_as_a_transaction() -> None:
    """A reported payment whose transaction nobody fed is asked for, and is a gap."""
    flow = Flow([OriginSpec(place("scam"), asset("USDT"), tx(7), 5)], Labels())
    result = flow.fold()

    assert [("eip155:1", tx(7))] == result.wanted_transactions()
    assert ["payment_not_read"] == [gap.kind for gap in result.gaps]


def test_what_a_report_got_wrong_is_a_gap() -> None:
    """Another amount than paid, and no transfer to the reported address, are named."""
    history = [paid(1, "victim", "scam", 100)]
    specs = [OriginSpec(place("scam"), asset("USDT"), tx(1), 120), OriginSpec(place("other"), None, tx(1))]
    flow = Flow(specs, Labels())
    flow.feed(history, {place("scam")})
    result = flow.fold()

    assert ["amount_differs", "payment_not_found"] == sorted(gap.kind for gap in result.gaps)
    assert [100] == list(result.books["fifo"].originated.values())


def test_two_reports_of_a_part_of_one_payment_mean_the_same_part() -> None:
    """Of 100 paid one report means 60 and another 50: 60 are originated, not 110 and not 100."""
    specs = [OriginSpec(place("scam"), asset("USDT"), tx(1), amount, report_ids=(str(amount),)) for amount in (50, 60)]
    flow = Flow(specs, Labels())
    flow.feed([paid(1, "victim", "scam", 100)], {place("scam")})

    assert [60] == list(flow.fold().books["fifo"].originated.values())


def test_a_report_of_a_service_is_refused_and_that_is_said() -> None:
    """An exchange's wallet is not dirty because somebody reported it; a scam's is, whatever it is called."""
    for category, gaps, originated in (("exchange", ["origin_refused"], []), ("scam", [], [30])):
        story = told(f"label thief {category}\nthief -> a 30\norigin: thief")
        result = story.flow().fold()
        assert gaps == [gap.kind for gap in result.gaps if gap.kind != "unseen"]
        assert originated == list(result.books["fifo"].originated.values())


def test_money_that_cannot_be_told_on_asks_for_its_transaction() -> None:
    """An unresolved hand-on is asked for, until the transaction is known whole."""
    ends = [(place("a"), place("pool"), asset("USDT"), 100), (place("pool"), place("a"), asset("MEME"), 7)]
    moves = tuple(
        Transfer(transfer_id("eip155:1", tx(2), Kind.TOKEN, what, s, r, n, 0), Kind.TOKEN, what, n, s, r)
        for s, r, what, n in ends
    )
    swap = Transaction("eip155:1", tx(2), at(2), 2, transfers=moves)

    assert [("eip155:1", tx(2))] == read([paid(1, "thief", "a", 100), swap], "thief a").wanted_transactions()
    whole = read([paid(1, "thief", "a", 100), replace(swap, whole=True)], "thief a")
    assert [] == whole.wanted_transactions()
    assert [("eip155:1", tx(2))] == whole.unresolved


def test_an_unknown_order_in_a_block_is_a_gap_where_it_could_matter() -> None:
    """Two transactions of one block at a tainted pot, of which one pays: their order is not known, and that is said."""
    together = [replace(paid(n, *ends), at=at(2), block=2) for n, ends in ((2, ("x", "a", 5)), (3, ("a", "b", 5)))]
    result = read([paid(1, "thief", "a", 10), *together], "thief a")
    known = [replace(one, tx_index=n) for n, one in enumerate(together)]

    assert [("order_unknown", place("a"))] == [(gap.kind, gap.address) for gap in result.gaps if gap.at == at(2)]
    assert [] == [gap for gap in read([paid(1, "thief", "a", 10), *known], "thief a").gaps if gap.at == at(2)]


def test_in_one_block_the_place_decides() -> None:
    """What is passed on can only be what came before it in the block, whatever the hashes are."""
    came, left = (replace(paid(n, *ends, 10), at=at(4), block=4) for n, ends in ((3, ("thief", "a")), (2, ("a", "b"))))
    for places, reached in (((0, 1), ["a", "b"]), ((1, 0), ["a"])):
        block = [replace(one, tx_index=n) for one, n in zip((came, left), places, strict=True)]
        steps = read(block, "thief a").books["fifo"].steps
        assert [place(name) for name in reached] == [step.recipient for step in steps]


def test_an_exchange_without_a_labelled_venue_is_marked_inferred() -> None:
    """The same swap is an exchange where the pool is labelled, and an inferred one where nobody labelled it."""
    story = told("thief -> a 100\n2: a -> pool 100\n2: pool -> a 40 ETH\norigin: thief")
    labelled = told("label pool dex\nthief -> a 100\n2: a -> pool 100\n2: pool -> a 40 ETH\norigin: thief")

    for expected, one in (("inferred_exchange", story), ("exchange", labelled)):
        assert [expected] == [
            step.by for step in one.flow().fold().books["fifo"].steps if step.sender == step.recipient
        ]


def test_two_equal_payments_in_one_transaction_are_two_reports() -> None:
    """The k-th report of equal payments means the k-th of them; two reports of one payment mean the same."""
    ends = (place("shop"), place("scam"))
    both = tuple(
        Transfer(
            transfer_id("eip155:1", tx(1), Kind.TOKEN, asset("USDT"), *ends, 5, n), Kind.TOKEN, asset("USDT"), 5, *ends
        )
        for n in range(2)
    )
    reports = [OriginSpec(place("scam"), asset("USDT"), tx(1), 5, report_ids=(name,)) for name in ("one", "two")]
    for transfers, originated in ((both, 10), (both[:1], 5)):
        flow = Flow(reports, Labels())
        flow.feed([Transaction("eip155:1", tx(1), at(1), 1, transfers=transfers)], {place("scam")})
        result = flow.fold()

        assert originated == sum(result.books["fifo"].originated.values())
        assert {"one", "two"} == {name for origin in result.origins.found.values() for name in origin.report_ids}


def test_a_report_without_an_asset_means_every_asset_that_was_paid() -> None:
    """Base units of two assets cannot be compared, so each is an origin, and that is said."""
    story = told("1: victim -> scam 7 ETH\n1: victim -> scam 5\nscam -> x 5\norigin: nobody")
    flow = story.flow()
    flow.specs = [OriginSpec(place("scam"), None, tx(1))]
    result = flow.fold()

    assert [5, 7] == sorted(result.books["fifo"].originated.values())
    assert "payment_ambiguous" in {gap.kind for gap in result.gaps}


def test_the_recipient_of_a_reported_payment_is_no_hub() -> None:
    """A scam's intake wallet deals with many victims; it was reported, so it is followed."""
    history = [
        paid(1, "victim", "scam", 10),
        *(paid(2 + n, f"x{n}", "scam", 1) for n in range(5)),
        paid(9, "scam", "a", 15),
    ]
    flow = Flow([OriginSpec(place("scam"), asset("USDT"), tx(1))], Labels(), Limits(hub_counterparties=2))
    flow.feed(history, {place("scam")})

    assert {} == flow.fold().hubs
    assert [place("a")] == flow.fold().wanted()
