"""What bridges say of money that crossed: read from their events, joined exactly, and never believed from one side."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from tests.detect import bridge_logs as said
from tests.makers import BITCOIN, transaction, transfer, tx_hash
from tracer.chains import zero_address
from tracer.detect import bridges
from tracer.detect.bridges import pairing as reasons
from tracer.detect.bridges.cctp import DOMAINS
from tracer.model import NATIVE, OP_RETURN, Address, AssetId, Crossing, Kind, Log, Transaction

ETHEREUM, BASE, BSC = "eip155:1", "eip155:8453", "eip155:56"
HEIR, LENDER, OTHER = ("0x" + digit * 40 for digit in "789")
PAYER = said.at(ETHEREUM, said.PAYER)
SPOKE, SPOKE_BASE = said.at(ETHEREUM, said.SPOKES["ethereum"]), said.at(BASE, said.SPOKES["base"])
ROUTER, ROUTER_BSC = said.at(ETHEREUM, said.ROUTER), said.at(BSC, said.ROUTER_BSC)
USDC, DOLLAR = AssetId(ETHEREUM, said.USDC), AssetId(BASE, said.USDC_BASE)
THERE, FROM = said.at(BASE, HEIR), said.at(BASE, LENDER)
COIN = AssetId(BITCOIN, NATIVE)
SATS = Address(BITCOIN, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
TAKEN = said.deposited(8453, 7, 100, 99, HEIR)
VAULT = Address(BITCOIN, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")


def crossed(logs: list[Log], *history: Transaction) -> list[Crossing]:
    """What of these transactions crossed, by these logs."""
    return bridges.crossings(bridges.joins(logs), {(one.chain, one.tx_hash): one for one in history})


def paid(amount: int, *, into: Address = SPOKE, tx: int = 1, asset: AssetId = USDC) -> Transaction:
    """The payer's money goes to a bridge on ethereum."""
    kind = Kind.NATIVE if asset.contract == NATIVE else Kind.TOKEN
    return transaction(transfer(PAYER, into, amount, tx=tx, asset=asset, kind=kind), tx=tx, chain=ETHEREUM)


def got(amount: int, *, to: Address = THERE, by: Address | None = FROM, tx: int = 2) -> Transaction:
    """Somebody gets dollars on base."""
    return transaction(transfer(by, to, amount, tx=tx, asset=DOLLAR), tx=tx, chain=BASE)


def ids(*history: Transaction) -> list[str]:
    """Of the first transfer of each."""
    return [one.transfers[0].id for one in history]


def test_topics_are_those_of_the_signatures() -> None:
    """Every event's topic is the keccak-256 of its signature; a bitcoin memo is no event."""
    for protocol in bridges.PROTOCOLS.values():
        for signature, (topic, _) in protocol.events.items():
            assert topic == (OP_RETURN if signature == OP_RETURN else f"0x{keccak(text=signature).hex()}")
    assert {ETHEREUM, BASE, "eip155:10", "eip155:137", "eip155:42161", "eip155:43114"} == set(DOMAINS.values())


def test_no_contract_speaks_for_two_bridges() -> None:
    """A contract is one protocol's, and so is what holds money."""
    places = [place for one in bridges.PROTOCOLS.values() for place in one.contracts]
    holds = [place for one in bridges.PROTOCOLS.values() for place in one.holds]

    assert len(set(places)) == len(places)
    assert len(bridges.HOLDS) == len(holds)


@pytest.mark.parametrize(
    "logs",
    [
        [said.deposited(8453, 7, 100, 99, HEIR), said.filled(7, 100, 99, HEIR)],
        [said.deposited_before(7, 100, 99, HEIR), said.filled_before(7, 100, 99, HEIR)],
    ],
)
def test_across(logs: list[Log]) -> None:
    """A deposit and the fill with the same terms, in today's events and in those before 2025."""
    here, there = paid(100), got(99)

    assert [Crossing("across", "1:7", *ids(here, there), THERE)] == crossed(logs, here, there)


def test_across_pays_another_where_the_depositor_signed_for_it() -> None:
    """A fill tells whom it paid how much in the end."""
    elsewhere = said.at(BASE, OTHER)
    here, there = paid(100), got(95, to=elsewhere)
    logs = [said.deposited(8453, 7, 100, 99, HEIR), said.filled(7, 100, 99, HEIR, 95, OTHER)]

    assert [Crossing("across", "1:7", *ids(here, there), elsewhere)] == crossed(logs, here, there)


def test_across_takes_ether_for_its_wrapped_coin() -> None:
    """A deposit of WETH that was paid in ether: the ether is what went in."""
    weth = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
    log = said.deposited(8453, 7, 100, 99, HEIR)
    log = replace(log, data=log.data.replace(said.word(said.USDC).hex(), said.word(weth).hex(), 1))
    here = paid(100, asset=AssetId(ETHEREUM, NATIVE))

    (one,) = crossed([log], here)
    assert (here.transfers[0].id, None, reasons.OPEN) == (one.out, one.into, one.why)


