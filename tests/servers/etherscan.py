"""Etherscan's API V2: a world in its lists, with windows, plans and refusals. Blockscout speaks it with an accent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.servers import node
from tests.servers.serve import COMMON, Answers, Asked, Given, Spoil
from tests.servers.world import World
from tracer.chains import parse_address
from tracer.model import Address, AssetId, Kind, Log, Transaction, Transfer

NOTHING, NO_EVENTS = "No transactions found", "No records found"
_LISTS = ("txlist", "txlistinternal", "tokentx")
_PARAMS = {"eth_blockNumber": (), "eth_getBlockByNumber": ("tag", "boolean")}


def said(status: str, message: str, result: Any) -> Given:
    """An answer in the form of the account module."""
    return Given(200, json.dumps({"status": status, "message": message, "result": result}).encode())


def refused(result: str) -> Given:
    """A refusal in its usual form."""
    return said("0", "NOTOK", result)


RATE = refused("Max calls per sec rate limit reached (3/sec)")
BAD_KEY = "Invalid API Key (#err2)|"
PAID = "Free API access is not supported for this chain. Please upgrade your api plan for full chain coverage."
NO_CHAIN = "Missing or unsupported chainid parameter (required for v2 api), please see chainlist for the list"
PAUSED = "Free API access is temporarily unavailable due to unusually high network activity. We recommend upgrading"


def etherscan(
    world: World,
    *,
    key: str = "",
    most: int = 1000,
    window: int = 10_000,
    paid_only: bool = False,
    accent: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _, row: row,
) -> Answers:
    """A world's lists and node answers. `most`: rows of a reply, whatever `offset` asks; `accent` changes rows."""

    def answer(asked: Asked) -> Given:
        query = asked.query
        if key and query.get("apikey") != key:
            return refused(BAD_KEY + query.get("apikey", ""))
        if "chainid" in query and f"eip155:{query['chainid']}" != world.chain:
            return refused(NO_CHAIN)
        if paid_only:
            return refused(PAID)
        if query["module"] == "proxy":
            params = [query[name] for name in _PARAMS.get(query["action"], ("txhash",))]
            result = node.result(world, query["action"], params)
            return Given(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode())
        if "txhash" in query:
            return _inner_of(world, query["txhash"], accent)
        rows = _events if query["module"] == "logs" else _list
        nothing = NO_EVENTS if query["module"] == "logs" else NOTHING
        return _paged([accent(query["action"], row) for row in rows(world, query)], query, most, window, nothing)

    return answer


