"""Where tainted money landed: each labelled place and moment with its own arrivals, sums and paths."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.taint.histories import cases, folded
from tests.taint.scenario import ASSETS, CHAIN, START, asset, place
from tests.taint.test_paths import Move, moved
from tracer.model import Address, AssetId, Category, Label, Landing, OriginSpec
from tracer.taint.entries import EndKind
from tracer.taint.flow import Flow, Result
from tracer.taint.landings import CONTACT, landings
from tracer.taint.methods import METHODS
from tracer.taint.stops import Labels
from tracer.taint.stops import valid as claim_holds


def claim(name: str, category: Category, **more: Any) -> Label:
    """A label that names the place itself."""
    given_: dict[str, Any] = {"confidence": Decimal("0.9"), "source": "t", "entity": name, **more}
    return Label(place(name), category=category, **given_)


def flowed(moves: list[Move], labels: list[Label], origins: str = "thief") -> Result:
    """A payment a minute, everything read; these are reported."""
    flow = Flow([OriginSpec(place(name)) for name in origins.split()], Labels(labels))
    history = [moved(number, move) for number, move in enumerate(moves, 1)]
    flow.feed(history, {end for one in history for t in one.transfers for end in (t.sender, t.recipient) if end})
    return flow.fold()


def brought(landing: Landing) -> dict[str, int]:
    """All that came, by method."""
    sums: dict[str, int] = defaultdict(int)
    for one in (one for arrival in landing.arrivals for one in arrival.sums):
        sums[one.method] += one.amount
    return dict(sums)


# --- for every history ------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(cases())
def test_landings_state_what_the_books_state(case: Any) -> None:
    """Per method and kind, in base units and in the origin's own: nothing is lost, nothing counted twice."""
    result = folded(case)
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for landing in landings(result, "fifo"):
        for one in (one for arrival in landing.arrivals for one in arrival.sums if landing.kind != CONTACT):
            found[(landing.kind, one.method)][0] += one.amount
            found[(landing.kind, one.method)][1] += one.origin_amount
    expected: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for method, book in result.books.items():
        for end in book.ends:
            if end.kind is not EndKind.REDEEMED or end.asset.contract != "native":
                expected[(str(end.kind), method)][0] += end.amount
                expected[(str(end.kind), method)][1] += end.origin_amount
    assert {key: sums for key, sums in found.items() if any(sums)} == {
        key: sums for key, sums in expected.items() if any(sums)
    }


@settings(max_examples=200, deadline=None)
@given(cases(), st.sampled_from(sorted(METHODS)))
def test_every_arrival_and_every_origin_has_its_path(case: Any, method: str) -> None:
    """A path ends where the landing is, in one of its transactions; every arrival that brings any has one."""
    result = folded(case)
    for landing in landings(result, method):
        ends = {(path.hops[-1].tx_hash, path.hops[-1].received_asset) for path in landing.paths}
        origins = {one.origin for arrival in landing.arrivals for one in arrival.sums if one.amount}
        came = {(a.tx_hash, a.asset) for a in landing.arrivals if any(one.amount for one in a.sums)}
        assert ends == came
        assert {path.origin for path in landing.paths} == origins
        assert [arrival.at for arrival in landing.arrivals] == sorted(arrival.at for arrival in landing.arrivals)
        if landing.kind != EndKind.REDEEMED:
            assert {path.hops[-1].recipient for path in landing.paths} == {landing.address}


@settings(max_examples=200, deadline=None)
@given(cases(), st.sampled_from(sorted(METHODS)))
def test_paths_and_what_is_spread_add_up(case: Any, method: str) -> None:
    """What each told path carried and what went by smaller ones is the origin's amount, and never more than all."""
    for landing in landings(folded(case), method):
        came = {
            (a.tx_hash, a.asset, one.origin, one.method): one.origin_amount for a in landing.arrivals for one in a.sums
        }
        told: dict[Any, int] = defaultdict(int)
        for path in landing.paths:
            told[(path.hops[-1].tx_hash, path.hops[-1].received_asset, path.origin, path.method)] += path.carried
        spread = {
            (path.hops[-1].tx_hash, path.hops[-1].received_asset, path.origin, path.method): path.spread
            for path in landing.paths
        }
        assert {key: came[key] for key in told} == {key: carried + spread[key] for key, carried in told.items()}
        assert min(spread.values()) >= 0
        for arrival in landing.arrivals:
            for name in METHODS:
                assert arrival.whole >= sum(one.amount for one in arrival.sums if one.method == name)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_only_paths_depend_on_the_headline_method(case: Any) -> None:
    """Kinds, places, labels, arrivals and the fewest hops are the same whatever method is shown."""
    result = folded(case)
    plain = [
        [(one.kind, one.address, one.label, one.arrivals, one.hops, one.token) for one in landings(result, method)]
        for method in METHODS
    ]
    assert all(one == plain[0] for one in plain)


