"""What TronGrid's replies mean: rows and errors in its own words, taken for no more and no less than they say."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import base58
import pytest

from tests.sources.tron_story import COIN, SCAM, TRON, USDT, WALLET
from tracer.chains import zero_address
from tracer.errors import BadAddress, SourceBroken
from tracer.model import Kind
from tracer.sources import Said, tron
from tracer.sources.base import envelope
from tracer.sources.providers import provider
from tracer.sources.reply import Broken, Busy, Empty, Refused, Reply, Rows
from tracer.sources.tron_answers import listed_rows, looked_up
from tracer.sources.web import NO_JSON, Answer

HASH, OTHER = "ab" * 32, "cd" * 32
AT = 1_700_000_000_000
DATA = os.environ.get("TRACER_EVALUATION_DATA")
TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def hexed(text: str) -> str:
    """An address as a node writes it."""
    return str(base58.b58decode_check(text).hex())


def native(kind: str = "TransferContract", ret: dict[str, Any] | None = None, **value: Any) -> dict[str, Any]:
    """A row of the list of transactions: the wallet pays."""
    value = {"owner_address": hexed(WALLET.text), **value}
    contract = {"type": kind, "parameter": {"value": value}}
    ended = {"contractRet": "SUCCESS", "fee": 0} if ret is None else ret
    return {"txID": HASH, "block_timestamp": AT, "raw_data": {"contract": [contract]}, "ret": [ended], "blockNumber": 9}


def token(value: str = "5", **other: Any) -> dict[str, Any]:
    """A row of the list of tokens: the wallet is paid."""
    info = {"address": USDT.contract, "symbol": "USDT", "decimals": 6}
    row = {"transaction_id": HASH, "block_timestamp": AT, "token_info": info, "type": "Transfer", "value": value}
    return row | {"from": SCAM.text, "to": WALLET.text} | other


def inside(data: dict[str, Any], **other: Any) -> dict[str, Any]:
    """A row of the list of calls inside: the wallet is paid."""
    ends = {"from_address": hexed(SCAM.text), "to_address": hexed(WALLET.text)}
    return {"tx_id": HASH, "internal_tx_id": OTHER, "block_timestamp": AT, "data": data, **ends, **other}


def said(*rows: dict[str, Any], infos: tuple[dict[str, Any], ...] = ()) -> Said:
    """What a page of these rows says of the wallet."""
    lists = {name: [json.dumps({"data": []}).encode()] for name in ("token", "internal")}
    lists["native"] = [json.dumps({"data": rows}).encode()]
    kept = {**lists, "infos": [json.dumps(info).encode() for info in infos]}
    return tron.parse(envelope("trongrid", kept, chain=TRON, address=WALLET.text, start=AT - 1, upto=AT))


def moved(*rows: dict[str, Any], infos: tuple[dict[str, Any], ...] = ()) -> list[tuple[Kind, int]]:
    """The kinds and amounts of what moved."""
    return [(each.kind, each.amount) for one in said(*rows, infos=infos).transactions for each in one.transfers]


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", [WALLET.text, hexed(WALLET.text), f"0x{hexed(WALLET.text)[2:]}", hexed(WALLET.text)[2:]]
)
def test_an_address_has_four_forms(form: str) -> None:
    """Base58, 41…, 0x… and bare bytes are one address."""
    assert WALLET.text == tron.address(form)


def test_a_mistyped_address_is_refused() -> None:
    """TronGrid would say that it has nothing."""
    with pytest.raises(BadAddress, match="checksum"):
        tron.address(WALLET.text[:-1] + ("a" if WALLET.text[-1] != "a" else "b"))


PAYING = {"to_address": hexed(SCAM.text), "amount": 30}
CALLING = {"contract_address": hexed(SCAM.text)}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (native(**PAYING), [(Kind.NATIVE, 30)]),
        (native(ret={"contractRet": "SUCCESS", "fee": 7}, **PAYING), [(Kind.FEE, 7), (Kind.NATIVE, 30)]),
        (native(ret={}, **PAYING), [(Kind.NATIVE, 30)]),  # of before there were contracts
        (native(ret={"code": "FAILED", "fee": 7}, **PAYING), [(Kind.FEE, 7)]),
        (native(ret={}, **PAYING) | {"net_fee": 3, "energy_fee": 4}, [(Kind.FEE, 7), (Kind.NATIVE, 30)]),
        (native("TriggerSmartContract", **CALLING, call_value=30), [(Kind.NATIVE, 30)]),
        (native("TriggerSmartContract", **CALLING), []),
        (
            native("TriggerSmartContract", {"contractRet": "REVERT", "fee": 7}, **CALLING, call_value=30),
            [(Kind.FEE, 7)],
        ),
        (native("TriggerSmartContract", {"fee": 7}, **CALLING, call_value=30), [(Kind.FEE, 7)]),
        (native("CreateSmartContract", new_contract={"call_value": 30}), [(Kind.NATIVE, 30)]),
        (native("TransferAssetContract", asset_name="1002000", **PAYING), []),
        (native("DelegateResourceContract", receiver_address=hexed(SCAM.text), balance=30), []),
        (native("VoteWitnessContract", votes=[{"vote_count": 30}]), []),
    ],
)
def test_what_a_transaction_moves(row: dict[str, Any], expected: list[tuple[Kind, int]]) -> None:
    """TRX that is paid on and burnt; no other asset, no stake, and nothing that did not come off."""
    assert expected == moved(row)


def test_a_contract_that_is_made_is_paid() -> None:
    """Its address is worked out: the row does not tell it."""
    (one,) = said(native("CreateSmartContract", new_contract={"call_value": 30})).transactions

    assert (None, "T") == (one.to, one.transfers[0].recipient.text[0] if one.transfers[0].recipient else "")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"note": "63616c6c", "rejected": False, "call_value": {"_": 5}}, [(Kind.INTERNAL, 5)]),
        ({"note": "call", "call_value": {"_": 5, "1002000": 9}}, [(Kind.INTERNAL, 5)]),
        ({"note": "suicide", "call_value": {"3566": 5}}, [(Kind.INTERNAL, 5)]),
        ({"note": "call", "call_value": {"1002000": 5}}, []),
        ({"note": "call", "rejected": True, "call_value": {"_": 5}}, []),
        ({"note": "64656c65676174655265736f757263654f66456e65726779", "call_value": {"_": 5}}, []),
        ({"note": "freezeBalanceV2ForEnergy", "call_value": {"_": 5}}, []),
        ({"note": "call"}, []),
    ],
)
def test_what_a_call_inside_moves(data: dict[str, Any], expected: list[tuple[Kind, int]]) -> None:
    """TRX that a contract paid; a loan of energy states an amount and moves nothing."""
    assert expected == moved(inside(data))


def test_a_transaction_that_is_listed_twice_is_one() -> None:
    """It has one hash, and is paid once."""
    assert [(Kind.NATIVE, 30)] == moved(native(**PAYING), native(**PAYING))


def test_a_call_that_stands_in_two_lists_is_one() -> None:
    """The list of transactions may hold it, too; another call of the same amount is another."""
    call = inside({"note": "call", "call_value": {"_": 5}})

    assert [(Kind.INTERNAL, 5)] == moved(call, call)
    assert [(Kind.INTERNAL, 5)] * 2 == moved(call, call | {"internal_tx_id": HASH})


@pytest.mark.parametrize("other", [{"type": "Approval"}, {"_unconfirmed": True}, {"block_timestamp": AT + 1}])
def test_what_is_no_transfer_yet(other: dict[str, Any]) -> None:
    """An approval is a permission, an unconfirmed row may go, and what lies behind the page belongs to the next."""
    assert [] == moved(token() | other)


def test_a_zero_amount_is_kept() -> None:
    """Poisoning is told by it."""
    assert [(Kind.TOKEN, 0)] == moved(token("0"))


def log(contract: str, *topics: str) -> dict[str, Any]:
    """An event of a contract."""
    return {"address": hexed(contract)[2:], "topics": [TRANSFER, *topics], "data": f"{5:064x}"}


def test_equal_rows_are_counted_by_the_logs() -> None:
    """The same row twice is one Transfer told twice, or two: the transaction's own logs say which."""
    ends = hexed(SCAM.text)[2:].zfill(64), hexed(WALLET.text).zfill(64)  # an old contract leaves the 41
    once: dict[str, Any] = {"id": HASH, "log": [log(USDT.contract, *ends)]}
    twice = {"id": HASH, "log": [log(USDT.contract, *ends)] * 2}

    odd = {"address": hexed(USDT.contract)[2:], "topics": [TRANSFER, "f" * 64, ends[1]], "data": f"{5:064x}"}
    once["log"] += [odd, {"address": odd["address"]}]  # anyone can write what looks like one

    assert {HASH: ""} == tron.doubts([token(), token()])
    assert [(Kind.TOKEN, 5)] == moved(token(), token(), infos=(once,))
    assert [(Kind.TOKEN, 5)] * 2 == moved(token(), token(), infos=(twice,))


