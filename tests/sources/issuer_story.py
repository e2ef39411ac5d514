"""What an issuer says of addresses by its contract's events, as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tests.makers import START
from tests.servers.world import World
from tracer.chains import event_topic, parse_address, parse_asset
from tracer.detect.freezes import EVENTS, contract
from tracer.model import Address, AssetId, Log

ETHEREUM, TRON = "eip155:1", "tron:728126428"
USDT = parse_asset(ETHEREUM, "0xdAC17F958D2ee523a2206206994597C13D831ec7")
USDT_ON_TRON = parse_asset(TRON, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
SIGNATURES = [event.signature for event in EVENTS[USDT]]
FROZEN, UNFROZEN, DESTROYED = SIGNATURES
FIRST = 100  # the block of the first event


def issuer(asset: AssetId, count: int, *, together: int = 3, crowd: int = 0) -> World:
    """A world in which an issuer froze, released and destroyed in turn, `together` in a block; `crowd`: before, so many
    freezes in a single one.
    """
    events = [(n, FIRST + n // together, SIGNATURES[n % 3]) for n in range(count)]
    events += [(count + n, FIRST - 1, FROZEN) for n in range(crowd)]
    return World(asset.chain, (), logs=tuple(sorted(_told(asset, events), key=_place)))


def subject(n: int) -> str:
    """The 20 bytes in hex of the n-th address that an issuer speaks of."""
    return f"{0xA1 << 152 | n:040x}"


def said(asset: AssetId, signature: str, n: int, block: int, index: int) -> Log:
    """The event of the n-th address: USDT's contract on TRON indexes it, that on Ethereum does not."""
    who, topic = f"{subject(n):0>64}", event_topic(signature)
    amount = f"{5_000_000 + n:064x}" if signature == DESTROYED else ""
    tron = asset.chain == TRON
    return Log(
        contract(asset),
        f"{n + 1:064x}" if tron else f"0x{n + 1:064x}",
        index,
        block,
        START + timedelta(seconds=3 * block),
        (topic, f"0x{who}") if tron else (topic,),
        f"0x{amount}" if tron else f"0x{who}{amount}",
        gas_price=None if tron else 10**9 + n,
    )


def _told(asset: AssetId, events: list[tuple[int, int, str]]) -> Iterator[Log]:
    for n, block, signature in events:
        yield said(asset, signature, n, block, n)


def _place(one: Log) -> tuple[int, int, str]:
    return one.block, one.index, one.tx_hash


SILENT = {ETHEREUM: Address(ETHEREUM, f"0x{99:040d}"), TRON: parse_address(TRON, f"41{99:040d}")}
