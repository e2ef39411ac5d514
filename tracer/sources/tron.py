"""What replies of TronGrid and of TRON nodes mean: the rows of an account's three lists, a transaction, its info. Pure.

Addresses come in three forms: base58 in the list of tokens, 41… in that of transactions, 20 bare bytes in logs.

Followed are TRX and TRC-20 tokens. TRC-10 is another kind of asset and is not; nor is what moves without a second
address: stakes, votes' rewards, the built-in exchange. Left out as no transfers: approvals, NFTs (TRC-721), rows that
are not final, calls inside that were rejected or only lend resources. What is not as documented raises one of WRONG.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tracer.chains import listed, parse_address, parse_chain, tron_contract
from tracer.errors import SourceBroken
from tracer.model import NATIVE, Address, Asset, AssetId, Kind, Transaction
from tracer.sources import decode
from tracer.sources.base import Said
from tracer.sources.cells import amount, clean
from tracer.sources.decode import SYMBOL, WRONG, Move

LISTS = {  # of an account, by the name they are kept under
    "native": "/v1/accounts/{}/transactions",
    "token": "/v1/accounts/{}/transactions/trc20",
    "internal": "/v1/accounts/{}/internal-transactions",
}
_CHAIN = parse_chain("tron")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRANSFER = decode.TRANSFER[2:]
_VM = {"TriggerSmartContract", "CreateSmartContract"}  # only these can fail in a block
_PAYING = {  # kinds of contracts that pass TRX on, and what they call the amount
    "TransferContract": "amount",
    "TriggerSmartContract": "call_value",
    "ParticipateAssetIssueContract": "amount",
}
_MOVING = {"call", "create", "suicide"}  # other notes of a call inside state a stake, a vote or a loan of resources
_TRX = {"_", "5f", "3566"}  # as hex, and as hex of it: github.com/TRON-US/trongrid/issues/17; others are TRC-10 ids


@dataclass(slots=True)
class Told:
    """What the lists say of one transaction, together. `at`: milliseconds. `block` is None where none of them tells."""

    at: int
    block: int | None = None
    initiator: str | None = None
    to: str | None = None
    ok: bool = True
    moves: list[Move] = field(default_factory=list)


# --- plain values -----------------------------------------------------------------------------------------------------


def address(text: str) -> str:
    """An address in any of its forms (base58, 41…, 0x… or 20 bare bytes in hex) in base58. Raises BadAddress."""
    bare = text.removeprefix("0x")
    return parse_address(_CHAIN, f"41{bare}" if len(bare) == 40 else bare).text


def moment(milliseconds: int) -> datetime:
    """When a block was made."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _is_address(topic: str) -> bool:
    """Whether a topic is one. Old contracts leave the prefix 41 before its 20 bytes."""
    return len(topic) == 64 and not topic[:24].removesuffix("41").strip("0")


def _note(note: str) -> str:
    """What a call inside did: in hex at TronGrid, in plain text at some nodes."""
    try:
        return bytes.fromhex(note).decode("ascii")
    except ValueError:
        return note


# --- one transaction --------------------------------------------------------------------------------------------------


def _add_own(told: Told, tx: Any, fee: int) -> None:
    """What a transaction says of itself: who began it, whether it came off, the TRX it passes on and burns."""
    (contract,) = tx["raw_data"]["contract"]
    kind, value = contract["type"], contract["parameter"]["value"]
    owner = address(value["owner_address"])
    told.initiator, told.ok = owner, _came_off(kind, (tx.get("ret") or [{}])[0])
    to = value.get("to_address") or value.get("contract_address")
    told.to = address(to) if to else None
    recipient, paid = told.to, value.get(_PAYING.get(kind, ""), 0)
    if kind == "CreateSmartContract":
        recipient = tron_contract(tx["txID"], Address(_CHAIN, owner)).text
        paid = value["new_contract"].get("call_value", 0)
    if paid:
        told.moves.append(Move(Kind.NATIVE, NATIVE, decode.quantity(paid), owner, recipient))
    if fee:
        told.moves.append(Move(Kind.FEE, NATIVE, decode.quantity(fee), owner, None))


def _came_off(kind: str, ret: Mapping[str, Any]) -> bool:
    """Blocks of before there were contracts say no result: what does not run in the VM is there because it came off."""
    result = ret.get("contractRet")
    return result == "SUCCESS" or (result is None and kind not in _VM and ret.get("code") in (None, "SUCESS"))