@settings(max_examples=100, deadline=None)
@given(cases(), st.integers(0, 6))
def test_dividing_moments_divides_arrivals_only(case: Any, minute: int) -> None:
    """Judged apart from a moment on: the same arrivals in all, each side with its own."""
    result = folded(case)

    def divide(_label: Label | None, at: datetime) -> str:
        return "late" if (at - START).total_seconds() >= 60 * minute else "early"

    def arrivals(found: tuple[Landing, ...]) -> list[str]:
        return sorted(repr((one.kind, one.address, arrival)) for one in found for arrival in one.arrivals)

    divided = landings(result, "fifo", divide)
    assert arrivals(divided) == arrivals(landings(result, "fifo"))
    for landing in divided:
        assert len({divide(None, arrival.at) for arrival in landing.arrivals}) == 1
        assert {path.hops[-1].at for path in landing.paths} <= {arrival.at for arrival in landing.arrivals}


# --- what each kind is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        (Category.EXCHANGE, "arrival"),
        (Category.PAYMENT, "arrival"),
        (Category.GAMBLING, "arrival"),
        (Category.SWAPPER, "arrival"),
        (Category.MIXER, "mixer"),
        (Category.BRIDGE, "bridge"),
        (Category.SCAM, "contact"),
        (Category.HACK, "contact"),
        (Category.DEX, "unresolved"),
        (Category.OTHER, "unresolved"),
    ],
)
def test_a_category_says_what_a_landing_is(category: Category, kind: str) -> None:
    """Paid straight to an address with such a label."""
    label = claim("shop", category)
    (landing,) = landings(flowed([("thief", "shop", 9, "USDT")], [label]), "fifo")

    assert (landing.kind, landing.address, landing.label, landing.hops) == (kind, place("shop"), label, 1)
    assert brought(landing) == dict.fromkeys(METHODS, 9)


def test_no_label_is_no_landing() -> None:
    """Money that is held somewhere unlabelled has not landed."""
    assert landings(flowed([("thief", "peel", 9, "USDT")], []), "fifo") == ()


def test_what_is_burned_lands_at_its_token() -> None:
    """Two burns of one token are one landing; a listed token is described; the coin itself is none."""
    moves = [("thief", "zero", 3, "USDT"), ("thief", "zero", 4, "USDT"), ("thief", "zero", 5, "ETH")]
    (landing,) = landings(flowed(moves, []), "fifo")

    assert (landing.kind, landing.address, landing.label) == ("redeemed", Address(CHAIN, ASSETS["USDT"]), None)
    assert landing.token is not None
    assert (landing.token.symbol, landing.token.listed) == ("USDT", True)
    assert [one.sums[0].amount for one in landing.arrivals] == [3, 4]
    (meme,) = landings(flowed([("thief", "zero", 3, "MEME")], []), "fifo")
    assert (meme.address, meme.token) == (Address(*AssetId(CHAIN, ASSETS["MEME"])), None)


def test_an_address_that_changed_hands_lands_twice() -> None:
    """Who it belonged to then is named with what came then."""
    change = moved(2, ("a", "b", 1, "USDT")).at
    labels = [
        claim("shop", Category.EXCHANGE, entity="old", valid_to=change),
        claim("shop", Category.EXCHANGE, entity="new", valid_from=change),
    ]
    moves = [("thief", "shop", 3, "USDT"), ("thief", "shop", 4, "USDT"), ("thief", "shop", 5, "USDT")]
    found = {one.label.entity: brought(one)["fifo"] for one in landings(flowed(moves, labels), "fifo") if one.label}

    assert found == {"old": 3, "new": 9}
    assert claim_holds(labels[1], change)


# --- whose paths ------------------------------------------------------------------------------------------------------


def test_a_path_is_of_the_headline_method_where_it_brings_any() -> None:
    """Clean money came first: first in, first out pays it out clean, last in, first out pays the taint."""
    moves = [("clean", "peel", 5, "USDT"), ("thief", "peel", 5, "USDT"), ("peel", "shop", 5, "USDT")]
    result = flowed(moves, [claim("shop", Category.EXCHANGE)])
    methods = {
        method: {path.method for one in landings(result, method) for path in one.paths}
        for method in ("fifo", "lifo", "haircut", "clean_first")
    }

    assert methods["lifo"] == {"lifo"}
    assert methods["haircut"] == {"haircut"}
    assert methods["fifo"] == {"lifo"}  # the first of METHODS that brings any
    assert methods["clean_first"] == {"lifo"}


