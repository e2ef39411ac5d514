"""TronGrid as its documentation and recordings show it, serving a world: three lists of an account, and a node's calls.

Its lists hold, beside what moved, what must not be taken for it: approvals, NFTs, TRC-10, loans of resources, rejected
calls, and calls inside that stand among the transactions, too, though it is asked without.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import base58
from eth_utils.crypto import keccak

from tests.servers.serve import COMMON, Answers, Asked, Given, Spoil
from tests.servers.world import World
from tracer.model import Address, Kind, Log, Transaction, Transfer

GENESIS = "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc"
NFT = "TXWkP3jLBqRGojUih1ShzNyDaN5Csnebok"  # invented collectibles: no list says that they are none of TRC-20
_TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = {  # as USDT's contract declares them, by their first topic
    keccak(text="AddedBlackList(address)").hex(): "AddedBlackList(address indexed _user)",
    keccak(text="RemovedBlackList(address)").hex(): "RemovedBlackList(address indexed _user)",
    keccak(text="DestroyedBlackFunds(address,uint256)").hex(): (
        "DestroyedBlackFunds(address indexed _blackListedUser, uint256 _balance)"
    ),
}
Row = dict[str, Any]


def _wrong(status: int, **words: Any) -> Spoil:
    return lambda _: Given(status, json.dumps(words).encode())


def _rows(change: Callable[[list[Row]], list[Row]]) -> Spoil:
    """Another list of rows in a list's reply; other replies stay."""

    def spoil(right: Given) -> Given:
        said = json.loads(right.body)
        if "data" in said:
            said["data"] = change(said["data"])
        return right._replace(body=json.dumps(said).encode())

    return spoil


_SLOWLY = "The key exceeds the frequency limit(15), and the query server is suspended for {}"
PASSING: Mapping[str, Spoil] = {  # what asking again puts right
    **COMMON,
    "suspended": _wrong(429, Error=_SLOWLY.format("27 s")),
    "suspended_403": _wrong(403, Error=_SLOWLY.format("2s")),
    "suspended_old": _wrong(403, success=False, error=_SLOWLY.format("30s"), statusCode=403),
    "no_key_too_fast": _wrong(
        403, Error="request rate exceeded the allowed_rps(3), and the query server is suspended for 1s"
    ),
    "limit_over_200": lambda _: Given(400, b""),
    "reordered": _rows(lambda rows: rows[::-1] if len({row["block_timestamp"] for row in rows}) > 1 else rows),
    "doubled": _rows(lambda rows: rows + rows[-1:]),
}
FAULTS: Mapping[str, Spoil] = {
    **PASSING,
    "daily_quota": _wrong(
        403, Error="Exceed the user daily usage (100000), the maximum query frequency is 1 time per second"
    ),
    "bad_key": _wrong(403, Error="ApiKey not exists"),
}


def trongrid(
    world: World,
    *,
    page: int = 200,
    key: str = "",
    lingering: bool = False,
    genesis: str = GENESIS,
    lost: bool = False,
) -> Answers:
    """Answers of a server with this world. `page`: rows of a reply at most; `key`: no other is let in.

    `lingering`: the last reply has a fingerprint, too, and an empty one follows, as in 2020. `lost`: lists of events
    have none, as in 2025 (github.com/TRON-US/trongrid/issues/23).
    """
    node = _Node(world, genesis)
    lists = {"transactions": node.native, "transactions/trc20": node.tokens, "internal-transactions": node.internal}

    def answers(asked: Asked) -> Given:
        if key and asked.headers.get("tron-pro-api-key") != key:
            return FAULTS["bad_key"](Given(200, b""))
        if asked.path.startswith("/v1/accounts/"):
            account, name = asked.path.removeprefix("/v1/accounts/").split("/", 1)
            return _paged(asked, lists[name](Address(world.chain, account)), page, lingering)
        if asked.path.startswith("/v1/contracts/"):
            contract = Address(world.chain, asked.path.removeprefix("/v1/contracts/").removesuffix("/events"))
            named = [row for row in events(world, contract) if row["event_name"] == asked.query["event_name"]]
            given = _paged(asked, named, page, lingering, "block_")
            return _without_fingerprint(given) if lost else given
        return Given(200, json.dumps(node.call(asked.path, json.loads(asked.body))).encode())

    return answers