def test_an_nft_is_told_by_its_logs() -> None:
    """Without decimals a token may be an NFT; one log with four topics says so, for all its rows."""
    ends = hexed(SCAM.text)[2:].zfill(64), hexed(WALLET.text)[2:].zfill(64)
    row = token(token_info={"address": COIN.contract})
    nft = {"id": OTHER, "log": [log(COIN.contract, *ends, f"{5:064x}")]}

    assert {HASH: COIN.contract} == tron.doubts([row])
    assert {} == tron.doubts([token()])
    assert [] == moved(row, infos=(nft,))
    assert [(Kind.TOKEN, 5)] == moved(row, infos=({"id": OTHER, "log": [log(COIN.contract, *ends)]},))


def test_minted_and_burnt() -> None:
    """Issued tokens come from the zero address and go there."""
    zero = zero_address(TRON)
    assert zero
    (one,) = said(token(**{"from": zero.text})).transactions

    assert zero == one.transfers[0].sender


def test_lists_that_disagree_are_broken() -> None:
    """One transaction cannot be at two moments, nor fail and move tokens."""
    with pytest.raises(SourceBroken, match="disagree on whether"):
        said(token(), native("TriggerSmartContract", {"contractRet": "REVERT"}, **CALLING))
    with pytest.raises(SourceBroken, match="disagree on when"):
        said(token(), inside({"note": "call", "call_value": {"_": 5}}, block_timestamp=AT - 1))


