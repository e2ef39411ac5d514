"""The transfers CSV: what is refused and why, and what good rows become."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import base58
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers import BITCOIN, ETHEREUM, tx_hash
from tests.sources.lines import (
    BAD_TRANSFERS,
    COIN,
    FIRST,
    TRON,
    TRON_USDT,
    USDT,
    Row,
    coin,
    hexed,
    raw,
    text,
    transfer,
)
from tracer.chains import parse_address
from tracer.model import Address, Asset, AssetId, Kind, Transaction, Transfer
from tracer.sources.files import TransferFile, read_transfers

FEE = {"kind": "fee", "asset": "native", "symbol": "ETH", "decimals": "18", "recipient": ""}


def read(*rows: Row, columns: Iterable[str] | None = None) -> TransferFile:
    """What a file of these rows says."""
    return read_transfers(raw(text(*rows, columns=columns)))


def good(*rows: Row, columns: Iterable[str] | None = None) -> list[Transaction]:
    """The transactions of a file in which no row is refused."""
    told = read(*rows, columns=columns)
    assert told.refused.rows == []
    return list(told.transactions())


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "reason"), BAD_TRANSFERS.values(), ids=BAD_TRANSFERS)
def test_a_bad_row_is_refused_by_line_and_reason(row: Row, reason: str) -> None:
    """The row's line and what is wrong are named, in one line of plain text, and the other row is read."""
    told = read(FIRST, row)
    ((line, why),) = ((bad.line, bad.reason) for bad in told.refused.rows)
    assert line == 3
    assert reason in why
    assert why.isprintable()
    assert [len(t.transfers) for t in told.transactions()] == [1]


def test_a_refused_row_leaves_no_trace() -> None:
    """Neither its transaction's facts, nor its asset, nor its decimals are remembered against later rows."""
    bad = transfer(amount="x", asset=hexed(9), decimals="3", block="1")
    told = read(bad, transfer(asset=hexed(9), decimals="8"))
    assert [row.line for row in told.refused.rows] == [2]
    assert [(asset.decimals, asset.id.contract) for asset in told.assets] == [
        (8, parse_address(ETHEREUM, hexed(9)).text)
    ]


def test_rows_that_differ_on_an_assets_decimals_name_each_other() -> None:
    """An unlisted token cannot have 6 decimals in one row and 18 in another."""
    told = read(transfer(asset=hexed(9), decimals="6"), transfer(asset=hexed(9), decimals="18", tx_hash=tx_hash(2)))
    assert told.refused.rows[0].reason == "decimals 18: line 2 says 6 of the same asset"


def test_a_position_of_a_bitcoin_transaction_is_taken_once() -> None:
    """A second output 0 would be the same output, not another movement; input 0 is another place."""
    spent = coin(kind="input", sender=COIN, recipient="", outpoint=f"{tx_hash(5)[2:]}:1")
    told = read(coin(), spent, coin(), coin(amount="9"))
    assert [(row.line, "stands at line 2" in row.reason) for row in told.refused.rows] == [(4, True), (5, True)]


def test_a_thousand_bad_rows_are_listed_and_all_are_counted() -> None:
    """The list is bounded, the count is not."""
    told = read(*[transfer(amount="x")] * 1500)
    assert (len(told.refused.rows), told.refused.total, told.rows) == (1000, 1500, 1500)


def test_a_reason_quotes_little_of_what_it_refuses() -> None:
    """A cell of a megabyte does not make a message of a megabyte."""
    told = read(FIRST, transfer(chain="x" * 900_000), transfer(sender="y" * 900_000))
    assert [len(row.reason) < 600 for row in told.refused.rows] == [True, True]