def _token_moves(info: Any) -> Iterator[Move]:
    """The TRC-20 Transfers among the logs of a transaction, by their place among these; anyone can write others."""
    for position, log in enumerate(info.get("log") or ()):
        event, *ends = log.get("topics") or [""]
        data = log.get("data") or ""
        if event == _TRANSFER and len(ends) == 2 and len(data) == 64 and all(map(_is_address, ends)):
            sender, recipient = (address(end[24:]) for end in ends)
            yield Move(Kind.TOKEN, address(log["address"]), int(data, 16), sender, recipient, position)


def _nfts(infos: Iterable[Any]) -> set[str]:
    """Contracts whose Transfers have four topics."""
    logs = (log for info in infos for log in info.get("log") or ())
    return {
        address(log["address"]) for log in logs if len(log.get("topics") or ()) == 4 and log["topics"][0] == _TRANSFER
    }


def _inner(note: str, rejected: bool, paid: int, sender: str, recipient: str) -> Iterator[Move]:
    """What a call inside passed on; one without a note is none of those that only state something."""
    if paid and not rejected and (not note or _note(note) in _MOVING):
        yield Move(Kind.INTERNAL, NATIVE, decode.quantity(paid), address(sender), address(recipient))


def _inner_moves(info: Any) -> Iterator[Move]:
    """The TRX that the calls of a transaction passed on."""
    for call in info.get("internal_transactions") or ():
        paid = sum(one.get("callValue", 0) for one in call.get("callValueInfo") or () if not one.get("tokenId"))
        ends = call["caller_address"], call.get("transferTo_address", "")
        yield from _inner(call.get("note", ""), call.get("rejected", False), paid, *ends)


# --- the rows of an account's lists -----------------------------------------------------------------------------------


