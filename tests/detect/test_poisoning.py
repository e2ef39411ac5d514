"""Transfers that are none of value, and those that look like it and are."""

import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from tracer.chains import parse_address, parse_asset, zero_address
from tracer.detect.poisoning import Drop, dropped, thefts
from tracer.model import Address, AssetId, Kind, Transaction, Transfer

ETH = "eip155:1"
TRON = "tron:728126428"
START = datetime(2024, 3, 1, tzinfo=UTC)
USDT = parse_asset(ETH, "0xdac17f958d2ee523a2206206994597c13d831ec7")
NATIVE = parse_asset(ETH, "native")
FAKE = parse_asset(ETH, "0x" + "f" * 40)
OTHER = parse_asset(ETH, "0x" + "e" * 40)


def at(text: str) -> Address:
    """An Ethereum address that begins with `text` before the dots and ends with that after them."""
    first, _, last = text.partition("..")
    return parse_address(ETH, "0x" + first + "0" * (40 - len(first) - len(last)) + last)


VICTIM, PAYEE, ALIKE, THIEF, STRANGER = at("1..1"), at("abc..1234"), at("abcdd..1234"), at("7..7"), at("9..9")


class Chain:
    """A small history: each call adds one transaction a minute after the last."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []

    def tx(self, *moves: tuple, initiator: Address | None = None, ok: bool = True, minutes: int = 1) -> list[str]:
        """One transaction of (kind, asset, amount, sender, recipient) moves; gives the ids of its transfers."""
        number = len(self.transactions)
        before = self.transactions[-1].at if self.transactions else START
        transfers = tuple(
            Transfer(f"{number}:{place}", Kind(kind), asset, amount, sender, recipient)
            for place, (kind, asset, amount, sender, recipient) in enumerate(moves)
        )
        moment = before + timedelta(minutes=minutes)
        self.transactions.append(
            Transaction(ETH, f"0x{number:064x}", moment, number, 0, initiator, ok=ok, transfers=transfers)
        )
        return [transfer.id for transfer in transfers]

    def pay(self, amount: int, sender: Address, recipient: Address, asset: AssetId = USDT, **how: object) -> str:
        """One transfer that its sender initiated."""
        return self.tx(("token", asset, amount, sender, recipient), **{"initiator": sender, **how})[0]  # type: ignore

    def dropped(self, *read: Address, symbols: dict[AssetId, str] | None = None) -> dict[str, str]:
        """What does not count, reading the given addresses."""
        return dropped(self.transactions, symbols or {}, set(read))


def test_zero_and_failed() -> None:
    """Zero amounts and everything in a failed transaction are dropped, but a fee is real."""
    chain = Chain()
    zero = chain.pay(0, VICTIM, PAYEE)
    moved, fee = chain.tx(("native", NATIVE, 5, VICTIM, PAYEE), ("fee", NATIVE, 1, VICTIM, None), ok=False)
    chain.pay(5, VICTIM, PAYEE)

    assert chain.dropped() == {zero: "zero_amount", moved: "failed"}
    assert fee not in chain.dropped()


def test_mimicry_by_symbol() -> None:
    """A token that calls itself USDT with look-alike letters is dropped, whoever sent it; the real one is not."""
    chain = Chain()
    fake = chain.pay(10, VICTIM, PAYEE, FAKE)
    chain.pay(10, VICTIM, PAYEE)

    assert chain.dropped(symbols={FAKE: "UЅDТ", USDT: "USDT"}) == {fake: "mimics_verified"}


def test_value_identifiers_are_no_tokens() -> None:
    """Data that carries values only is never taken for an unlisted token or a mimic."""
    chain = Chain()
    usd = parse_asset(ETH, "usd")
    chain.tx(("token", usd, 10, STRANGER, VICTIM), initiator=THIEF)

    assert chain.dropped(VICTIM, symbols={usd: "USDT"}) == {}


def test_unsolicited_token() -> None:
    """An unlisted token in a transaction of somebody who neither sent nor bought it is dropped."""
    chain = Chain()
    forged = chain.tx(("token", FAKE, 10, VICTIM, THIEF), initiator=THIEF)
    airdrop = chain.tx(("token", FAKE, 10, STRANGER, VICTIM), initiator=THIEF)

    assert chain.dropped() == {forged[0]: "unlisted_unsolicited", airdrop[0]: "unlisted_unsolicited"}


def test_unlisted_token_sent_or_bought() -> None:
    """An unlisted token that its initiator sent, or got for another asset, counts, at every step of the transaction."""
    chain = Chain()
    chain.tx(("token", FAKE, 10, VICTIM, STRANGER), ("token", FAKE, 10, STRANGER, PAYEE), initiator=VICTIM)
    chain.tx(
        ("native", NATIVE, 3, VICTIM, STRANGER),
        ("token", FAKE, 10, THIEF, STRANGER),
        ("token", FAKE, 10, STRANGER, VICTIM),
        initiator=VICTIM,
    )

    assert chain.dropped() == {}


def test_gas_is_no_purchase() -> None:
    """Paying only the fee of a claim does not make the token bought."""
    chain = Chain()
    claimed, _ = chain.tx(("token", FAKE, 10, STRANGER, VICTIM), ("fee", NATIVE, 1, VICTIM, None), initiator=VICTIM)

    assert chain.dropped() == {claimed: "unlisted_unsolicited"}


def test_two_unlisted_tokens_exchanged() -> None:
    """One unlisted token sold for another is an exchange of both."""
    chain = Chain()
    chain.tx(("token", FAKE, 10, VICTIM, STRANGER), ("token", OTHER, 7, STRANGER, VICTIM), initiator=VICTIM)

    assert chain.dropped() == {}


def test_unlisted_token_of_unknown_initiator() -> None:
    """Where nobody says who initiated (files), an unlisted token is followed."""
    chain = Chain()
    chain.tx(("token", FAKE, 10, VICTIM, THIEF))

    assert chain.dropped() == {}


def test_lookalike_dust() -> None:
    """Dust from an address that looks like the one just paid is dropped; the payments are not."""
    chain = Chain()
    chain.pay(10_000, VICTIM, PAYEE)
    dust = chain.pay(99, ALIKE, VICTIM)
    not_dust = chain.pay(100, at("abce..1234"), VICTIM)

    assert chain.dropped(VICTIM) == {dust: "lookalike_dust"}
    assert not_dust not in chain.dropped(VICTIM)


def test_outbound_dust_by_another() -> None:
    """Dust that a third party moved out of the address is dropped too."""
    chain = Chain()
    chain.pay(10_000, VICTIM, PAYEE)
    dust = chain.tx(("token", USDT, 1, VICTIM, ALIKE), initiator=THIEF)[0]

    assert chain.dropped(VICTIM) == {dust: "lookalike_dust"}


@pytest.mark.parametrize("amount", [1, 10_000])
def test_payment_to_the_lookalike_is_a_theft(amount: int) -> None:
    """What the victim itself then pays to the look-alike is never dropped, and does not hide its later dust's past."""
    chain = Chain()
    chain.pay(10_000, VICTIM, PAYEE)
    dust = chain.pay(1, ALIKE, VICTIM)
    chain.pay(amount, VICTIM, ALIKE)

    assert chain.dropped(VICTIM) == {dust: "lookalike_dust"}


