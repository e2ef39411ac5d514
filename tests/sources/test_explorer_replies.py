"""What explorers' replies mean, word by word, and every reply that was recorded from real ones."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from tracer.chains import parse_address
from tracer.model import Kind, Transfer
from tracer.sources import decode
from tracer.sources.base import Said, envelope
from tracer.sources.blockscout_rest import items_reply, object_reply
from tracer.sources.etherscan_rows import account_reply, parse, proxy_reply
from tracer.sources.reply import Broken, Busy, Empty, Partial, Refused, Reply, Rows, TooLarge
from tracer.sources.web import Answer

ROW = {"blockNumber": "1"}


def answer(said: Any, status: int = 200, **headers: str) -> Answer:
    """An answer that says this."""
    return Answer(status, headers, json.dumps(said).encode(), said)


def account(status: str, message: str, result: Any) -> Answer:
    """An answer in the form of the account module."""
    return answer({"status": status, "message": message, "result": result})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (account("1", "OK", [ROW]), Rows),
        (account("1", "OK-Missing/Invalid API Key, rate limit of 1/5sec applied", [ROW]), Rows),
        (account("1", "OK-Missing/Invalid API Key, rate limit of 1/5sec applied", []), Broken),
        (account("0", "No transactions found", []), Empty),
        (account("0", "No records found", []), Empty),
        (account("0", "No token transfers found", []), Empty),
        (account("0", "No internal transactions found", []), Empty),
        (account("1", "OK", []), Empty),
        (account("0", "Nothing that anybody knows", []), Broken),
        (account("0", "NOTOK", []), Broken),
        (account("0", "No transactions found", [ROW]), Broken),
        (account("2", "Some internal transactions within this block range have not yet been processed", []), Partial),
        (
            account("2", "Some internal transactions within this block range have not yet been processed", [ROW]),
            Partial,
        ),
        (account("0", "NOTOK", "Max calls per sec rate limit reached (3/sec)"), Busy),
        (account("0", "NOTOK", "Max rate limit reached, please use API Key for higher rate limit"), Busy),
        (account("0", "NOTOK", "Max rate limit reached, rate limit of 5/1sec applied"), Busy),
        (account("0", "NOTOK", "Max daily rate limit reached. 100000 (100%) of 100000 day/limit"), Busy),
        (account("0", "NOTOK", "Unexpected err, timeout occurred or server too busy. Please try again later"), Busy),
        (
            account("0", "NOTOK", "Free API access is temporarily unavailable due to unusually high network activity"),
            Busy,
        ),
        (account("0", "NOTOK", "Invalid API Key (#err2)|KEY"), Refused),
        (account("0", "NOTOK", "Missing or unsupported chainid parameter (required for v2 api)"), Refused),
        (
            account("0", "NOTOK", "Free API access is not supported for this chain. Please upgrade your api plan"),
            Refused,
        ),
        (account("0", "Result window is too large, PageNo x Offset size must be less than", None), TooLarge),
        (account("0", "Query Timeout occured. Please select a smaller result dataset", None), TooLarge),
        (account("0", "NOTOK", "Error! Something new"), Broken),
        (account("0", "NOTOK", None), Broken),
        (answer({"message": "Unauthorized"}, 401), Refused),
        (answer({"message": "Payment Required"}, 402), Refused),
        (answer([]), Broken),
        (answer({"status": "1", "message": "OK"}), Broken),
        (answer({"status": "1", "message": "OK", "result": {"blockNumber": "1"}}), Broken),
    ],
)
def test_what_the_account_module_means(said: Answer, meant: type[Reply]) -> None:
    """Empty is only what is known to say so; a reason that nobody has seen yet is broken, never empty."""
    assert meant is type(account_reply(said))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (answer({"jsonrpc": "2.0", "id": 1, "result": "0x1"}), Rows(["0x1"])),
        (answer({"jsonrpc": "2.0", "id": 1, "result": None}), Rows([None])),
        (
            answer({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "Transaction not found"}}),
            Rows([None]),
        ),
        (answer({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}}), Refused),
        (answer({"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "rate limit"}}), Busy),
        (answer({"jsonrpc": "2.0", "id": 1}), Broken),
        (account("0", "NOTOK", "Max calls per sec rate limit reached (3/sec)"), Busy),
        (account("0", "NOTOK", "Free API access is not supported for this chain."), Refused),
        (account("0", "No transactions found", []), Broken),
        (account("1", "OK", [ROW]), Broken),
    ],
)
def test_what_a_node_behind_an_explorer_means(said: Answer, meant: Any) -> None:
    """Answers are JSON-RPC, refusals are not; what makes sense for lists only is broken here."""
    found = proxy_reply(said)
    assert meant == (found if isinstance(meant, tuple) else type(found))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (answer({"items": [], "next_page_params": None}), Empty),
        (answer({"items": [], "next_page_params": {"index": 1}}), Rows),
        (answer({"items": [{"block_number": 1}], "next_page_params": None}), Rows),
        (answer({"items": [{"block_number": 1, "is_pending_update": True}], "next_page_params": None}), Partial),
        (answer({"items": [{"block_number": 1, "status": None}], "next_page_params": None}), Partial),
        (answer({"items": [{"block_number": None, "status": None}], "next_page_params": None}), Rows),
        (answer({"items": [7], "next_page_params": None}), Broken),
        (answer({"items": []}), Broken),
        (answer({"message": "Not found"}, 404), Broken),
        (answer({"items": [], "next_page_params": None}, 404), Broken),
        (answer({"errors": [{"title": "Invalid value"}]}, 422), Broken),
        (answer({"message": "Unauthorized"}, 401), Refused),
        (answer({}, 500), Busy),
    ],
)
def test_what_items_mean(said: Answer, meant: type[Reply]) -> None:
    """An address that nobody used has an empty list that goes nowhere; a path that is not there is no such thing."""
    assert meant is type(items_reply(said))


def test_how_long_to_be_silent_is_obeyed() -> None:
    """Blockscout says in milliseconds when its window begins anew."""
    assert Busy("too many requests", 1.5) == items_reply(answer({}, 429, **{"x-ratelimit-reset": "1500"}))


# --- recorded replies -------------------------------------------------------------------------------------------------

DATA = os.environ.get("TRACER_EVALUATION_DATA")
API = Path(DATA or "") / "api"
needs_data = pytest.mark.skipif(DATA is None, reason="TRACER_EVALUATION_DATA names no folder with recorded replies")
EXPLORERS = ("api.etherscan.io", "api.blockscout.com", "api.routescan.io")


class Recorded(NamedTuple):
    """An exchange: from where, what was asked, and the answer."""

    host: str
    path: str
    query: dict[str, str]
    answer: Answer


def recorded() -> Iterator[Recorded]:
    """Every exchange with an explorer."""
    for file in sorted((API / "rotki_local").glob("*/*.json")):
        kept = json.loads(file.read_text())
        for one in kept.get("records", ()):
            url = urlsplit(one["request"]["url"])
            if url.hostname in EXPLORERS:
                reply = one["response"]
                said = Answer(reply["status"], reply["headers"], json.dumps(reply["body"]).encode(), reply["body"])
                yield Recorded(url.hostname, url.path, dict(parse_qsl(url.query)), said)
    for file in sorted((API / "etherscan_ape").glob("*.json")):
        body = json.loads(file.read_text())
        asked = {"module": "account", "action": "txlist"}
        yield Recorded("api.etherscan.io", "", asked, Answer(200, {}, file.read_bytes(), body))


def meaning(one: Recorded) -> Reply:
    """What it means, read as its kind of question asks."""
    if "/api/v2/transactions/" in one.path:
        return object_reply(one.answer)
    if "/api/v2/" in one.path:
        return items_reply(one.answer)
    return proxy_reply(one.answer) if one.query.get("module") == "proxy" else account_reply(one.answer)


@needs_data
def test_no_recorded_reply_is_silently_empty() -> None:
    """Each is rows, proven empty in the provider's own words, or refused by its class; answers that are not lists,
    which nothing here asks for, are broken."""
    counts: Counter[str] = Counter()
    for one in recorded():
        reply, body = meaning(one), one.answer.said
        scalar = one.query.get("action") in ("getblocknobytime", "balance")
        counts["scalar" if scalar else type(reply).__name__] += 1
        assert scalar == isinstance(reply, Broken), body
        rows = body.get("result", body.get("items"))
        assert isinstance(reply, Empty) == (rows == [])
    print(dict(counts))

    assert counts["Rows"] > 50
    assert 1 == counts["Busy"]
    assert {"Rows", "Empty", "Busy", "scalar"} == counts.keys()


def said_of(one: Recorded, chain: str) -> Said:
    """What the rows of one recorded list say."""
    body, action = one.answer.said, one.query["action"]
    address = parse_address(chain, one.query.get("address") or body["result"][0]["from"].lower())
    about = {"chain": chain, "address": address.text, "from": 0, "upto": 10**9}
    return parse(envelope("etherscan", {action: [json.dumps(body).encode()]}, **about))


def chain_of(one: Recorded) -> str:
    """The chain it was asked of."""
    numbers = [part for part in one.path.split("/") if part.isdecimal()]
    return f"eip155:{one.query.get('chainid') or (numbers[0] if numbers else 1)}"


@needs_data
def test_recorded_lists_parse() -> None:
    """Every recorded list of an account becomes transactions of that account."""
    lists = [one for one in recorded() if one.query.get("action") in ("txlist", "txlistinternal", "tokentx")]
    parsed = [said_of(one, chain_of(one)) for one in lists if one.answer.said["result"]]
    moved = [each for said in parsed for one in said.transactions for each in one.transfers]
    print(f"{len(lists)} lists, {len(parsed)} with rows, {len(moved)} transfers")

    assert len(parsed) > 20
    assert {Kind.NATIVE, Kind.INTERNAL, Kind.TOKEN, Kind.FEE} == {each.kind for each in moved}
    assert all(each.amount > 0 or each.kind is Kind.TOKEN for each in moved)


@needs_data
@pytest.mark.parametrize("action", ["txlist", "txlistinternal"])
def test_three_explorers_say_the_same_of_a_wallet(action: str) -> None:
    """Etherscan, Blockscout and Routescan were asked for the same blocks of one wallet: same transfers, same ids."""
    found: dict[str, list[Transfer]] = {}
    for file in sorted((API / "rotki_local").glob("*/same_wallet.json")):
        for one in recorded():
            ours = one.host.split(".")[1] == file.parent.name and one.query.get("action") == action
            if ours and one.query.get("endblock") == "21468748":
                said = said_of(one, "eip155:1")
                found[one.host] = [each for tx in said.transactions for each in tx.transfers]

    etherscan, blockscout, routescan = (found[host] for host in EXPLORERS)
    assert etherscan == blockscout == routescan
    assert etherscan


@needs_data
def test_two_explorers_agree_on_what_a_transaction_cost() -> None:
    """On a chain above Ethereum: Routescan's receipt and Blockscout's fee both hold what Ethereum takes."""
    every = list(recorded())
    receipts = [one.answer.said["result"] for one in every if one.query.get("action") == "eth_getTransactionReceipt"]
    fees = {decode.receipt(one).place.tx_hash: decode.receipt(one).fee for one in receipts}
    shown = [one.answer.said for one in every if "/api/v2/transactions/" in one.path]

    assert 2 == len(shown)
    assert [int(one["fee"]["value"]) for one in shown] == [fees[one["hash"]] for one in shown]
