"""What must hold for every history: conservation, order, incremental = whole, and that users are not mixed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.taint.histories import cases, fingerprint, folded, moved
from tests.taint.scenario import asset, place
from tracer.model import Address, Category, Kind, Label, OriginSpec, Transaction
from tracer.taint.entries import EndKind, Part
from tracer.taint.flow import Flow
from tracer.taint.methods import METHODS, Lot, convert, deal, parts, total
from tracer.taint.stops import Labels
from tracer.taint.transaction import Plan, work_out

lots = st.lists(
    st.one_of(
        st.integers(1, 10**20).map(Lot),
        st.builds(Lot, st.integers(1, 10**20), st.sampled_from("xyz"), st.integers(0, 10**20), st.integers(0, 3)),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_the_books_balance_to_the_unit(case: object) -> None:
    """What was originated is what all accounts add up to, and nothing is negative."""
    for book in folded(case).books.values():
        for sums in book.balances().values():
            assert sums["originated"] == sum(sums.values()) - sums["originated"]
            assert min(sums.values()) >= 0
        for pot in book.pots.values():
            assert all(lot.amount > 0 and lot.origin_amount >= 0 for lot in pot.lots)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_every_pot_balances_to_the_unit(case: object) -> None:
    """What came in, by origin, clean or unseen, is what a pot holds, paid out and paid as fees; nothing is negative."""
    result = folded(case)
    for book in result.books.values():
        came: dict[object, int] = defaultdict(int)
        for (address, kind, _), (amount, _) in book.came().items():
            came[(address, kind, "")] += amount
        for end in book.ends:
            came[(end.address, end.asset, "")] -= end.amount  # it stands unresolved beside the pot
        for key, pot in book.pots.items():
            assert came[key] + pot.clean + pot.unseen == pot.held + pot.out + pot.fees
            assert total(pot.lots) == pot.held
            assert min(pot.held, pot.clean, pot.unseen, pot.out, pot.fees) >= 0


@settings(max_examples=300, deadline=None)
@given(cases())
def test_a_step_is_what_earlier_steps_had_brought(case: object) -> None:
    """The parts of a step add up to it, its parent is the largest, and (but haircut) no step gives more than it got."""
    for method, book in folded(case).books.items():
        given_on: dict[int, int] = defaultdict(int)
        for number, step in enumerate(book.steps):
            parts = book.parts.get(number) or (Part(step.parent, step.origin_amount),)
            assert step.origin_amount == sum(part.origin_amount for part in parts)
            assert step.parent in {part.step for part in parts if part.origin_amount == max(p[1] for p in parts)}
            assert all(part.step < number for part in parts)
            for part in parts:
                given_on[part.step] += part.origin_amount
        for loss in book.losses:
            given_on[loss.step] += loss.origin_amount
        if method != "haircut":
            assert all(given_on[number] <= step.origin_amount for number, step in enumerate(book.steps))


@settings(max_examples=300, deadline=None)
@given(cases())
def test_the_straight_way_is_the_rule(case: object) -> None:
    """A transaction planned as one payment is what the whole transaction rule makes of it."""
    result = folded(case)
    for key, (_, made) in result.flow._plans.items():
        if made.straight is not None:
            one = result.flow.transactions[key]
            ruled = Plan(one, made.fees)
            moves = [transfer for transfer in one.transfers if transfer.kind is not Kind.FEE]
            work_out(ruled, moves, partial(result.flow.labels.stop, at=one.at), frozenset())
            assert replace(made, straight=None, payers=()) == ruled
            made.straight = None

    assert fingerprint(result) == fingerprint(result.flow.fold())


@settings(max_examples=200, deadline=None)
@given(cases())
def test_pots_hold_the_same_under_every_method(case: object) -> None:
    """Methods differ in whose money a pot holds, never in how much a read pot holds."""
    result = folded(case)
    pots = [
        {key: total(pot.lots) for key, pot in book.pots.items() if result.flow.read >= {key[0]} and pot.lots}
        for book in result.books.values()
    ]

    assert all(pot == pots[0] for pot in pots)


@settings(max_examples=200, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_any_order_and_partition_of_feeding_gives_the_same(case: object, chance: object) -> None:
    """Fed in pieces, in any order, also inside a transaction, folded in between or not: the result is the same."""
    history, claims, specs, read = case
    whole = fingerprint(folded(case))
    pieces = [replace(one, transfers=(transfer,)) for one in history for transfer in one.transfers]
    chance.shuffle(pieces)
    shuffled = list(claims)
    chance.shuffle(shuffled)
    flow = Flow(list(reversed(specs)), Labels(shuffled))
    while pieces:
        count = chance.randint(1, len(pieces))
        flow.feed(pieces[:count])
        pieces = pieces[count:]
        if chance.random() < 0.3:
            flow.fold()
    flow.feed([], read)

    assert fingerprint(flow.fold()) == whole


@settings(max_examples=200, deadline=None)
@given(cases())
def test_poison_reaches_whatever_any_method_reaches(case: object) -> None:
    """The reach holds every address that any method's taint of an origin came to."""
    result = folded(case)
    reached = {(address, origin) for (address, _, origin), amount in result.reach.came.items() if amount}
    for book in result.books.values():
        came = {(address, origin) for (address, _, origin), (amount, _) in book.came().items() if amount}
        apart = {end.address for end in book.ends if end.kind is EndKind.UNRESOLVED}
        own = {(origin.address, origin.id) for origin in result.origins.found.values()}
        assert {pair for pair in came - own if pair[0] not in apart} <= reached