@pytest.mark.parametrize(
    "row",
    [token("1.5"), token("-1"), token(**{"to": "Tx"}), native(amount="x", to_address="41"), {"block_timestamp": AT}],
)
def test_rows_of_another_form_are_broken(row: dict[str, Any]) -> None:
    """What is not as documented is refused, never skipped."""
    with pytest.raises(SourceBroken, match="not as documented"):
        said(row)


def test_what_is_no_page_is_broken() -> None:
    """A kept page of something else says so."""
    for raw in (b"", b"[]", b"{}", b'{"address": "T"}', b"[" * 100_000):
        with pytest.raises(SourceBroken):
            tron.parse(raw)


# --- answers ----------------------------------------------------------------------------------------------------------

SLOWLY = "The key exceeds the frequency limit(15), and the query server is suspended for"
SPENT = "Exceed the user daily usage (100000), the maximum query frequency is 1 time per second"


def answer(status: int, body: Any) -> Answer:
    """An answer with this JSON, or with nothing."""
    return Answer(status, {}, b"" if body == "" else json.dumps(body).encode(), NO_JSON if body == "" else body)


@pytest.mark.parametrize(
    ("status", "body", "kind", "seconds"),
    [
        (429, {"Error": f"{SLOWLY} 27 s"}, Busy, 27),
        (403, {"Error": f"{SLOWLY} 2s"}, Busy, 2),
        (403, {"success": False, "error": f"{SLOWLY} 30s", "statusCode": 403}, Busy, 30),
        (403, {"Error": "request rate exceeded the allowed_rps(3), and the query server is suspended for 1s"}, Busy, 1),
        (403, {"Error": "request rate exceeded the allowed_rps(3)"}, Busy, None),
        (403, {"Error": SPENT}, Busy, 3600),
        (200, {"Error": SPENT}, Busy, 3600),
        (403, {"Error": "ApiKey not exists"}, Refused, None),
        (401, {"Error": "who are you"}, Refused, None),
        (403, "", Refused, None),
        (400, "", Broken, None),
        (400, {"success": False, "error": "invalid address", "statusCode": 400}, Broken, None),
        (200, {"Error": "class java.lang.NumberFormatException"}, Broken, None),
        (502, {"Error": "bad gateway"}, Busy, None),
        (404, {"data": [], "success": True, "meta": {}}, Broken, None),
    ],
)
def test_errors_are_named(status: int, body: Any, kind: type[Reply], seconds: float | None) -> None:
    """In the provider's own words, for every verb; none is empty."""
    for reply in (looked_up(answer(status, body)), listed_rows(0, AT, answer(status, body))):
        assert (kind, seconds) == (type(reply), getattr(reply, "retry_after_seconds", None))


def test_a_limit_that_is_too_large_is_named() -> None:
    """The empty body of HTTP 400 says nothing: the message does."""
    assert "limit above 200" in str(listed_rows(0, AT, answer(400, "")))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": [], "success": True, "meta": {}}, Empty()),
        ({"data": [], "success": True, "meta": {"fingerprint": "x"}}, Empty()),
        ({"data": [token()], "success": True, "meta": {}}, Rows([token()])),
        ({"data": [token()], "success": True, "meta": {"fingerprint": "x"}}, Rows([token()], "x")),
    ],
)
def test_lists_are_rows_or_proven_empty(body: Any, expected: Reply) -> None:
    """Only success with a list is read; a fingerprint leads on, but not behind an empty list."""
    assert expected == listed_rows(0, AT, answer(200, body))


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"data": []},
        {"data": [], "meta": {}, "success": False},
        {"data": {}, "success": True, "meta": {}},
        {"data": [{}], "success": True, "meta": {}},
        {"data": [token(), token(block_timestamp=AT - 1)], "success": True, "meta": {}},
        {"data": [token(block_timestamp=AT + 1)], "success": True, "meta": {}},
    ],
)
def test_a_list_of_another_form_is_broken(body: Any) -> None:
    """Nothing is empty by accident, and rows out of order or out of the window would make a gap."""
    assert Broken is type(listed_rows(0, AT, answer(200, body)))