def test_every_origin_that_came_has_a_path_of_its_own() -> None:
    """Two thieves pay one shop through one wallet: one arrival, a path for each of them."""
    moves = [("thief", "peel", 5, "USDT"), ("robber", "peel", 6, "USDT"), ("peel", "shop", 11, "USDT")]
    result = flowed(moves, [claim("shop", Category.EXCHANGE)], "thief robber")
    (landing,) = landings(result, "fifo")

    assert len(landing.arrivals) == 1
    assert {path.hops[0].sender for path in landing.paths} == {place("thief"), place("robber")}
    assert {(one.origin.split(":")[3], one.amount) for one in landing.arrivals[0].sums if one.method == "fifo"} == {
        (place("thief").text, 5),
        (place("robber").text, 6),
    }


def test_what_two_pay_in_one_transaction_is_one_sum() -> None:
    """Two wallets with the same thief's money pay the shop at once: one arrival, both amounts in both units."""
    flow = Flow([OriginSpec(place("thief"))], Labels([claim("shop", Category.EXCHANGE)]))
    history = [
        moved(1, ("thief", "ann", 5, "USDT")),
        moved(2, ("thief", "bob", 6, "USDT")),
        moved(3, ("ann", "shop", 5, "USDT"), ("bob", "shop", 6, "USDT")),
    ]
    flow.feed(history, {place(name) for name in ("thief", "ann", "bob")})
    (landing,) = landings(flow.fold(), "fifo")
    (arrival,) = landing.arrivals

    assert [(one.method, one.amount, one.origin_amount) for one in arrival.sums] == [
        (method, 11, 11) for method in sorted(METHODS)
    ]
    assert [(path.hops[-1].sender, path.carried, path.spread) for path in landing.paths] == [
        (place("bob"), 6, 0),
        (place("ann"), 5, 0),
    ]


def test_the_fewest_hops_count_and_swaps_are_none() -> None:
    """Straight, and through another wallet: one hop is the fewest; changing the asset at an address is no hop."""
    moves = [("thief", "peel", 5, "USDT"), ("peel", "shop", 5, "USDT"), ("thief", "shop", 5, "USDT")]
    labels = [claim("shop", Category.EXCHANGE), claim("pool", Category.DEX)]
    (landing,) = landings(flowed(moves, labels), "fifo")
    assert landing.hops == 1

    flow = Flow([OriginSpec(place("thief"))], Labels(labels))
    swap = moved(1, ("thief", "pool", 9, "USDT"), ("pool", "thief", 7, "DAI"))
    flow.feed([swap, moved(2, ("thief", "shop", 7, "DAI"))], {place("thief")})
    (swapped,) = landings(flow.fold(), "fifo")
    assert (swapped.hops, [hop.by for hop in swapped.paths[0].hops]) == (1, ["exchange", "payment"])
    assert swapped.arrivals[0].asset == asset("DAI")


def test_an_arrival_tells_its_share_of_all_that_came() -> None:
    """The wallet pays in the thief's 5 among 9, and a friend pays the shop 4 in the same transaction: 5 of 13."""
    flow = Flow([OriginSpec(place("thief"), report_ids=("R-1", "R-2"))], Labels([claim("shop", Category.EXCHANGE)]))
    history = [
        moved(1, ("thief", "peel", 5, "USDT")),
        moved(2, ("clean", "peel", 4, "USDT")),
        moved(3, ("peel", "shop", 9, "USDT"), ("friend", "shop", 4, "USDT")),
    ]
    flow.feed(history, {place(name) for name in ("thief", "peel", "friend")})
    (landing,) = landings(flow.fold(), "fifo")
    (arrival,) = landing.arrivals

    assert (13, {5}) == (arrival.whole, {one.amount for one in arrival.sums})
    assert {("R-1", "R-2")} == {one.report_ids for one in arrival.sums}


def test_many_paths_are_told_by_the_largest_and_a_rest() -> None:
    """Five wallets pass on 1 to 5: three paths carry 5, 4 and 3, and 3 more came by smaller ones."""
    parts = [("thief", f"w{letter}", size, "USDT") for size, letter in enumerate("abcde", 1)]
    moves = [*parts, *((mule, "peel", size, "USDT") for _, mule, size, _ in parts), ("peel", "shop", 15, "USDT")]
    (landing,) = landings(flowed(moves, [claim("shop", Category.EXCHANGE)]), "fifo")

    assert [(5, 3), (4, 3), (3, 3)] == [(path.carried, path.spread) for path in landing.paths]
    assert [place("we"), place("wd"), place("wc")] == [path.hops[0].recipient for path in landing.paths]
