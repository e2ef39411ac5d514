"""Events of bridges as their contracts write them, for tests: by the documented signatures, encoded by eth_abi."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.makers import START, tx_hash
from tracer.chains import parse_address, parse_chain
from tracer.detect.bridges import MEMOS
from tracer.model import OP_RETURN, Address, Log

SPOKES = {
    "ethereum": "0x5c7BCd6E7De5423a257D81B442095A1a6ced35C5",
    "base": "0x09aea4b2242abC8bb4BB78D537A67a245A7bEC64",
}
MESSENGER, MINTER = "0xBd3fa81B58Ba92a82136038B25aDec7066af3155", "0xc4922d64a24675E16e1586e3e3Aa56C06fABe907"
TRANSMITTER = "0xAD09780d193884d503182aD4588450C416D6F9D4"  # on base
MESSENGER2, TRANSMITTER2 = "0x28b5a0e9C621a5BadaA536219b3a228C8168cf5d", "0x81D40F21F12A8F0E3252Bccb954D722d4c464B64"
MINTER2 = "0xfd78EE919681417d192449715b2594ab58f5D002"
ROUTER, ROUTER_BSC = "0xD37BbE5744D730a1d98d8DC97c42F0Ca46aD7146", "0xb30eC53F98ff5947EDe720D32aC2da7e52A5f56b"
USDC, USDC_BASE = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
NOBODY = "0x" + "0" * 40


def word(address: str) -> bytes:
    """An address as bytes32."""
    return bytes(12) + bytes.fromhex(address[2:])


def log(chain: str, contract: str, event: str, *values: Any, tx: int = 1, index: int = 0, **indexed: Any) -> Log:
    """A log of an event; parameters are told by `indexed` markers in its signature: `Deposit(address*,uint256)`."""
    name, _, inside = event.partition("(")
    types = _split(inside[:-1])
    topics = [keccak(text=f"{name}({','.join(one.rstrip('*') for one in types)})")]
    topics += [encode([t[:-1]], [v]) for t, v in zip(types, values, strict=True) if t.endswith("*")]
    data = [(t, v) for t, v in zip(types, values, strict=True) if not t.endswith("*")]
    return Log(
        parse_address(chain, contract),
        tx_hash(tx),
        index,
        tx,
        START + timedelta(minutes=tx),
        tuple(f"0x{topic.hex()}" for topic in topics),
        f"0x{encode([t for t, _ in data], [v for _, v in data]).hex()}",
    )


def _split(types: str) -> list[str]:
    """Types at the top level; a tuple is one."""
    return re.findall(r"\([^)]*\)|[^,()]+", types)


def deposited(
    to: int, number: int, amount: int, least: int, recipient: str, *, tx: int = 1, output: str = USDC_BASE, **more: Any
) -> Log:
    """Across: who pays 0x…01 in USDC on ethereum for `recipient` on another chain."""
    event = (
        "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256*,uint256*,uint32,uint32,uint32,bytes32*,bytes32,"
        "bytes32,bytes)"
    )
    values = (word(USDC), word(output), amount, least, to, number, 1, 2, 3, word(PAYER), word(recipient), word(NOBODY))
    return log("ethereum", SPOKES["ethereum"], event, *values, b"", tx=tx, **more)


PAYER = "0x" + "0" * 39 + "1"


def filled(  # noqa: PLR0917 - the terms
    number: int,
    amount: int,
    least: int,
    recipient: str,
    paid: int | None = None,
    paid_to: str = "",
    *,
    tx: int = 2,
    output: str = USDC_BASE,
) -> Log:
    """Across: a relayer's fill on base of a deposit on ethereum."""
    event = (
        "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256*,uint256*,uint32,uint32,bytes32,bytes32*,bytes32,"
        "bytes32,bytes32,(bytes32,bytes32,uint256,uint8))"
    )
    info = (word(paid_to or recipient), bytes(32), least if paid is None else paid, 0)
    head = (word(USDC), word(output), amount, least, 1, 1, number, 2, 3, word(NOBODY), word(NOBODY))
    return log("base", SPOKES["base"], event, *head, word(PAYER), word(recipient), bytes(32), info, tx=tx)


