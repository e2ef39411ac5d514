"""Blockscout: a world in its Etherscan-compatible lists (/api), its REST API (/api/v2) and as a node (/json-rpc)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.servers import node
from tests.servers.etherscan import NO_EVENTS, ROWS, etherscan, said
from tests.servers.serve import COMMON, Answers, Asked, Given, Spoil
from tests.servers.world import World
from tracer.chains import parse_address
from tracer.model import Address, AssetId, Kind, Transaction

UNPROCESSED = "Some internal transactions within this block range have not yet been processed"


def blockscout(world: World, *, key: str = "", most: int = 10_000, items: int = 100, version: int = 12) -> Answers:
    """A world as Blockscout serves it. `most`: rows of an /api reply; `items`: of a REST page at most.

    `version` 11 echoes items_count in its cursors and gives 50, whatever is asked.
    """
    lists = etherscan(world, most=most, accent=_accent)

    def answer(asked: Asked) -> Given:
        if key and asked.headers.get("authorization") != f"Bearer {key}":
            return Given(401, json.dumps({"message": "Unauthorized"}).encode())
        if asked.path == "/json-rpc":
            call = json.loads(asked.body)
            result = node.result(world, call["method"], call["params"])
            for log in result.get("logs", ()) if isinstance(result, dict) else ():
                log["topics"] += [None] * (4 - len(log["topics"]))  # as its getLogs was seen to do
            return Given(200, json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result}).encode())
        if asked.path == "/api":
            given = lists(asked._replace(query={**asked.query, "page": "1"}) if "topic0" in asked.query else asked)
            return said("0", "No logs found", []) if given == said("0", NO_EVENTS, []) else given
        return _rest(world, asked, items, version)

    return answer


def _accent(action: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of Etherscan's as Blockscout writes it."""
    if action == "getLogs":
        row.pop("blockHash")
        filled = [*row["topics"], *[None] * (4 - len(row["topics"]))]
        return row | {"topics": filled, "logIndex": "0x0" if row["logIndex"] == "0x" else row["logIndex"]}
    if action == "tokentx":
        return row | {"functionName": "", "methodId": "a9059cbb"}
    if action == "txlistinternal":
        first, _, second = row.pop("traceId").partition("_")
        row["transactionHash"] = row.pop("hash")
        return row | {"index": str(int(first) * 50 + int(second)), "callType": "call"}
    return row


# --- REST -------------------------------------------------------------------------------------------------------------


def _rest(world: World, asked: Asked, items: int, version: int) -> Given:
    parts = asked.path.removeprefix("/api/v2/").split("/")
    if parts[0] == "addresses" and len(parts) == 3 and parts[2] in _ITEMS:
        address = parse_address(world.chain, parts[1])
        made = [row for one in reversed(world.of(address)) for row in _ITEMS[parts[2]](world, one, address)]
        if parts[2] == "token-transfers" and asked.headers.get("show-scam-tokens") != "true":
            made = [row for row in made if row["token"]["reputation"] == "ok"]
        return _paged(made, asked, items, version)
    one = world.transaction(parts[1]) if parts[0] == "transactions" else None
    if one is None:
        return Given(404, json.dumps({"message": "Not found"}).encode())
    if parts[2:] == ["internal-transactions"]:
        return _paged(list(_inner(world, one)), asked, items, version)
    return Given(200, json.dumps(_transaction(world, one)).encode())


def _paged(rows: list[dict[str, Any]], asked: Asked, items: int, version: int) -> Given:
    """Keyset paging: on from the row that the cursor names by its block and place."""
    query = asked.query
    if "limit" in query or int(query.get("items_count", 1)) < 1:
        return Given(422, json.dumps({"errors": [{"title": "Invalid value"}]}).encode())
    start = 0
    if "block_number" in query:
        after = query["block_number"], query["index"]
        start = 1 + next(n for n, row in enumerate(rows) if tuple(map(str, _key(row))) == after)
    size = min(int(query.get("items_count", 50)), items) if version >= 12 else min(50, items)
    shown = rows[start : start + size]
    more = None
    if start + size < len(rows):
        block, index = _key(shown[-1])
        more = {"block_number": block, "index": index} | ({} if version >= 12 else {"items_count": size})
    return Given(200, json.dumps({"items": shown, "next_page_params": more}).encode())


def _key(row: dict[str, Any]) -> tuple[Any, str]:
    return row["block_number"], f"{row.get('hash') or row['transaction_hash']}-{row.get('log_index', row.get('index'))}"