def doubts(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Transactions whose own logs must say what rows of the list of tokens do not: by hash, the contract or "".

    Equal rows may be one Transfer given twice, or two; without decimals a token may be an NFT, without a contract any.
    """
    moved = [row for row in rows if row["type"] == "Transfer"]
    same = Counter(map(_content, moved))
    found: dict[str, str] = {}
    asked: set[str] = set()
    for row in moved:
        contract = _contract(row)
        if not contract or same[_content(row)] > 1:
            found[row["transaction_id"]] = ""
        elif _may_be_nft(row, contract) and contract not in asked:
            asked.add(contract)
            found.setdefault(row["transaction_id"], contract)
    return found


def _content(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["transaction_id"], _contract(row), row["from"], row["to"], row["value"]


def _contract(row: Mapping[str, Any]) -> str:
    text = (row.get("token_info") or {}).get("address")
    return address(text) if text else ""


def _may_be_nft(row: Mapping[str, Any], contract: str) -> bool:
    return not row["token_info"].get("decimals") and listed(AssetId(_CHAIN, contract)) is None


class _Lists:
    """Reads the rows of a page into transactions by hash; `infos`: what was asked for to settle doubts."""

    def __init__(self, start: int, upto: int, infos: Iterable[Any]) -> None:
        self.found: dict[str, Told] = {}
        self.described: dict[str, Mapping[str, Any]] = {}
        self._start, self._upto = start, upto
        self._infos = {info["id"]: info for info in infos}
        self._nfts = _nfts(self._infos.values())
        self._seen: set[tuple[str, ...]] = set()

    def add(self, row: Mapping[str, Any]) -> None:
        """One row of any list: its form tells which."""
        if not self._start <= row["block_timestamp"] <= self._upto or row.get("_unconfirmed"):
            return
        if "internal_tx_id" in row:  # stands in the list of transactions, too
            self._internal(row)
        elif "transaction_id" in row:
            self._token(row)
        else:
            self._transaction(row)

    def _told(self, tx_hash: str, row: Mapping[str, Any]) -> Told:
        told = self.found.setdefault(tx_hash, Told(row["block_timestamp"]))
        if told.at != row["block_timestamp"]:
            raise ValueError(f"two lists disagree on when {tx_hash} was")
        return told

    def _once(self, *key: str) -> bool:
        """True for the first row of this identity."""
        new = key not in self._seen
        self._seen.add(key)
        return new

    def _transaction(self, row: Mapping[str, Any]) -> None:
        if self._once(row["txID"]):
            told = self._told(row["txID"], row)
            told.block = row.get("blockNumber")
            fee = (row.get("ret") or [{}])[0].get("fee")
            _add_own(told, row, row.get("net_fee", 0) + row.get("energy_fee", 0) if fee is None else fee)

    def _internal(self, row: Mapping[str, Any]) -> None:
        if self._once(row["tx_id"], row["internal_tx_id"]):
            data = row["data"]
            paid = sum(int(paid) for token, paid in (data.get("call_value") or {}).items() if token in _TRX)
            ends = row["from_address"], row["to_address"]
            moves = list(_inner(data.get("note", ""), data.get("rejected", False), paid, *ends))
            if moves:
                self._told(row["tx_id"], row).moves += moves

    def _token(self, row: Mapping[str, Any]) -> None:
        tx_hash, contract = row["transaction_id"], _contract(row)
        if row["type"] != "Transfer" or contract in self._nfts:
            return
        self.described.setdefault(contract, row.get("token_info") or {})
        told = self._told(tx_hash, row)
        if tx_hash not in self._infos:
            ends = address(row["from"]), address(row["to"])
            told.moves.append(Move(Kind.TOKEN, contract, amount(row["value"]), *ends))
        elif self._once(tx_hash, "logs"):
            told.moves += _token_moves(self._infos[tx_hash])


# --- a page that was kept ---------------------------------------------------------------------------------------------


def parse(raw: bytes) -> Said:
    """What a kept page says: of an account's lists, or of one transaction. Raises SourceBroken where it is none."""
    try:
        page = json.loads(raw)
        if page["replies"] == {}:
            return Said((), ())
        return _of_account(page) if "address" in page else _of_transaction(page)
    except (*WRONG, RecursionError) as wrong:
        raise SourceBroken(f"TronGrid's reply is not as documented: {type(wrong).__name__} {wrong}") from wrong


def _of_account(page: Any) -> Said:
    replies = page["replies"]
    lists = _Lists(page["start"], page["upto"], replies.get("infos", ()))
    for row in (row for name in LISTS for reply in replies.get(name, ()) for row in reply["data"]):
        lists.add(row)
    made = [_transaction(page["chain"], tx_hash, told, page["address"]) for tx_hash, told in lists.found.items()]
    transactions = sorted((one for one in made if one.transfers), key=lambda one: one.order)
    return Said(tuple(transactions), _assets(transactions, lists.described))


def _of_transaction(page: Any) -> Said:
    (tx,), (info,) = page["replies"]["transaction"], page["replies"]["info"]
    tx_hash = page["tx_hash"]
    if not tx["txID"] == info["id"] == tx_hash:
        raise ValueError("another transaction than was asked for")
    told = Told(info["blockTimeStamp"], info["blockNumber"])
    _add_own(told, tx, info.get("fee", 0))
    told.ok = told.ok and info.get("result") != "FAILED"
    told.moves += [*_token_moves(info), *_inner_moves(info)]
    one = _transaction(page["chain"], tx_hash, told, None)
    return Said((one,), _assets([one], {}))


def _transaction(chain: str, tx_hash: str, told: Told, mine: str | None) -> Transaction:
    """The model's transaction: whole, or as far as it is an address's."""
    if not told.ok and mine and any(move.kind is Kind.TOKEN for move in told.moves):
        raise ValueError(f"two lists disagree on whether {tx_hash} came off")
    moves = [move for move in told.moves if told.ok or move.kind is Kind.FEE]
    return Transaction(
        chain=chain,
        tx_hash=tx_hash,
        at=moment(told.at),
        block=told.block,
        initiator=Address(chain, told.initiator) if told.initiator else None,
        to=Address(chain, told.to) if told.to else None,
        ok=told.ok,
        whole=mine is None,
        transfers=decode.transfers(chain, tx_hash, (m for m in moves if mine in (None, m.sender, m.recipient))),
    )


def _assets(transactions: Iterable[Transaction], described: Mapping[str, Mapping[str, Any]]) -> tuple[Asset, ...]:
    moved = sorted({transfer.asset for one in transactions for transfer in one.transfers})
    return tuple(_asset(asset, described.get(asset.contract, {})) for asset in moved)


def _asset(asset: AssetId, says: Mapping[str, Any]) -> Asset:
    """What a token is called: as the verified list says, else as it says itself, which is what a stranger wrote."""
    token, digits = listed(asset), says.get("decimals")
    if not isinstance(digits, int) or not 0 <= digits < 256:
        digits = None
    if token:
        return Asset(asset, token.symbol, digits if token.decimals is None else token.decimals, listed=True)
    return Asset(asset, clean(str(says.get("symbol") or ""))[:SYMBOL], digits)