def test_real_payee_stays_real() -> None:
    """After a large payment to the look-alike a small one from the true payee still counts."""
    chain = Chain()
    chain.pay(100, VICTIM, PAYEE)
    chain.pay(100_000, VICTIM, ALIKE)
    chain.pay(5, PAYEE, VICTIM)

    assert chain.dropped(VICTIM) == {}


@pytest.mark.parametrize(
    ("other", "asset"), [(at("abd..1234"), USDT), (at("abc..1235"), USDT), (ALIKE, NATIVE), (PAYEE, USDT)]
)
def test_no_lookalike(other: Address, asset: AssetId) -> None:
    """Two leading or three trailing digits, another asset, or the payee itself are no look-alike."""
    chain = Chain()
    chain.pay(10_000, VICTIM, PAYEE)
    chain.pay(1, other, VICTIM, asset)

    assert chain.dropped(VICTIM) == {}


def test_only_read_addresses_are_judged() -> None:
    """At an address that was not read nothing is known of its payees, so nothing is dust."""
    chain = Chain()
    chain.pay(10_000, VICTIM, PAYEE)
    chain.pay(1, ALIKE, VICTIM)

    assert chain.dropped(PAYEE, ALIKE) == {}


@pytest.mark.parametrize(
    ("between", "minutes", "found"), [(19, 200, True), (20, 200, False), (40, 1, True), (1, 2000, True)]
)
def test_window(between: int, minutes: int, found: bool) -> None:
    """A payee is remembered for 20 transactions or 24 hours, whichever is longer."""
    chain = Chain()
    chain.pay(10_000, VICTIM, PAYEE)
    for _ in range(between):
        chain.pay(3, VICTIM, STRANGER, minutes=minutes)
    dust = chain.pay(1, ALIKE, VICTIM)

    assert (dust in chain.dropped(VICTIM)) is found