@given(lots, st.data())
def test_last_in_first_out_is_first_in_first_out_of_the_reverse(held: list[Lot], data: st.DataObject) -> None:
    """A law of the definitions: turning the order of coming round turns the one method into the other."""
    amount = data.draw(st.integers(0, total(held)))
    taken, kept = spent("fifo", held[::-1], amount)

    assert (taken, kept[::-1]) == spent("lifo", held, amount)


def spent(method: str, held: list[Lot], amount: int) -> tuple[list[Lot], list[Lot]]:
    """What a method takes, and what stays."""
    return METHODS[method].spend([replace(lot) for lot in held], amount)


@given(lots, st.data())
def test_paying_in_two_is_paying_at_once(held: list[Lot], data: st.DataObject) -> None:
    """But for haircut, whose parts are rounded: two payments in turn take what one of their sum takes."""
    amount = data.draw(st.integers(0, total(held)))
    first = data.draw(st.integers(0, amount))
    for name in ("fifo", "lifo", "dirty_first", "clean_first"):
        once, _ = spent(name, held, amount)
        one, rest = spent(name, held, first)
        two, _ = spent(name, rest, amount - first)
        assert by_owner(once) == by_owner([*one, *two]), name


def by_owner(taken: list[Lot]) -> dict[tuple[str | None, int], int]:
    """How much is whose."""
    sums: dict[tuple[str | None, int], int] = defaultdict(int)
    for lot in taken:
        sums[(lot.origin, lot.step)] += lot.amount
    return dict(sums)


@given(lots, st.data())
def test_where_all_is_tainted_all_methods_agree(held: list[Lot], data: st.DataObject) -> None:
    """Whose it is may differ, never how much of it is tainted; so too with one lot alone."""
    tainted = [replace(lot, origin=lot.origin or "x") for lot in held]
    for pot in (tainted, held[:1]):
        amount = data.draw(st.integers(0, total(pot)))
        taints = {total(lot for lot in spent(name, pot, amount)[0] if lot.origin is not None) for name in METHODS}
        assert 1 == len(taints)


@given(lots, st.data())
def test_a_spend_takes_what_it_should_and_loses_nothing(held: list[Lot], data: st.DataObject) -> None:
    """Every method takes exactly the amount; taken and kept are what was there, in both units and per origin."""
    amount = data.draw(st.integers(0, total(held)))
    for name, method in METHODS.items():
        pot: list[Lot] = []
        method.enter(pot, [replace(lot) for lot in held])
        taken, kept = spent(name, pot, amount)

        assert (name, total(taken)) == (name, amount)
        for origin in {lot.origin for lot in held}:
            assert _sums(origin, taken, kept) == _sums(origin, held)


def _sums(origin: str | None, *groups: list[Lot]) -> tuple[int, int]:
    mine = [lot for group in groups for lot in group if lot.origin == origin]
    return sum(lot.amount for lot in mine), sum(lot.origin_amount for lot in mine)


@given(lots, st.data())
def test_one_spend_lies_between_clean_first_and_dirty_first(held: list[Lot], data: st.DataObject) -> None:
    """Of one and the same pot no method takes more taint than dirty_first or less than clean_first."""
    amount = data.draw(st.integers(0, total(held)))
    dirty = {name: sum(lot.amount for lot in spent(name, held, amount)[0] if lot.origin) for name in METHODS}

    assert all(dirty["clean_first"] <= taken <= dirty["dirty_first"] for taken in dirty.values())


@given(lots, st.data())
def test_fifo_of_what_came_in_reverse_is_lifo(held: list[Lot], data: st.DataObject) -> None:
    """Last in, first out takes what first in, first out would have taken, had all come in reverse."""
    amount = data.draw(st.integers(0, total(held)))

    assert spent("fifo", held[::-1], amount)[0] == spent("lifo", held, amount)[0]


@given(lots, st.data())
def test_two_payments_in_a_row_carry_what_one_would_have(held: list[Lot], data: st.DataObject) -> None:
    """Under every method but haircut, which rounds at each: cutting a payment in two changes nothing."""
    first, both = sorted(data.draw(st.tuples(*[st.integers(0, total(held))] * 2)))
    for name in METHODS.keys() - {"haircut"}:
        whole, _ = spent(name, held, both)
        one, kept = spent(name, held, first)
        other, _ = spent(name, kept, both - first)
        for origin in {lot.origin for lot in held}:
            assert (name, _sums(origin, whole)[0]) == (name, _sums(origin, one, other)[0])