def _paged(asked: Asked, rows: list[Row], page: int, lingering: bool, time: str = "") -> Given:
    """A reply of a list: fingerprints hold only while all other parameters stay."""
    query = {name: value for name, value in asked.query.items() if name != "fingerprint"}
    if int(query["limit"]) > 200:
        return Given(400, b"")
    mark = sha256(json.dumps([asked.path, sorted(query.items())]).encode()).hexdigest()[:20]
    start, _, same = asked.query.get("fingerprint", f"0-{mark}").partition("-")
    if same != mark or query["only_confirmed"] != "true" or query["order_by"] != "block_timestamp,asc":
        return _wrong(400, success=False, error="invalid fingerprint", statusCode=400)(Given(400, b""))
    first, last = int(query[f"min_{time}timestamp"]), int(query[f"max_{time}timestamp"])
    found = sorted((row for row in rows if first <= row["block_timestamp"] <= last), key=_moment)
    upto = int(start) + min(page, int(query["limit"]))
    data, meta = found[int(start) : upto], {"at": last + 1, "page_size": page}
    if upto < len(found) or (lingering and data):
        meta |= {"fingerprint": f"{upto}-{mark}", "links": {"next": f"https://api.trongrid.io:443{asked.path}"}}
    return Given(200, json.dumps({"data": data, "success": True, "meta": meta}).encode())


def _without_fingerprint(given: Given) -> Given:
    body = json.loads(given.body)
    body["meta"].pop("fingerprint", None)
    return given._replace(body=json.dumps(body).encode())


def events(world: World, contract: Address) -> list[Row]:
    """The rows of a contract's events, each followed by another event of the same name."""
    rows = (_event(one) for one in world.logs if one.contract == contract)
    return [each for row in rows for each in (row, _namesake(row))]


def _event(one: Log) -> Row:
    event = EVENTS[one.topics[0][2:]]
    name, _, inside = event.removesuffix(")").partition("(")
    declared = [each.split() for each in inside.split(", ")]
    words = [topic[2:] for topic in one.topics[1:]] + [one.data[n : n + 64] for n in range(2, len(one.data), 64)]
    told = [
        f"0x{word[24:]}" if each[0] == "address" else str(int(word, 16))
        for each, word in zip(declared, words, strict=True)
    ]
    by_name = {each[-1]: value for each, value in zip(declared, told, strict=True)}
    return {
        "block_number": one.block,
        "block_timestamp": _milliseconds(one),
        "caller_contract_address": one.contract.text,
        "contract_address": one.contract.text,
        "event_index": one.index,
        "event_name": name,
        "result": {str(n): value for n, value in enumerate(told)} | by_name,
        "result_type": {each[-1]: each[0] for each in declared},
        "event": event,
        "transaction_id": one.tx_hash,
    }


def _namesake(row: Row) -> Row:
    """Another event of the same name: it has an argument more."""
    event = row["event"].replace(")", ", string _why)")
    result = row["result"] | {str(len(row["result_type"])): "so", "_why": "so"}
    return row | {"event": event, "result": result, "event_index": row["event_index"] + 1000}


def _moment(row: Row) -> int:
    return int(row["block_timestamp"])


def _hex(address: Address | None) -> str:
    """An address as a node writes it: 41 and 20 bytes."""
    return base58.b58decode_check(address.text).hex() if address else ""


def _topic(address: Address | None) -> str:
    return _hex(address)[2:].zfill(64)


