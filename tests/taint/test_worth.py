"""What an address is worth reading: which of two comes first, and that a ranking is a pure, exact function."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings

from tests.taint import test_utxo as bitcoin
from tests.taint.histories import cases, folded
from tests.taint.scenario import asset, place, told
from tests.taint.test_flow import paid, read
from tracer.model import AssetId, OriginSpec
from tracer.taint.books import Book
from tracer.taint.flow import Result
from tracer.taint.worth import DEFAULT_RANKING, MINOR, RANKINGS, WHOLE, Mixes, Seen, Worth

MIXED = """
    origin: thief
    unread: full half rest
    thief -> m 50
    other -> m 50
    m -> n 100
    thief -> n 10
    n -> full 10
    n -> half 40
    n -> rest 60
"""


def ranked(result: Result, name: str) -> Worth:
    """The worth of every address by a ranking."""
    return RANKINGS[name](Seen(result.origins, result.books, result.mixes))


def worth(story: str, who: str, name: str = "densest") -> Fraction:
    """What a place in a story is worth."""
    return ranked(told(story).flow().fold(), name)[place(who)]


@pytest.mark.parametrize("name", RANKINGS)
def test_every_ranking_puts_first_who_got_more(name: str) -> None:
    """Shares are of what the case originated; who got nothing is worth nothing; nobody is worth more than all."""
    history = [paid(1, "thief", "a", 70), paid(2, "thief", "b", 30), paid(3, "a", "thief", 70), paid(4, "x", "y", 9)]
    found = ranked(read([*history, paid(5, "thief", "a", 70)], "thief a b x"), name)

    assert (Fraction(1), Fraction(3, 10)) == (found[place("a")], found[place("b")])
    assert place("y") not in found


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_every_worth_is_a_share_and_what_is_wanted_has_one(case: object) -> None:
    """Any history: between 0 and 1 under every ranking; the default names everything that any method taints."""
    result = folded(case)

    for name in RANKINGS:
        assert all(0 <= share <= 1 for share in ranked(result, name).values())
    assert set() == {address for address in result.wanted() if address in result.touched} - result.worth.keys()


def test_the_default_ranking_is_in_the_table() -> None:
    """The order of the frontier is the default ranking's."""
    result = told(MIXED).flow().fold()

    assert DEFAULT_RANKING in RANKINGS
    assert ranked(result, DEFAULT_RANKING) == result.worth


def test_a_pot_spends_its_densest_mix_first() -> None:
    """The thief's own 10 leave before the 100 in which half was other people's; these pass on half of what they pay."""
    assert Fraction(10, 60) == worth(MIXED, "full")
    assert Fraction(20, 60) == worth(MIXED, "half")
    assert Fraction(30, 60) == worth(MIXED, "rest")


def test_clean_money_leaves_last_and_is_no_part_of_a_mix() -> None:
    """What came in clean by itself stays clean: the first 50 that leave are the thief's."""
    story = "origin: thief\nother -> m 50\nthief -> m 50\nm -> a 50\nm -> b 50"

    assert Fraction(1) == worth(story, "a")
    assert place("b") not in ranked(told(story).flow().fold(), "densest")


def test_what_is_paid_beyond_what_was_seen_is_clean() -> None:
    """60 leave where 50 of the thief's came in: 10 nobody saw."""
    story = "origin: thief\nthief -> m 50\nm -> a 60\na -> b 30"

    assert (Fraction(1), Fraction(1, 2)) == (worth(story, "a"), worth(story, "b"))


def test_the_smallest_share_is_not_lost() -> None:
    """One unit among a million, passed on one by one: the share is small and not nothing."""
    story = "origin: thief\nthief -> m 1\nother -> m 999999\nm -> n 1000000\nn -> a 1"

    assert 0 < worth(story, "a") <= Fraction(1, 10**6)


def test_what_is_exchanged_keeps_its_worth() -> None:
    """Half tainted goes into the swap, half tainted comes out of it: the worth is of the asset that was stolen."""
    swap = "4: n -> pool 100\n4: pool -> n 8 ETH"
    story = f"label pool dex\norigin: thief\nthief -> m 50\nother -> m 50\nm -> n 100\n{swap}\nn -> a 4 ETH"

    assert Fraction(1, 2) == worth(story, "a")
    assert Fraction(1) == worth(story, "n")