def test_a_transaction_that_lost_a_row_is_named() -> None:
    """Skipping a row cuts its transaction, which the caller must be able to say; whole losses are just refused."""
    told = read(FIRST, transfer(amount="x"), transfer(amount="x"), transfer(tx_hash=tx_hash(2), amount="x"))
    assert (told.refused.total, told.cut.total) == (3, 1)
    assert told.cut.rows[0].line == 3
    assert f"{ETHEREUM}:{tx_hash(1)} is kept without" in told.cut.rows[0].reason


# --- read -------------------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_transfer_in_its_one_form() -> None:
    """Alias, lower case, offset and capitals of a hash end in one form; the transaction is ok, and not known whole."""
    (found,) = good(
        transfer(chain="Ethereum", tx_hash="0x" + "AB" * 32, time="2024-01-13T12:00:11.5+02:00", asset=USDT.lower())
    )
    sender, recipient = parse_address(ETHEREUM, hexed(1)), parse_address(ETHEREUM, hexed(2))
    name = f"{ETHEREUM}:0x{'ab' * 32}:token:{USDT}:{sender.text}:{recipient.text}:1000:0"
    assert found == Transaction(
        chain=ETHEREUM,
        tx_hash="0x" + "ab" * 32,
        at=datetime(2024, 1, 13, 10, 0, 11, 500_000, tzinfo=UTC),
        block=19_000_000,
        tx_index=7,
        transfers=(Transfer(name, Kind.TOKEN, AssetId(ETHEREUM, USDT), 1000, sender, recipient),),
    )


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent() -> None:
    """Position says nothing, the header does."""
    needed = ["amount", "symbol", "asset", "recipient", "sender", "kind", "time", "block", "tx_hash", "chain"]
    (found,) = good(transfer(tx_index="", decimals=""), columns=needed)
    assert (found, found.tx_index) == (good(transfer(tx_index=""))[0], None)


def test_the_payer_of_a_fee_is_the_initiator() -> None:
    """A fee row tells the initiator of its transaction even where no row names one."""
    (found,) = good(FIRST, transfer(**FEE, amount="21"))
    assert found.initiator == parse_address(ETHEREUM, hexed(1))
    assert [(t.kind, t.recipient) for t in found.transfers][0] == (Kind.FEE, None)


def test_rows_of_a_transaction_complete_each_other() -> None:
    """What one row leaves empty another may say, wherever the rows stand in the file."""
    rows = [transfer(tx_index=""), transfer(tx_hash=tx_hash(2)), transfer(tx_index="7", initiator=hexed(3))]
    first, second = good(*rows)
    assert (first.tx_index, first.initiator, len(first.transfers)) == (7, parse_address(ETHEREUM, hexed(3)), 2)
    assert second.tx_hash == tx_hash(2)


def test_equal_rows_are_movements_of_their_own_and_reported() -> None:
    """A row equal in every column counts, as n = 1; one that differs in its index counts too, and is no news."""
    told = read(transfer(index="3"), transfer(index="3"), transfer(index="5"))
    (found,) = told.transactions()
    assert [(t.id[-2:], t.index) for t in found.transfers] == [(":0", 3), (":1", 3), (":2", 5)]
    assert [(row.line, "equal to line 2" in row.reason) for row in told.repeated.rows] == [(3, True)]


def test_equal_movements_in_two_transactions_are_no_repetition() -> None:
    """n counts inside one transaction."""
    told = read(FIRST, transfer(tx_hash=tx_hash(2)))
    assert told.repeated.total == 0
    assert {t.id[-2:] for found in told.transactions() for t in found.transfers} == {":0"}


def test_bitcoin_rows_keep_position_and_outpoint() -> None:
    """An input names the outpoint it spends, in lower case; ids are positions."""
    txid = tx_hash(1)[2:]
    outpoint = f"{'AB' * 32}:1"
    (found,) = good(coin(kind="input", sender=COIN, recipient="", index="2", outpoint=outpoint), coin(index="1"))
    spent, paid = found.transfers
    assert (spent.id, spent.outpoint) == (f"{BITCOIN}:{txid}:input:2", f"{'ab' * 32}:1")
    assert (paid.id, paid.sender, paid.index) == (f"{BITCOIN}:{txid}:output:1", None, 1)