def _inner_of(world: World, tx_hash: str, accent: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Given:
    one = world.transaction(tx_hash)
    rows = [accent("txlistinternal", row) for row in _inner(world, one)] if one else []
    for row in rows:
        row.pop("hash", None)
    return said("1", "OK", rows) if rows else said("0", NOTHING, [])


def _list(world: World, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    address, first, last = (
        parse_address(world.chain, query["address"]),
        int(query["startblock"]),
        int(query["endblock"]),
    )
    for one in world.of(address):
        if first <= (one.block or 0) <= last:
            yield from ROWS[query["action"]](world, one, address)


def _events(world: World, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    contract, first, last = parse_address(world.chain, query["address"]), int(query["fromBlock"]), int(query["toBlock"])
    for one in world.logs:
        if one.contract == contract and one.topics[0] == query["topic0"] and first <= one.block <= last:
            yield _event(world, one)


def _paged(rows: list[dict[str, Any]], query: Mapping[str, str], most: int, window: int, nothing: str) -> Given:
    page, offset = int(query["page"]), int(query["offset"])
    if page * offset > window:
        return said(
            "0", f"Result window is too large, PageNo x Offset size must be less than or equal to {window}", None
        )
    size = min(offset, most)
    shown = rows[(page - 1) * size : page * size]
    return said("1", "OK", shown) if shown else said("0", nothing, [])


# --- rows -------------------------------------------------------------------------------------------------------------


def _head(world: World, one: Transaction) -> dict[str, Any]:
    return {
        "blockNumber": str(one.block),
        "blockHash": f"0x{world.hash(one.block or 0)}",
        "timeStamp": str(int(one.at.timestamp())),
        "hash": one.tx_hash,
    }


def _normal(world: World, one: Transaction, address: Address) -> Iterator[dict[str, Any]]:
    made = node.made(one)
    if node.text(address) not in (node.text(one.initiator), node.text(one.to), made):
        return
    used, price = node.gas(one)
    yield {
        **_head(world, one),
        "transactionIndex": str(one.tx_index or 0),
        "from": node.text(one.initiator),
        "to": node.text(one.to),
        "value": str(node.value(one)),
        "gasPrice": str(price),
        "gasUsed": str(used),
        "contractAddress": made,
        "txreceipt_status": str(int(one.ok)),
        "isError": str(int(not one.ok)),
        "input": "0x",
    }


def _inner(world: World, one: Transaction, address: Address | None = None) -> Iterator[dict[str, Any]]:
    moved = [transfer for transfer in one.transfers if transfer.kind is Kind.INTERNAL]
    for n, transfer in enumerate(moved):
        if address in (None, transfer.sender, transfer.recipient):
            yield _call(world, one, transfer, f"0_{n + 1}")
            # the same once more, but it failed and moved nothing
            yield _call(world, one, transfer, f"1_{n + 1}") | {"isError": "1", "errCode": "Reverted"}


def _call(world: World, one: Transaction, transfer: Transfer, trace: str) -> dict[str, Any]:
    row = _head(world, one) | {
        "from": node.text(transfer.sender),
        "to": node.text(transfer.recipient),
        "value": str(transfer.amount),
        "contractAddress": "",
        "type": "call",
        "traceId": trace,
        "isError": "0",
        "errCode": "",
    }
    row.pop("blockHash")
    return row


def _tokens(world: World, one: Transaction, address: Address) -> Iterator[dict[str, Any]]:
    for transfer in one.transfers:
        if transfer.kind is Kind.TOKEN and address in (transfer.sender, transfer.recipient):
            asset = world.described.get(AssetId(*transfer.asset))
            yield {
                **_head(world, one),
                "from": node.text(transfer.sender),
                "to": node.text(transfer.recipient),
                "contractAddress": transfer.asset.contract.lower(),
                "value": str(transfer.amount),
                "tokenName": "",
                "tokenSymbol": asset.symbol if asset else "",
                "tokenDecimal": "" if asset is None or asset.decimals is None else str(asset.decimals),
                "transactionIndex": str(one.tx_index or 0),
            }


def _event(world: World, one: Log) -> dict[str, Any]:
    return {
        "address": one.contract.text.lower(),
        "topics": list(one.topics),
        "data": one.data,
        "blockNumber": hex(one.block),
        "blockHash": f"0x{world.hash(one.block)}",
        "timeStamp": hex(int(one.at.timestamp())),
        "gasPrice": hex(one.gas_price or 0),
        "gasUsed": "0x5208",
        "logIndex": hex(one.index) if one.index else "0x",
        "transactionHash": one.tx_hash,
        "transactionIndex": "0x",
    }


ROWS: Mapping[str, Callable[[World, Transaction, Address], Iterator[dict[str, Any]]]] = {
    "txlist": _normal,
    "txlistinternal": _inner,
    "tokentx": _tokens,
}


# --- faults -----------------------------------------------------------------------------------------------------------


def _rows_changed(change: Callable[[list[Any]], list[Any]]) -> Spoil:
    """Rows that have an identity of their own come otherwise; of others nobody could tell."""

    def spoil(right: Given) -> Given:
        answer = json.loads(right.body)
        rows = answer.get("result")
        if not isinstance(rows, list) or not rows or "tokenSymbol" in rows[0]:
            return right
        return right._replace(body=json.dumps({**answer, "result": change(rows)}).encode())

    return spoil


def _always(given: Given) -> Spoil:
    return lambda _: given


FAULTS: Mapping[str, Spoil] = {
    **COMMON,
    "rate": _always(RATE),
    "rate_without_key": _always(refused("Max rate limit reached, please use API Key for higher rate limit")),
    "rate_as_it_was": _always(refused("Max rate limit reached, rate limit of 5/1sec applied")),
    "bad_key": _always(refused(f"{BAD_KEY}KEY")),
    "no_chain": _always(refused(NO_CHAIN)),
    "paid_only": _always(refused(PAID)),
    "free_plan_paused": _always(refused(PAUSED)),
    "timeout": _always(said("0", "Query Timeout occured. Please select a smaller result dataset", None)),
    "busy": _always(refused("Unexpected err, timeout occurred or server too busy. Please try again later")),
    "no_key_no_rows": _always(said("1", "OK-Missing/Invalid API Key, rate limit of 1/5sec applied", [])),
    "doubled": _rows_changed(lambda rows: [rows[0], *rows]),
    "reordered": _rows_changed(lambda rows: rows[::-1]),
}