def deposited_before(number: int, amount: int, least: int, recipient: str, *, tx: int = 1) -> Log:
    """Across before 2025: V3FundsDeposited, from ethereum to base."""
    event = (
        "V3FundsDeposited(address,address,uint256,uint256,uint256*,uint32*,uint32,uint32,uint32,address*,address,"
        "address,bytes)"
    )
    values = (USDC, USDC_BASE, amount, least, 8453, number, 1, 2, 3, PAYER, recipient, NOBODY, b"hello")
    return log("ethereum", SPOKES["ethereum"], event, *values, tx=tx)


def filled_before(number: int, amount: int, least: int, recipient: str, *, tx: int = 2) -> Log:
    """Across before 2025: FilledV3Relay, whose end is of no fixed length."""
    event = (
        "FilledV3Relay(address,address,uint256,uint256,uint256,uint256*,uint32*,uint32,uint32,address,address*,"
        "address,address,bytes,(address,bytes,uint256,uint8))"
    )
    info = (recipient, b"hello", least, 0)
    values = (USDC, USDC_BASE, amount, least, 1, 1, number, 2, 3, NOBODY, NOBODY, PAYER, recipient, b"hello", info)
    return log("base", SPOKES["base"], event, *values, tx=tx)


def burned(nonce: int, amount: int, recipient: str, *, domain: int = 6, tx: int = 1) -> Log:
    """CCTP v1: burned on ethereum, to be minted on base."""
    event = "DepositForBurn(uint64*,address*,uint256,address*,bytes32,uint32,bytes32,bytes32)"
    values = (nonce, USDC, amount, PAYER, word(recipient), domain, bytes(32), bytes(32))
    return log("ethereum", MESSENGER, event, *values, tx=tx)


def minted(nonce: int, amount: int, recipient: str, *, tx: int = 2, domain: int = 0) -> Log:
    """CCTP v1: a message received on base."""
    body = bytes(4) + word(USDC) + word(recipient) + amount.to_bytes(32) + word(PAYER)
    event = "MessageReceived(address*,uint32,uint64*,bytes32,bytes)"
    return log("base", TRANSMITTER, event, NOBODY, domain, nonce, word(MESSENGER), body, tx=tx)


def burned2(amount: int, recipient: str, *, most: int = 10, hook: bytes = b"", tx: int = 1, index: int = 0) -> Log:
    """CCTP v2: burned on ethereum, to be minted on base."""
    event = "DepositForBurn(address*,uint256,address*,bytes32,uint32,bytes32,bytes32,uint256,uint32*,bytes)"
    values = (USDC, amount, PAYER, word(recipient), 6, bytes(32), bytes(32), most, 1000, hook)
    return log("ethereum", MESSENGER2, event, *values, tx=tx, index=index)


def minted2(  # noqa: PLR0917 - what a message says
    nonce: int,
    amount: int,
    recipient: str,
    *,
    most: int = 10,
    fee: int = 1,
    hook: bytes = b"",
    tx: int = 2,
    by: str = MESSENGER2,
) -> Log:
    """CCTP v2: a message received on base, numbered when it was attested."""
    head = bytes(4) + word(USDC) + word(recipient) + amount.to_bytes(32) + word(PAYER)
    body = head + most.to_bytes(32) + fee.to_bytes(32) + bytes(32) + hook
    event = "MessageReceived(address*,uint32,bytes32*,bytes32,uint32*,bytes)"
    return log("base", TRANSMITTER2, event, NOBODY, 0, nonce.to_bytes(32), word(by), 1000, body, tx=tx)


def swapped(memo: str, amount: int, *, asset: str = USDC, vault: str = "0x" + "ab" * 20, tx: int = 1) -> Log:
    """THORChain: paid to a vault on ethereum with a memo."""
    return log("ethereum", ROUTER, "Deposit(address*,address*,uint256,string)", vault, asset, amount, memo, tx=tx)


def sent(memo: str, to: str, amount: int, *, asset: str = NOBODY, tx: int = 2) -> Log:
    """THORChain: paid out by a vault on bsc."""
    event = "TransferOut(address*,address*,address,uint256,string)"
    return log("bsc", ROUTER_BSC, event, "0x" + "ab" * 20, to, asset, amount, memo, tx=tx)


def noted(memo: str, *, tx: int = 1) -> Log:
    """What a bitcoin transaction says itself."""
    when = START + timedelta(minutes=tx)
    name = tx_hash(tx).removeprefix("0x")
    return Log(MEMOS, name, 1, tx, when, (OP_RETURN,), f"0x{memo.encode().hex()}")


def at(chain: str, text: str) -> Address:
    """An address in its form."""
    return parse_address(parse_chain(chain), text)