# --- what is known of the provider ------------------------------------------------------------------------------------


def test_the_provider_is_described() -> None:
    """What its file says is what the source asks for; its pace lies below what it publishes."""
    known = provider("trongrid")

    assert (200, 100_000, ("native", "internal", "token", "fee")) == (known.page_rows, known.calls_per_day, known.reads)
    assert known.pace == 13.5
    assert [TRON] == list(known.chains)


# --- recorded replies -------------------------------------------------------------------------------------------------

FOLDER = Path(DATA or "") / "api"
ONE, TWO = "TFFriedwRtWdFuzerDDtkoQTZ29smDZ1MB", "TM1zzNDZD2DPASbKcgdVoTYhfmYgtfwx9R"
RECORDED = {  # file: whose it is, rows, and the transfers of that account by kind
    "account_transactions_21": (ONE, 21, {"native": 1}),  # 17 are of TRC-10, three of stakes
    "accounts_txs_response": (TWO, 25, {"native": 7, "fee": 20}),
    "txs_empty_response": (TWO, 0, {}),
    "txs_trc20_response": (TWO, 20, {"token": 18}),  # two are not confirmed
}
recorded_only = pytest.mark.skipif(DATA is None, reason="TRACER_EVALUATION_DATA names no folder with recorded replies")


def recorded(name: str) -> dict[str, Any]:
    """A reply that was recorded newest first, as it would have come oldest first."""
    reply: dict[str, Any] = json.loads((FOLDER / "trongrid_blockatlas" / f"blockatlas_{name}.json").read_text())
    return reply | {"data": sorted(reply["data"], key=lambda row: row.get("block_timestamp", 0))}


@recorded_only
@pytest.mark.parametrize(("name", "expected"), RECORDED.items(), ids=RECORDED)
def test_recorded_replies(name: str, expected: tuple[str, int, dict[str, int]]) -> None:
    """Real lists of 2020: every row is read, and none is made up for."""
    account, rows, kinds = expected
    reply = recorded(name)
    # who published it changed a letter of the account, which its checksum finds; here it is put back
    kept = json.dumps(reply).replace("TM1zzNDZD2DPASbKcgdVoTYhfmYgtfwx9D", TWO).encode()
    about = {"chain": TRON, "address": account, "start": 0, "upto": 2**50}
    page = tron.parse(envelope("trongrid", {"native": [kept], "token": [], "internal": [], "infos": []}, **about))
    read = listed_rows(0, 2**50, answer(200, reply))

    assert rows == (len(read.rows) if isinstance(read, Rows) else {Empty(): 0}[read])  # type: ignore[index]
    assert kinds == Counter(each.kind for one in page.transactions for each in one.transfers)


@recorded_only
def test_recorded_replies_that_are_refused() -> None:
    """Another verb's reply is no list, rows newest first are not what was asked for, a changed address is none."""
    changed = json.dumps(recorded("txs_trc20_response")).encode()
    about = {"chain": TRON, "address": TWO, "start": 0, "upto": 2**50}
    newest_first = recorded("accounts_txs_response")

    assert Broken is type(listed_rows(0, 2**50, answer(200, recorded("accounts_response"))))
    assert Broken is type(listed_rows(0, 2**50, answer(200, newest_first | {"data": newest_first["data"][::-1]})))
    with pytest.raises(SourceBroken, match="TM1zzNDZD2DPASbKcgdVoTYhfmYgtfwx9D.*checksum fails"):
        tron.parse(envelope("trongrid", {"native": [changed], "token": [], "internal": [], "infos": []}, **about))


@recorded_only
def test_quoted_errors() -> None:
    """Every error that others quoted of TronGrid has its class."""
    quoted = json.loads((FOLDER / "_quoted_errors" / "errors.json").read_text())["errors"]
    found = {
        one["case"]: looked_up(answer(one["http"] or 403, one["body"])) for one in quoted if one["source"] == "trongrid"
    }

    assert {
        "rate_limit_v_key": (Busy, 27.0),
        "rate_limit_v1_old": (Busy, 30.0),
        "rate_limit_no_key": (Busy, 1.0),
        "daily_quota": (Busy, 3_600.0),
        "bad_key": (Refused, None),
        "limit_over_200": (Broken, None),
    } == {case: (type(reply), getattr(reply, "retry_after_seconds", None)) for case, reply in found.items()}