@pytest.mark.parametrize(
    "forged",
    [
        said.filled(7, 100, 1, HEIR),
        said.filled(7, 100, 99, OTHER),
        said.filled(7, 99, 99, HEIR),
        said.filled(8, 100, 99, HEIR),
        said.filled(7, 100, 99, HEIR, output=said.USDC),
    ],
)
def test_a_fill_of_other_terms_is_nobodys(forged: Log) -> None:
    """Anyone may fill what was never deposited: one that differs in any term is not the deposit's payout."""
    here, there = paid(100), got(99)
    open_ = Crossing("across", "1:7", here.transfers[0].id, None, THERE, reasons.OPEN)

    assert [open_] == crossed([said.deposited(8453, 7, 100, 99, HEIR), forged], here, there)


def test_the_true_fill_is_found_beside_a_forged_one() -> None:
    """What is not the payout hides none."""
    here, there = paid(100), got(99)
    logs = [said.deposited(8453, 7, 100, 99, HEIR), said.filled(7, 100, 1, HEIR, tx=3), said.filled(7, 100, 99, HEIR)]

    assert [there.transfers[0].id] == [one.into for one in crossed(logs, here, there)]


def test_cctp() -> None:
    """What was burned, by the number of its message: the burn is what went in, the mint is what came out."""
    minter, zero = said.at(ETHEREUM, said.MINTER), zero_address(ETHEREUM)
    in_, burn = transfer(PAYER, minter, 100, tx=1, asset=USDC), transfer(minter, zero, 100, tx=1, asset=USDC)
    there = got(100, by=zero_address(BASE))
    logs = [said.burned(5, 100, HEIR), said.minted(5, 100, HEIR), said.minted(6, 100, HEIR, tx=3)]

    whole = transaction(in_, burn, tx=1, chain=ETHEREUM)
    assert [Crossing("cctp", "0:5", burn.id, *ids(there), THERE)] == crossed(logs, whole, there)
    seen_by_its_payer = transaction(in_, tx=1, chain=ETHEREUM)
    assert [Crossing("cctp", "0:5", in_.id, *ids(there), THERE)] == crossed(logs, seen_by_its_payer, there)


def test_cctp_of_version_2() -> None:
    """The message joins both sides; the recipient got it less the fee; a person reads the attested number."""
    minter = said.at(ETHEREUM, said.MINTER2)
    here, there = paid(100, into=minter), got(99, by=zero_address(BASE))
    logs = [said.burned2(100, HEIR, hook=b"h" * 40), said.minted2(9, 100, HEIR, hook=b"h" * 40)]

    assert [Crossing("cctp2", f"{9:064x}", *ids(here, there), THERE)] == crossed(logs, here, there)
    assert [None] == [one.into for one in crossed([logs[0], said.minted2(9, 100, HEIR)], here, there)]


def test_a_message_of_anybody_else_mints_nothing() -> None:
    """The same words, sent by another contract than Circle's messenger, are no message of its."""
    assert [] == bridges.messages([said.minted2(9, 100, HEIR, by=OTHER)])


def test_equal_burns_are_minted_in_turn() -> None:
    """Two equal burns of version 2: the first is the first mint, the second is not minted yet."""
    minter = said.at(ETHEREUM, said.MINTER2)
    first, second, there = (
        paid(100, into=minter),
        paid(100, into=minter, tx=3),
        got(99, by=zero_address(BASE), tx=5),
    )
    logs = [said.burned2(100, HEIR, tx=3), said.burned2(100, HEIR), said.minted2(9, 100, HEIR, tx=5)]

    assert [(first.transfers[0].id, there.transfers[0].id), (second.transfers[0].id, None)] == [
        (one.out, one.into) for one in crossed(logs, first, second, there)
    ]


def test_two_equal_deposits_of_one_transaction_are_two_transfers() -> None:
    """Each crossing has a transfer of its own."""
    one, two = (transfer(PAYER, SPOKE, 100, tx=1, asset=USDC, n=n) for n in (0, 1))
    logs = [said.deposited(8453, number, 100, 99, HEIR, index=number) for number in (7, 8)]

    found = crossed(logs, transaction(one, two, tx=1, chain=ETHEREUM))
    assert [("1:7", one.id), ("1:8", two.id)] == [(each.key, each.out) for each in found]


def test_thorchain_between_two_evm_chains() -> None:
    """The payout's memo names the payment's transaction, and pays whom the payment's memo names."""
    key = tx_hash(1)[2:]
    to = said.at(BSC, HEIR)
    coin = AssetId(BSC, NATIVE)
    here = paid(100, into=ROUTER)
    out = transfer(ROUTER_BSC, to, 5, tx=2, asset=coin, kind=Kind.INTERNAL)
    there = transaction(out, tx=2, chain=BSC)
    logs = [said.swapped(f"=:BSC.BNB:{HEIR}:0/1/0:t:10", 100), said.sent(f"OUT:{key.upper()}", HEIR, 5)]

    assert [Crossing("thorchain", key, here.transfers[0].id, out.id, to)] == crossed(logs, here, there)
    elsewhere = [logs[0], said.sent(f"OUT:{key}", OTHER, 5)]
    assert [reasons.OPEN] == [one.why for one in crossed(elsewhere, here, there)]