def test_tron_rows_may_leave_the_block_empty() -> None:
    """TRON's answers do not always name it."""
    ends = {"sender": TRON_USDT, "recipient": "TMwFHYXLJaRUPeW6421aqXL4ZEzPRFGkGT", "asset": TRON_USDT}
    (found,) = good(transfer(chain="tron", tx_hash=tx_hash(1)[2:], block="", **ends))
    assert (found.chain, found.block) == (TRON, None)


def test_listed_assets_are_what_the_list_says() -> None:
    """Symbols of rows are not believed of listed tokens and native coins; decimals may stay empty."""
    native = transfer(kind="native", asset="native", symbol="MATIC", decimals="")
    told = read(transfer(symbol="ETH", decimals=""), native)
    assert told.assets == (
        Asset(AssetId(ETHEREUM, USDT), "USDT", 6, listed=True),
        Asset(AssetId(ETHEREUM, "native"), "ETH", 18, listed=True),
    )


def test_unlisted_assets_are_what_the_first_telling_row_says() -> None:
    """The first symbol stands, a later one may only fill in; decimals likewise. `usd` is no on-chain asset."""
    rows = [("", ""), ("ABC", ""), ("XYZ", "4"), ("\x1b[31mX", "")]
    told = read(
        *(transfer(asset=hexed(9), symbol=symbol, decimals=decimals) for symbol, decimals in rows),
        transfer(asset="usd", symbol="U\u202eSD", decimals="2"),
    )
    token = AssetId(ETHEREUM, parse_address(ETHEREUM, hexed(9)).text)
    assert told.assets == (Asset(token, "ABC", 4), Asset(AssetId(ETHEREUM, "usd"), "U\ufffdSD", 2, on_chain=False))


def test_the_largest_amount_is_exact() -> None:
    """78 digits go in and come out."""
    (found,) = good(transfer(amount="9" * 78))
    assert found.transfers[0].amount == 10**78 - 1


# --- any rows ---------------------------------------------------------------------------------------------------------

EVM_PLACES = [hexed(n) for n in range(1, 5)]
TRON_PLACES = [base58.b58encode_check(b"\x41" + bytes([n]) * 20).decode() for n in range(1, 5)]
COIN_PLACES = [base58.b58encode_check(b"\x00" + bytes([n]) * 20).decode() for n in range(1, 5)]
SYMBOLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=6)
AMOUNTS = st.integers(0, 3) | st.integers(0, 10**78 - 1)


@st.composite
def account_rows(draw: st.DrawFn, chain: str, name: str, places: list[str]) -> list[Row]:
    """The rows of one transaction of an account chain."""
    some = st.sampled_from(places)
    initiator = draw(some)
    index = st.sampled_from(["", "0", "1", "12"])
    head = {
        "chain": chain,
        "tx_hash": name,
        "block": draw(st.integers(1, 10**9).map(str)),
        "tx_index": draw(st.sampled_from(["", "0", "77"])),
        "time": (datetime(2020, 1, 1, tzinfo=UTC) + draw(st.timedeltas(timedelta(0), timedelta(9999)))).isoformat(),
        "initiator": draw(st.sampled_from(["", initiator])),
    }
    rows: list[Row] = []
    for kind in draw(st.lists(st.sampled_from(["native", "internal", "token", "fee"]), min_size=1, max_size=6)):
        asset = draw(st.sampled_from([places[3], "usd"])) if kind == "token" else "native"
        ends = (initiator, "") if kind == "fee" else (draw(some), draw(some))
        said = {"kind": kind, "asset": asset, "sender": ends[0], "recipient": ends[1], "index": draw(index)}
        rows.append(transfer(**head, **said, amount=str(draw(AMOUNTS)), symbol=draw(SYMBOLS), decimals=""))
    return rows