class _Node:
    """The world in a TRON node's shapes."""

    def __init__(self, world: World, genesis: str) -> None:
        self._world, self._genesis = world, genesis
        self._times = sorted({(one.block or 0, _milliseconds(one)) for one in (*world.transactions, *world.logs)})

    # --- lists ---

    def native(self, account: Address) -> list[Row]:
        mine = [one for one in self._world.of(account) if account in _named(one)]
        inside = [row for row in self.internal(account) if row["block_timestamp"] % 2000 == 0]
        return [row for one in mine for row in self._native(one)] + inside

    def tokens(self, account: Address) -> list[Row]:
        return [
            row
            for one in self._world.of(account)
            for each in _kept(one, Kind.TOKEN)
            if account in (each.sender, each.recipient)
            for row in self._token(one, each)
        ]

    def internal(self, account: Address) -> list[Row]:
        calls = [(one, call) for one in self._world.of(account) for call in self._inside(one)]
        mine = _hex(account)
        return [
            _listed(one, call) for one, call in calls if mine in (call["caller_address"], call["transferTo_address"])
        ]

    def _native(self, one: Transaction) -> Iterator[Row]:
        fee = sum(each.amount for each in one.transfers if each.kind is Kind.FEE)
        ended = {"code": "SUCESS", "contractRet": "SUCCESS" if one.ok else "OUT_OF_ENERGY", "fee": fee}
        told = {"blockNumber": one.block} if (one.block or 0) % 5 else {}  # old rows have none
        yield {**self._said(one), "ret": [ended], "block_timestamp": _milliseconds(one), "net_fee": 0, **told}
        asset = {"owner_address": _hex(one.initiator), "to_address": _hex(one.to), "asset_name": "1002000", "amount": 7}
        other = {"parameter": {"value": asset}, "type": "TransferAssetContract"}
        yield {
            "txID": sha256(one.tx_hash.encode()).hexdigest(),
            "raw_data": {"contract": [other]},
            "ret": [{"contractRet": "SUCCESS", "fee": 0}],
            "block_timestamp": _milliseconds(one),
        }

    def _said(self, one: Transaction) -> Row:
        """The transaction itself: one that failed names the TRX it would have moved."""
        paid = sum(each.amount for each in _kept(one, Kind.NATIVE)) if one.ok else 5_000_000
        plain = one.ok and {each.kind for each in one.transfers} <= {Kind.NATIVE, Kind.FEE}
        value = {"owner_address": _hex(one.initiator), "amount": paid, "to_address": _hex(one.to)}
        if not plain:
            value = {"owner_address": _hex(one.initiator), "contract_address": _hex(one.to), "data": "a9059cbb"}
            value |= {"call_value": paid} if paid else {}  # type: ignore[dict-item]
        kind = "TransferContract" if plain else "TriggerSmartContract"
        return {"txID": one.tx_hash, "raw_data": {"contract": [{"parameter": {"value": value}, "type": kind}]}}

    def _token(self, one: Transaction, each: Transfer) -> Iterator[Row]:
        asset = self._world.described[each.asset]
        info = {"address": each.asset.contract, "symbol": asset.symbol, "name": asset.symbol}
        info |= {"decimals": asset.decimals} if asset.decimals is not None else {}  # type: ignore[dict-item]
        row = {"transaction_id": one.tx_hash, "block_timestamp": _milliseconds(one), "type": "Transfer"}
        row |= {"from": each.sender.text if each.sender else "", "to": each.recipient.text if each.recipient else ""}
        yield {**row, "token_info": info, "value": str(each.amount)}
        yield {**row, "token_info": info, "value": str(2**256 - 1), "type": "Approval"}
        yield {**row, "token_info": {"address": NFT, "symbol": "ART", "name": "Art"}, "value": "4711"}

    # --- calls ---

    def call(self, path: str, body: Row) -> Any:
        """What a node answers: {} where it knows nothing."""
        name = path.rsplit("/", 1)[-1]
        if name == "getblock":
            number = int(body.get("id_or_num", self._world.head))
            return {} if number > self._world.head else self._block(number)
        one = self._world.transaction(body["value"])
        if one is None:
            return {}
        return self._info(one) if name == "gettransactioninfobyid" else self._with_end(one)

    def _with_end(self, one: Transaction) -> Row:
        return {**self._said(one), "ret": [{"contractRet": "SUCCESS" if one.ok else "OUT_OF_ENERGY"}]}

    def _block(self, number: int) -> Row:
        raw = {"number": number, "timestamp": self._time(number)} if number else {}  # zeros are left out
        known = self._world.hash(number) if number else self._genesis
        return {"blockID": known, "block_header": {"raw_data": raw, "witness_signature": "00"}}

    def _time(self, number: int) -> int:
        """When a block was made: those between known ones a tenth of a second after another."""
        at = bisect_right(self._times, (number, 2**62)) - 1
        known, time = self._times[max(at, 0)]
        return time + (number - known) * 100

    def _info(self, one: Transaction) -> Row:
        fee = sum(each.amount for each in one.transfers if each.kind is Kind.FEE)
        about = {"id": one.tx_hash, "blockNumber": one.block, "blockTimeStamp": _milliseconds(one)}
        ended = {} if one.ok else {"result": "FAILED", "resMessage": "4f7574"}
        logs, calls = list(self._logs(one)), [*self._inside(one)]
        return about | ({"fee": fee} if fee else {}) | ended | {"log": logs, "internal_transactions": calls}

    def _logs(self, one: Transaction) -> Iterator[Row]:
        for each in sorted(_kept(one, Kind.TOKEN), key=lambda each: each.index or 0):
            ends = _topic(each.sender), _topic(each.recipient)
            where = _hex(Address(one.chain, each.asset.contract))[2:]
            yield {"address": where, "topics": [_TRANSFER, *ends], "data": f"{each.amount:064x}"}
            art = _hex(Address(one.chain, NFT))[2:]
            yield {"address": art, "topics": [_TRANSFER, *ends, f"{4711:064x}"]}

    def _inside(self, one: Transaction) -> Iterator[Row]:
        """The calls of a transaction: each that paid is followed by one that was rejected and one that only lends."""
        for n, each in enumerate(_kept(one, Kind.INTERNAL)):
            ends = {"caller_address": _hex(each.sender), "transferTo_address": _hex(each.recipient)}
            paid, token = {"callValue": each.amount}, {"callValue": 9, "tokenId": "1002000"}
            hashed = [sha256(f"{one.tx_hash}:{n}:{m}".encode()).hexdigest() for m in range(3)]
            call, lend = b"call".hex(), b"delegateResourceOfEnergy".hex()
            yield {"hash": hashed[0], **ends, "callValueInfo": [paid, token], "note": call}
            yield {"hash": hashed[1], **ends, "callValueInfo": [paid], "note": call, "rejected": True}
            yield {"hash": hashed[2], **ends, "callValueInfo": [paid], "note": lend}


def _kept(one: Transaction, kind: Kind) -> list[Transfer]:
    return [each for each in one.transfers if each.kind is kind]


def _listed(one: Transaction, call: Row) -> Row:
    """A call inside as the lists show it."""
    paid = {each.get("tokenId", "_"): each["callValue"] for each in call["callValueInfo"]}
    return {
        "internal_tx_id": call["hash"],
        "tx_id": one.tx_hash,
        "from_address": call["caller_address"],
        "to_address": call["transferTo_address"],
        "block_timestamp": _milliseconds(one),
        "data": {"note": call["note"], "rejected": call.get("rejected", False), "call_value": paid},
    }


def _named(one: Transaction) -> tuple[Address | None, Address | None]:
    return one.initiator, one.to


def _milliseconds(one: Transaction | Log) -> int:
    return round((one.at - _EPOCH).total_seconds() * 1000)
