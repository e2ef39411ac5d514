"""What any node tells of a world, as JSON-RPC results: explorers pass such questions on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.servers.world import World
from tracer.model import Address, Kind, Transaction, Transfer
from tracer.sources.decode import TRANSFER


def result(world: World, method: str, params: list[Any]) -> Any:
    """What a node answers to a method. Its head is `world.head`."""
    if method == "eth_blockNumber":
        return hex(world.head)
    if method == "eth_getBlockByNumber":
        number = int(params[0], 16)
        return block(world, number) if number <= world.head else None
    one = world.transaction(params[0])
    if one is None:
        return None
    return {"eth_getTransactionReceipt": receipt, "eth_getTransactionByHash": transaction}[method](world, one)


def block(world: World, number: int) -> dict[str, Any]:
    """The head of a block."""
    at = next((one.at for one in world.in_order if one.block == number), datetime(2025, 1, 1, tzinfo=UTC))
    hashes = {"hash": f"0x{world.hash(number)}", "parentHash": f"0x{world.hash(number - 1)}"}
    return {"number": hex(number), **hashes, "timestamp": hex(int(at.timestamp())), "transactions": []}


def transaction(world: World, one: Transaction) -> dict[str, Any]:
    """A transaction as it was signed: with what it would have moved, had it not failed."""
    return {
        **_place(world, one),
        "hash": one.tx_hash,
        "from": text(one.initiator),
        "to": text(one.to) or None,
        "value": hex(value(one)),
        "gasPrice": hex(gas(one)[1]),
    }


def receipt(world: World, one: Transaction) -> dict[str, Any]:
    """How it ended."""
    used, price = gas(one)
    tokens = [transfer for transfer in one.transfers if transfer.kind is Kind.TOKEN]
    return {
        **_place(world, one),
        "transactionHash": one.tx_hash,
        "status": hex(one.ok),
        "gasUsed": hex(used),
        "effectiveGasPrice": hex(price),
        "contractAddress": made(one) or None,
        "logs": [_log(world, one, transfer, n) for n, transfer in enumerate(tokens)],
    }


def _place(world: World, one: Transaction) -> dict[str, Any]:
    number = one.block or 0
    return {
        "blockNumber": hex(number),
        "blockHash": f"0x{world.hash(number)}",
        "transactionIndex": hex(one.tx_index or 0),
    }


def _log(world: World, one: Transaction, transfer: Transfer, n: int) -> dict[str, Any]:
    ends = (f"0x{text(end)[2:]:0>64}" for end in (transfer.sender, transfer.recipient))
    return {
        **_place(world, one),
        "address": transfer.asset.contract.lower(),
        "topics": [TRANSFER, *ends],
        "data": f"0x{transfer.amount:064x}",
        "transactionHash": one.tx_hash,
        "logIndex": hex(n),
    }


# --- what lists say in the same words ---------------------------------------------------------------------------------

NEVER = 7 * 10**17  # what a failed transaction says it would have moved


def text(address: Address | None) -> str:
    """An address as explorers write it; "" if there is none."""
    return address.text.lower() if address else ""


def value(one: Transaction) -> int:
    """What a transaction itself was to move."""
    return sum(each.amount for each in one.transfers if each.kind is Kind.NATIVE) if one.ok else NEVER


def gas(one: Transaction) -> tuple[int, int]:
    """What it used and what that cost apiece, together its fee."""
    fee = sum(each.amount for each in one.transfers if each.kind is Kind.FEE)
    return (21_000, fee // 21_000) if fee % 21_000 == 0 else (1, fee)


def made(one: Transaction) -> str:
    """The contract that a transaction made."""
    if one.to is not None or not one.ok:
        return ""
    return next((text(each.recipient) for each in one.transfers if each.kind is Kind.NATIVE), "")