@given(st.integers(1, 10**20), st.integers(0, 10**20), st.data())
def test_of_a_single_lot_all_methods_take_the_same(amount: int, origin_amount: int, data: st.DataObject) -> None:
    """Where there is nothing to choose they agree."""
    held, part = [Lot(amount, "x", origin_amount)], data.draw(st.integers(0, amount))

    assert all(spent(name, held, part) == spent("fifo", held, part) for name in METHODS)


@given(st.integers(0, 10**30), st.lists(st.integers(0, 10**12), max_size=9))
def test_parts_add_up(amount: int, weights: list[int]) -> None:
    """Running totals divide an amount completely, and give no part more than its weight while there is enough."""
    divided = parts(amount, weights)

    assert sum(divided) == (amount if sum(weights) else 0)
    assert amount > sum(weights) or all(part <= weight for part, weight in zip(divided, weights, strict=True))


@given(lots, st.data())
def test_dealing_gives_every_receiver_its_amount(held: list[Lot], data: st.DataObject) -> None:
    """Every lot is shared, every receiver gets exactly what it received, and nothing is lost in either unit."""
    marks = sorted(data.draw(st.lists(st.integers(0, total(held)), max_size=4)))
    amounts = [high - low for low, high in zip([0, *marks], [*marks, total(held)], strict=True)]
    dealt = deal([replace(lot) for lot in held], amounts)

    assert [total(share) for share in dealt] == amounts
    assert sum(lot.origin_amount for share in dealt for lot in share) == sum(lot.origin_amount for lot in held)


@given(st.lists(lots, min_size=1, max_size=3), st.lists(st.integers(0, 10**9), min_size=1, max_size=3))
def test_converting_keeps_origin_amounts(paid: list[list[Lot]], received: list[int]) -> None:
    """What was received is made of the lots paid; origin amounts are kept, what becomes nothing is named."""
    made, lost = convert(paid, received)

    assert [total(some) for some in made] == received
    for origin in "xyz":
        before = sum(lot.origin_amount for some in paid for lot in some if lot.origin == origin)
        after = sum(lot.origin_amount for some in [*made, lost] for lot in some if lot.origin == origin)
        assert before == after


# --- bundled users ----------------------------------------------------------------------------------------------------

Moves = list[tuple[Address, Address | None, object, int, Kind]]
DEEDS = ["pay", "route", "swap", "swap to a friend", "deposit", "fee", "swap with a fee taker", "wrap"]


def deed(kind: str, user: str, amount: int) -> Moves:
    """What one user does in a bundle; `mart` and `pool` are labelled venues, `gas` is the paymaster of all."""

    def move(sender: str, recipient: str, symbol: str, some: int) -> tuple[Address, Address, object, int, Kind]:
        native = Kind.NATIVE if symbol == "ETH" else Kind.TOKEN
        return (place(sender), place(recipient), asset(symbol), some, native)

    router, friend, taker = f"{user}r", f"{user}f", f"{user}t"
    return {
        "pay": [move(user, friend, "USDT", amount)],
        "route": [
            move(user, router, "USDT", amount + 1),
            move(router, friend, "USDT", amount),
            move(router, "gas", "USDT", 1),
        ],
        "swap": [move(user, "pool", "USDT", amount), move("pool", user, "DAI", amount)],
        "swap to a friend": [move(user, "pool", "USDT", amount), move("pool", friend, "DAI", amount)],
        "deposit": [move(user, "mart", "USDT", amount)],
        "fee": [move(user, "gas", "USDC", 3), move("gas", "bundler", "ETH", 2)],
        "swap with a fee taker": [
            move(user, router, "USDC", amount),
            move(router, "mart", "USDC", amount),
            move("mart", user, "DAI", amount),
            move("mart", taker, "DAI", 1),
        ],
        "wrap": [move(user, "weth", "ETH", amount)],
    }[kind]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(DEEDS), min_size=1, max_size=4),
    st.lists(st.sampled_from(DEEDS), min_size=1, max_size=4),
    st.lists(st.integers(1, 50), min_size=8, max_size=8),
)
def test_bundled_users_never_mix(ones: list[str], others: list[str], some: list[int]) -> None:
    """Two users in one transaction who share only venues and a paymaster: neither's money reaches the other's side."""
    moves: Moves = []
    for user, deeds in (("ua", ones), ("ub", others)):
        for kind, amount in zip(deeds, some, strict=False):
            moves += deed(kind, user, amount)
    bundle: Transaction = moved(1, moves)  # type: ignore[arg-type]
    venues = [Label(place(name), name, Category.DEX, 1, "t") for name in ("mart", "pool")]  # type: ignore[arg-type]
    flow = Flow([OriginSpec(place("ua")), OriginSpec(place("ub"))], Labels(venues))
    ends = {end for t in bundle.transfers for end in (t.sender, t.recipient) if end}
    flow.feed([bundle], ends)

    for book in flow.fold().books.values():
        for (address, _, origin), (amount, _) in book.came().items():
            owner = next(
                (user for user in ("ua", "ub") if address in {place(user + end) for end in ("", "r", "f", "t")}), None
            )
            assert not amount or owner is None or f":{place(owner).text}:" in origin