def _party(address: Address | str | None) -> dict[str, Any] | None:
    hashed = address if isinstance(address, str) else address and address.text
    return {"hash": hashed, "is_contract": False, "name": None} if hashed else None


def _place(one: Transaction) -> dict[str, Any]:
    return {"block_number": one.block, "timestamp": f"{one.at:%Y-%m-%dT%H:%M:%S}.000000Z"}


def _transaction(world: World, one: Transaction) -> dict[str, Any]:
    used, price = node.gas(one)
    return {
        **_place(one),
        "hash": one.tx_hash,
        "position": one.tx_index or 0,
        "from": _party(one.initiator),
        "to": _party(one.to),
        "created_contract": _party(node.made(one)),
        "value": str(node.value(one)),
        "fee": {"type": "actual", "value": str(used * price)},
        "status": "ok" if one.ok else "error",
        "is_pending_update": False,
    }


def _normal(world: World, one: Transaction, address: Address) -> Iterator[dict[str, Any]]:
    for _ in ROWS["txlist"](world, one, address):
        yield _transaction(world, one)


def _inner(world: World, one: Transaction, address: Address | None = None) -> Iterator[dict[str, Any]]:
    moved = [transfer for transfer in one.transfers if transfer.kind is Kind.INTERNAL]
    for n, transfer in reversed(list(enumerate(moved))):
        if address in (None, transfer.sender, transfer.recipient):
            row = {
                **_place(one),
                "transaction_hash": one.tx_hash,
                "index": n + 1,
                "from": _party(transfer.sender),
                "to": _party(transfer.recipient),
                "created_contract": None,
                "value": str(transfer.amount),
                "type": "call",
                "success": True,
                "error": None,
            }
            yield row | {"index": n + 50, "success": False, "error": "Reverted"}
            yield row | {"index": n + 100, "type": "delegatecall"}
            yield row
    if one.to is None and node.value(one):  # what makes a contract is listed once more, as index 0
        made = {"type": "create", "success": one.ok, "error": None, "value": str(node.value(one)), "index": 0}
        contract = {"from": _party(one.initiator), "to": None, "created_contract": _party(node.made(one))}
        yield {**_place(one), "transaction_hash": one.tx_hash, **made, **contract}


def _tokens(world: World, one: Transaction, address: Address) -> Iterator[dict[str, Any]]:
    tokens = [transfer for transfer in one.transfers if transfer.kind is Kind.TOKEN]
    for n, transfer in reversed(list(enumerate(tokens))):
        if address in (transfer.sender, transfer.recipient):
            asset = world.described.get(AssetId(*transfer.asset))
            decimals = None if asset is None or asset.decimals is None else str(asset.decimals)
            yield {
                **_place(one),
                "block_hash": f"0x{world.hash(one.block or 0)}",
                "transaction_hash": one.tx_hash,
                "log_index": n,
                "from": _party(transfer.sender),
                "to": _party(transfer.recipient),
                "token": {
                    "address_hash": transfer.asset.contract,
                    "symbol": asset.symbol if asset else None,
                    "decimals": decimals,
                    "type": "ERC-20",
                    "reputation": "ok" if asset and asset.listed else "scam",
                },
                "total": {"decimals": decimals, "value": str(transfer.amount)},
            }


_ITEMS: Mapping[str, Callable[[World, Transaction, Address], Iterator[dict[str, Any]]]] = {
    "transactions": _normal,
    "internal-transactions": _inner,
    "token-transfers": _tokens,
}


# --- faults -----------------------------------------------------------------------------------------------------------


def _unprocessed(right: Given) -> Given:
    """Lists of calls are not all there yet; all else is as it is."""
    answer = json.loads(right.body)
    rows = answer.get("result") if isinstance(answer, dict) else None
    if isinstance(rows, list) and (not rows or "callType" in rows[0]):
        return said("2", UNPROCESSED, rows[: len(rows) // 2])
    return right


def _turned(right: Given) -> Given:
    """The rows of a list in another order."""
    answer = json.loads(right.body)
    for name in ("result", "items"):
        if isinstance(answer.get(name), list):
            answer[name] = answer[name][::-1]
    return right._replace(body=json.dumps(answer).encode())


FAULTS: Mapping[str, Spoil] = {
    **COMMON,
    "rate": lambda _: Given(429, b'{"message": "Too Many Requests"}', {"x-ratelimit-reset": "10"}),
    "bad_key": lambda _: Given(401, b'{"message": "Unauthorized"}'),
    "unprocessed": _unprocessed,
    "reordered": _turned,
}