@st.composite
def coin_rows(draw: st.DrawFn, name: str) -> list[Row]:
    """The rows of one transaction of bitcoin."""
    some, rows = st.sampled_from(COIN_PLACES), list[Row]()
    for position in range(draw(st.integers(1, 3))):
        rows.append(coin(tx_hash=name, recipient=draw(some), index=str(position), amount=str(draw(AMOUNTS))))
    for position in range(draw(st.integers(0, 3))):
        said = {"kind": "input", "sender": draw(some), "recipient": "", "outpoint": f"{tx_hash(99)[2:]}:{position}"}
        rows.append(coin(tx_hash=name, **said, index=str(position), amount=str(draw(AMOUNTS))))
    return rows


@st.composite
def files(draw: st.DrawFn) -> list[Row]:
    """The rows of a few transactions on three chains."""
    rows: list[Row] = []
    for n in range(draw(st.integers(1, 4))):
        name = tx_hash(n)
        made = {
            "ethereum": account_rows(ETHEREUM, name, EVM_PLACES),
            "tron": account_rows(TRON, name[2:], TRON_PLACES),
            "bitcoin": coin_rows(name[2:]),
        }
        rows += draw(made[draw(st.sampled_from(sorted(made)))])
    return rows


def said(row: Row) -> tuple[object, ...]:
    """What a row says of its transfer."""
    ends = tuple(parse_address(row["chain"], row[end]) if row[end] else None for end in ("sender", "recipient"))
    index = int(row["index"]) if row["index"] else None
    at = datetime.fromisoformat(row["time"])
    return (row["tx_hash"], at, row["kind"], row["asset"], int(row["amount"]), *ends, index, row["outpoint"] or None)


def read_back(found: Transaction, t: Transfer) -> tuple[object, ...]:
    """The same of a transfer that was read."""
    asset = t.asset.contract.lower() if t.asset.contract.startswith("0x") else t.asset.contract
    return (found.tx_hash, found.at, t.kind, asset, t.amount, t.sender, t.recipient, t.index, t.outpoint)


def numbered(found: list[Transaction]) -> set[Transfer]:
    """All transfers, each once."""
    every = [t for transaction in found for t in transaction.transfers]
    assert len({t.id for t in every}) == len(every)
    return set(every)


@settings(deadline=None)
@given(files(), st.randoms(use_true_random=False), st.permutations(list(transfer())))
def test_what_is_written_is_read_in_any_order(rows: list[Row], chance: random.Random, columns: list[str]) -> None:
    """Every row is one transfer that says the same; shuffled rows and columns give the same ids with the same facts."""
    found = good(*rows)
    assert Counter(read_back(f, t) for f in found for t in f.transfers) == Counter(map(said, rows))
    shuffled = chance.sample(rows, len(rows))
    again = good(*shuffled, columns=columns)
    assert numbered(again) == numbered(found)
    heads = {(f.chain, f.tx_hash, f.at, f.block, f.tx_index, f.initiator) for f in found}
    assert {(f.chain, f.tx_hash, f.at, f.block, f.tx_index, f.initiator) for f in again} == heads


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_amount_is_guessed(given_amount: str) -> None:
    """Whatever stands in the amount, it is read as exactly those digits or refused."""
    told = read(FIRST, transfer(tx_hash=tx_hash(2), amount=given_amount))
    amounts = [t.amount for found in told.transactions() for t in found.transfers][1:]
    digits = bool(given_amount) and set(given_amount) <= set("0123456789")
    assert amounts == ([int(given_amount)] if digits else [])
    assert bool(told.refused.total) != digits


def test_addresses_are_normalised() -> None:
    """Lower case and checksum are one place."""
    mixed = parse_address(ETHEREUM, USDT.lower())
    (found,) = good(transfer(sender=USDT.lower(), recipient=mixed.text))
    assert found.transfers[0].sender == found.transfers[0].recipient == Address(ETHEREUM, USDT)