def test_what_is_handed_on_is_worth_reading_where_it_lands() -> None:
    """A router's user pays, another address receives: the taker is worth what was paid."""
    story = "label pool dex\norigin: thief\n1: thief -> pool 100\n1: pool -> a 8 ETH\na -> b 2 ETH"

    assert (Fraction(1), Fraction(1, 4)) == (worth(story, "a"), worth(story, "b"))


def test_a_reported_payment_is_worth_what_was_reported() -> None:
    """Only 60 of 100 were reported: what reaches the recipient is all that was originated."""
    story = "victim -> scam 100 ! 60\nscam -> a 50"

    assert (Fraction(1), Fraction(1, 2)) == (worth(story, "scam"), worth(story, "a"))


def test_a_token_that_nobody_vouches_for_comes_last() -> None:
    """All of a token that anyone can make is worth less than a hundredth of the stolen money; in full if reported."""
    history = [
        *(paid(1, "thief", "a", 99), paid(2, "thief", "b", 1)),
        paid(3, "thief", "c", 5, "MEME"),
    ]
    found = ranked(read(history, "thief"), "densest")
    named = ranked(read(history, "thief", asset=asset("MEME")), "densest")

    assert [place("a"), place("b"), place("c")] == read(history, "thief").wanted()
    assert MINOR**2 == found[place("c")]
    assert {place("c"): Fraction(1), place("thief"): Fraction(1)} == named


def test_an_amount_of_no_chain_counts_in_full() -> None:
    """Data that carries values only names no contract that anyone could make."""
    dollars = AssetId("eip155:1", "usd")
    history = [
        replace(one, transfers=tuple(replace(t, asset=dollars) for t in one.transfers))
        for one in [paid(1, "thief", "a", 5), paid(2, "thief", "b", 5)]
    ]

    assert Fraction(1, 2) == ranked(read(history, "thief"), "densest")[place("a")]


def test_haircut_orders_what_the_densest_mix_leaves_at_nothing() -> None:
    """All of the thief's money has left m for a; of the later payments haircut still tells which carries more."""
    story = "origin: thief\nthief -> m 50\nother -> m 50\nm -> a 50\nm -> b 10\nm -> c 20"
    found = ranked(told(story).flow().fold(), DEFAULT_RANKING)

    assert found[place("a")] > found[place("c")] == 2 * found[place("b")] > 0
    assert not {place("b"), place("c")} & ranked(told(story).flow().fold(), "densest").keys()


def test_a_bitcoin_output_carries_the_density_of_the_inputs() -> None:
    """Inside one transaction there is no order: half of what comes in is the thief's, half of every output is."""
    history = [
        bitcoin.tx(1, [], [("thief", 100), ("other", 100)]),
        bitcoin.tx(2, [("thief", 100, "1:0"), ("other", 100, "1:1")], [("a", 80), ("b", 100)]),
    ]
    found = ranked(bitcoin.fold(history, [OriginSpec(bitcoin.at("thief"))]), "densest")

    assert (Fraction(4, 10), Fraction(5, 10)) == (found[bitcoin.at("a")], found[bitcoin.at("b")])


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_mixes_hold_what_the_books_hold(case: object) -> None:
    """A pot holds as much as under any method, no mix is more than tainted, and no value comes from nowhere."""
    result = folded(case)

    assert _held(result.books["fifo"], result) == _amounts(result.mixes)
    values: dict[AssetId, int] = dict.fromkeys(result.mixes.originated, 0)
    for mix in (mix for mixes in result.mixes.tainted.values() for mix in mixes):
        assert 0 <= mix.tainted <= mix.amount * WHOLE
        for what, amount in mix.value.items():
            values[what] += amount
    assert all(amount <= result.mixes.originated[what] for what, amount in values.items())


def _held(book: Book, result: Result) -> dict[object, int]:
    sums = {key: sum(lot.amount for lot in pot.lots) for key, pot in book.pots.items() if _keeps(result, key)}
    return {key: amount for key, amount in sums.items() if amount}


def _keeps(result: Result, key: tuple[object, ...]) -> bool:
    """True if the pot's address was read or reported: an unread one only holds, and a ranking need not know."""
    return key[0] in result.flow.read or key[0] in result.origins.addresses


def _amounts(mixes: Mixes) -> dict[object, int]:
    sums = {key: sum(mix.amount for mix in held) for key, held in mixes.tainted.items()}
    for key, amount in mixes.clean.items():
        sums[key] = sums.get(key, 0) + amount
    return {key: amount for key, amount in sums.items() if amount}
