"""Esplora's REST API (https://github.com/Blockstream/esplora/blob/master/API.md) over a world on bitcoin."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.serve import COMMON, Answers, Asked, Given, Spoil
from tests.servers.world import World
from tracer.chains import parse_address
from tracer.errors import BadAddress
from tracer.model import Kind, Transaction, Transfer

GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
NOTHING = 2**32 - 1  # the position that a coinbase's input names


def _rows(change: Callable[[list[Any]], list[Any]]) -> Spoil:
    """A fault that changes a list of transactions, and nothing else."""

    def spoil(right: Given) -> Given:
        said = json.loads(right.body) if right.body[:2] == b"[{" else []
        return right._replace(body=json.dumps(change(said)).encode()) if said else right

    return spoil


def _without_amounts(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "vin": [{**spent, "prevout": None} for spent in row["vin"]], "fee": row["fee"] + 1}


def _with_floats(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "vout": [{**made, "value": float(made["value"])} for made in row["vout"]]}


FAULTS: Mapping[str, Spoil] = {
    **COMMON,
    # Blockstream/esplora#449: no Retry-After
    "too_many": lambda _: Given(429, b"Too Many Requests", {"Content-Type": "text/plain"}),
    "gateway": lambda _: Given(504, b"<html><h1>504 Gateway Time-out</h1></html>"),
    "repeated": _rows(lambda rows: [row for row in rows for _ in range(2)]),
    "reversed": _rows(lambda rows: rows[::-1]),
    "unconfirmed": _rows(lambda rows: [{**rows[0], "status": {"confirmed": False}}, *rows]),
    "without_amounts": _rows(lambda rows: list(map(_without_amounts, rows))),
    "with_floats": _rows(lambda rows: list(map(_with_floats, rows))),
}


@dataclass(frozen=True)
class Explorer:
    """The world as it is served. `page`: transactions of a list (25 at blockstream.info, 50 at mempool.space).

    `tip`: blocks above are not known yet. `lost`: transactions that the address lists, but not the counts, leave out.
    `genesis`: the first block of another chain.
    """

    world: World
    page: int = 25
    tip: int | None = None
    lost: frozenset[str] = frozenset()
    genesis: str = GENESIS

    @property
    def height(self) -> int:
        """Of the newest block."""
        return self.world.head if self.tip is None else self.tip

    def hash(self, number: int) -> str:
        """Of a block; the first one's is known to everybody."""
        return self.genesis if number == 0 else self.world.hash(number)

    def __call__(self, asked: Asked) -> Given:
        """The answer to a request."""
        match asked.path.strip("/").split("/"):
            case ["blocks", "tip", "height"]:
                return Given(200, str(self.height).encode())
            case ["block-height", number] if int(number) <= self.height:
                return Given(200, self.hash(int(number)).encode())
            case ["block-height", _]:
                return Given(404, b"Block not found")
            case ["tx", tx_hash]:
                found = self.world.transaction(tx_hash)
                return Given(404, b"Transaction not found") if found is None else _json(self._transaction(found))
            case ["address", text, *rest]:
                return self._address(text, rest)
            case _:
                return Given(404, f"endpoint does not exist {asked.path!r}".encode())

    def _address(self, text: str, rest: list[str]) -> Given:
        try:
            address = parse_address(self.world.chain, text)
        except BadAddress:
            return Given(400, b"Invalid Bitcoin address")
        known = [one for one in reversed(self.world.of(address)) if (one.block or 0) <= self.height]
        match rest:
            case []:
                return _json(
                    {"address": text, "chain_stats": {"tx_count": len(known)}, "mempool_stats": {"tx_count": 0}}
                )
            case ["txs", "chain", *last]:
                return _json([self._transaction(one) for one in self._after(known, last)])
        return Given(404, b"endpoint does not exist")

    def _after(self, known: list[Transaction], last: list[str]) -> list[Transaction]:
        """As the server finds them: it skips up to the last seen one, so an unknown one is followed by nothing."""
        hashes = [one.tx_hash for one in known]
        start = 0 if not last else hashes.index(last[0]) + 1 if last[0] in hashes else len(hashes)
        return [one for one in known[start:] if one.tx_hash not in self.lost][: self.page]

    def _transaction(self, one: Transaction) -> dict[str, Any]:
        by_position = sorted(one.transfers, key=lambda moved: moved.index or 0)
        spent = [moved for moved in by_position if moved.kind is Kind.INPUT]
        made = [moved for moved in by_position if moved.kind is Kind.OUTPUT]
        fee = sum(moved.amount for moved in spent) - sum(moved.amount for moved in made)
        status: dict[str, Any] = {"confirmed": (one.block or 0) <= self.height}
        if status["confirmed"]:
            place = {"block_height": one.block, "block_hash": self.hash(one.block or 0)}
            status |= place | {"block_time": int(one.at.timestamp())}
        return {
            "txid": one.tx_hash,
            "version": 2,
            "locktime": 0,
            "vin": [_input(moved) for moved in spent] or [_coinbase()],
            "vout": [_output(moved) for moved in made],
            "size": 200,
            "weight": 800,
            "fee": fee if spent else 0,
            "status": status,
        }


def _input(moved: Transfer) -> dict[str, Any]:
    tx_hash, _, position = (moved.outpoint or "").partition(":")
    return {"txid": tx_hash, "vout": int(position), "prevout": _output(moved), "is_coinbase": False, "sequence": 0}


def _coinbase() -> dict[str, Any]:
    return {"txid": "0" * 64, "vout": NOTHING, "prevout": None, "is_coinbase": True, "sequence": NOTHING}


def _output(moved: Transfer) -> dict[str, Any]:
    where = moved.sender or moved.recipient
    named = {"scriptpubkey_type": "v0_p2wpkh", "scriptpubkey_address": where.text} if where else {}
    return {"scriptpubkey": "00", "scriptpubkey_asm": "", "scriptpubkey_type": "p2pk", **named, "value": moved.amount}


def _json(said: Any) -> Given:
    return Given(200, json.dumps(said).encode(), {"Content-Type": "application/json"})


def esplora(world: World, **how: Any) -> Answers:
    """A server over this world; see Explorer."""
    return Explorer(world, **how)