@pytest.mark.parametrize("memo", ["SWAP:BTC.BTC:{}", "s:b:{}:1000", "=:BTC.BTC:{}/0x12:5/3/2:t:10"])
def test_thorchain_to_bitcoin(memo: str) -> None:
    """The payout is a bitcoin transaction whose own memo names the payment; the output to the named address is it."""
    here = paid(100, into=ROUTER)
    coin = transfer(VAULT, None, 1000, tx=2, asset=COIN, kind=Kind.INPUT, n=0, index=0, outpoint="ab:0")
    out = transfer(None, SATS, 700, tx=2, asset=COIN, kind=Kind.OUTPUT, n=0, index=0)
    change = transfer(None, VAULT, 290, tx=2, asset=COIN, kind=Kind.OUTPUT, n=1, index=1)
    bitcoin = tx_hash(2)[2:]
    there = replace(transaction(coin, out, change, tx=2, chain=BITCOIN), tx_hash=bitcoin)
    logs = [said.swapped(memo.format(SATS.text), 100), said.noted(f"OUT:{tx_hash(1)[2:].upper()}", tx=2)]

    assert [(out.id, SATS)] == [(one.into, one.recipient) for one in crossed(logs, here, there)]


def test_thorchain_from_bitcoin() -> None:
    """The first output of a bitcoin transaction that says what is wanted is what went to the vault."""
    coin = transfer(SATS, None, 1000, tx=1, asset=COIN, kind=Kind.INPUT, n=0, index=0, outpoint="ab:0")
    vault = transfer(None, VAULT, 600, tx=1, asset=COIN, kind=Kind.OUTPUT, n=0, index=0)
    change = transfer(None, SATS, 390, tx=1, asset=COIN, kind=Kind.OUTPUT, n=1, index=1)
    here = replace(transaction(coin, vault, change, tx=1, chain=BITCOIN), tx_hash=tx_hash(1)[2:])
    to = said.at(BSC, HEIR)
    out = transfer(ROUTER_BSC, to, 5, tx=2, asset=AssetId(BSC, NATIVE), kind=Kind.INTERNAL)
    logs = [said.noted(f"=:s:{HEIR}"), said.sent(f"OUT:{tx_hash(1)[2:].upper()}", HEIR, 5)]

    found = crossed(logs, here, transaction(out, tx=2, chain=BSC))
    assert [Crossing("thorchain", tx_hash(1)[2:], vault.id, out.id, to)] == found


@pytest.mark.parametrize(
    ("logs", "why"),
    [
        ([said.deposited(8453, 7, 100, 99, HEIR)], reasons.OPEN),
        ([said.deposited(999, 7, 100, 99, HEIR)], reasons.NOBODY),
        ([said.deposited(8453, 7, 100, 99, HEIR), said.filled(7, 100, 99, HEIR, tx=9)], reasons.UNREAD),
        ([said.deposited(8453, 7, 100, 98, HEIR), said.filled(7, 100, 98, HEIR)], reasons.NO_PAYOUT),
        (
            [said.deposited(8453, 7, 100, 99, HEIR), *[said.filled(7, 100, 99, HEIR, tx=n) for n in (2, 3)]],
            reasons.SEVERAL,
        ),
    ],
)
def test_what_does_not_fit_is_named(logs: list[Log], why: str) -> None:
    """No payout, one that is not read, one that no transfer is, or two: it is not followed, and why is told."""
    here, there = paid(100), got(99)

    assert [(None, why)] == [(one.into, one.why) for one in crossed(logs, here, there)]


@pytest.mark.parametrize(
    "log",
    [
        replace(said.deposited(8453, 7, 100, 99, HEIR), data="0x"),
        replace(said.deposited(8453, 7, 100, 99, HEIR), topics=said.deposited(8453, 7, 100, 99, HEIR).topics[:2]),
        replace(said.deposited(8453, 7, 100, 99, HEIR), contract=said.at(ETHEREUM, OTHER)),
        replace(said.deposited(8453, 7, 100, 99, HEIR), topics=()),
        replace(said.minted(5, 100, HEIR), data=said.minted(5, 100, HEIR).data[:-400]),
        said.swapped("+:BTC.BTC:thor1", 100),
        said.swapped("=:BTC.BTC", 100),
        said.sent("MIGRATE:17", HEIR, 5),
        said.sent("OUT:nothing", HEIR, 5),
        said.noted("hello world"),
    ],
)
def test_what_is_no_message_says_nothing(log: Log) -> None:
    """Other contracts, other memos, and logs that are not as documented stop nothing and join nothing."""
    assert [] == bridges.messages([log])


def test_who_may_have_met_a_bridge() -> None:
    """A payment to what a bridge holds money in, or a bitcoin output without an address."""
    note = transfer(None, None, 0, asset=COIN, kind=Kind.OUTPUT, n=2)

    assert [True, True, False] == [bridges.met([one]) for one in (paid(100), transaction(note, chain=BITCOIN), got(99))]