def test_flood_does_not_push_the_payee_out() -> None:
    """Transactions that were dropped do not count among the last twenty."""
    chain = Chain()
    chain.pay(10_000, VICTIM, PAYEE)
    flood = [chain.pay(1, at(f"abc{number:02x}..1234"), VICTIM, minutes=300) for number in range(1, 60)]

    assert chain.dropped(VICTIM) == dict.fromkeys(flood, "lookalike_dust")


def test_tron_lookalike() -> None:
    """On TRON the last four letters are compared."""
    victim = parse_address(TRON, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
    payee, alike = (
        Address(TRON, "TAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwxyz"),
        Address(TRON, "TBBBBBBBBBBBBBBBBBBBBBBBBBBBBBwxyz"),
    )
    native = parse_asset(TRON, "native")
    history = [
        Transaction(TRON, "01", START, 1, transfers=(Transfer("a", Kind.NATIVE, native, 1000, victim, payee),)),
        Transaction(TRON, "02", START, 2, transfers=(Transfer("b", Kind.NATIVE, native, 1, alike, victim),)),
    ]

    assert dropped(history, {}, {victim}) == {"b": "lookalike_dust"}


def test_mint_is_no_lookalike() -> None:
    """Mint and burn have no counterparty that anyone reads."""
    zero = zero_address(ETH)
    assert zero is not None
    chain = Chain()
    chain.pay(10_000, VICTIM, at("000..0000"))
    chain.pay(1, zero, VICTIM)

    assert chain.dropped(VICTIM) == {}


def test_pure_of_the_set() -> None:
    """Any order of the same transactions gives the same answer."""
    chain = _crowd(400, random.Random(7))
    symbols = {OTHER: "USDT"}
    expected = chain.dropped(VICTIM, PAYEE, symbols=symbols)

    assert set(expected.values()) == {drop.value for drop in Drop}
    for seed in range(5):
        random.Random(seed).shuffle(chain.transactions)
        assert chain.dropped(VICTIM, PAYEE, symbols=symbols) == expected


def test_speed() -> None:
    """Thirty thousand transactions at one address, many of one look, take seconds at most."""
    chain = _crowd(30_000, random.Random(1))
    begin = time.perf_counter()
    found = chain.dropped(VICTIM, PAYEE)

    assert found
    assert time.perf_counter() - begin < 8


def _crowd(count: int, chance: random.Random) -> Chain:
    """A busy address with every kind of noise."""
    chain = Chain()
    known = [at(f"{number:03x}..{number:04x}") for number in range(40)]
    for _ in range(count):
        payee = chance.choice(known)
        match chance.randrange(6):
            case 0:
                chain.pay(chance.randrange(3), at((payee.text[2:5] + "5.." + payee.text[-4:]).lower()), VICTIM)
            case 1:
                chain.tx(("token", FAKE, 5, STRANGER, VICTIM), initiator=THIEF)
            case 2:
                chain.tx(("native", NATIVE, 5, STRANGER, VICTIM), initiator=STRANGER, ok=chance.random() < 0.5)
            case _:
                chain.pay(chance.randrange(1, 100_000), VICTIM, payee)
    chain.pay(9, VICTIM, PAYEE, OTHER)
    return chain


def test_a_payment_to_a_look_alike_is_a_theft_and_counts() -> None:
    """Who pays a stranger that looks like a payee was deceived; a payment to the payee is none."""
    chain = Chain()
    chain.pay(1000, VICTIM, PAYEE)
    stolen = chain.pay(900, VICTIM, ALIKE)
    chain.pay(1000, VICTIM, PAYEE)
    chain.pay(10, STRANGER, ALIKE)

    assert {stolen: PAYEE} == thefts(chain.transactions, {}, {VICTIM, STRANGER})
    assert {} == chain.dropped(VICTIM)


def test_money_moved_in_somebodys_name_is_no_theft_of_theirs() -> None:
    """What a contract sent out for an address, initiated by another, was not copied from a history."""
    chain = Chain()
    chain.pay(1000, VICTIM, PAYEE)
    chain.pay(900, VICTIM, ALIKE, initiator=STRANGER)

    assert {} == thefts(chain.transactions, {}, {VICTIM})
