"""What a bitcoin transaction says itself is read with it and kept, as far as it is text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.makers import BITCOIN
from tests.sources.bitcoin_story import FIRST, WALLET
from tests.sources.bitcoin_story import tx_hash as name
from tracer.actions.keeping import keep
from tracer.detect import bridges
from tracer.model import OP_RETURN, Address, Checkpoint, Coverage, Log
from tracer.sources import Page
from tracer.sources.base import envelope
from tracer.sources.esplora import KIND, parse
from tracer.store.store import Store

MEMO = b"=:ETH.USDC:0x" + b"7" * 40 + b":0/1/0"


def pushed(said: bytes) -> str:
    """An OP_RETURN script of one push, as wallets write it."""
    head = b"\x6a" + (bytes([len(said)]) if len(said) < 76 else b"\x4c" + bytes([len(said)]))
    return (head + said).hex()


def kept(*scripts: str) -> bytes:
    """A page with one transaction: an output for each script, of which none has an address."""
    vout = [{"scriptpubkey": one, "scriptpubkey_type": "op_return", "value": 0} for one in scripts]
    row: dict[str, Any] = {"txid": name(1), "vout": vout, "fee": 0}
    row["vin"] = [{"txid": name(2), "vout": 0, "is_coinbase": True, "prevout": None}]
    row["status"] = {"confirmed": True, "block_height": FIRST, "block_hash": "0" * 64, "block_time": 1_700_000_000}
    return envelope(KIND, {"transactions": [json.dumps(row).encode()]}, chain=BITCOIN, floor=-1, upto=FIRST)


def said(raw: bytes) -> list[tuple[str, int, str]]:
    """What a page's transactions say: transaction, position, text."""
    return [(one.tx_hash, one.index, bytes.fromhex(one.data[2:]).decode()) for one in parse(raw).logs]


@pytest.mark.parametrize("text", [b"hello", MEMO, b"=" * 75, b"=" * 76, b"=" * 80])
def test_text_is_read(text: bytes) -> None:
    """Short pushes and long ones, at their place among the outputs."""
    assert [(name(1), 1, text.decode())] == said(kept("51", pushed(text)))


@pytest.mark.parametrize(
    "script", ["", "6a", "6a05", "6a0568656c6c", "6a0568656c6c6f00", "51", pushed(b"\xff\x00"), pushed(b"")]
)
def test_what_is_no_text_is_left_out(script: str) -> None:
    """Other scripts, pushes that are cut or followed by more, and bytes that nobody can read."""
    assert [] == said(kept(script))


def test_it_is_kept_with_its_page(store: Store) -> None:
    """Pulled, stored, and read by who follows bridges; pulled again it is no second one."""
    raw = kept(pushed(MEMO))
    found = parse(raw)
    page = Page("esplora", raw, found.transactions, (), Checkpoint(), FIRST, {}, Coverage("complete"), True, found.logs)
    for _ in range(2):
        keep(store, [(WALLET, page)], {})

    place = Address(BITCOIN, OP_RETURN)
    assert [Log(place, name(1), 0, FIRST, found.transactions[0].at, (OP_RETURN,), f"0x{MEMO.hex()}")] == store.logs(
        [place]
    )
    assert ["thorchain"] == [message.protocol for message in bridges.messages(store.logs([bridges.MEMOS]))]
