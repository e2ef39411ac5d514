"""Telling what stands for a bridge's hands (taint/crossings.py) from an address: no chain writes a colon in one."""

from tracer.model import Address


def is_passage(address: Address) -> bool:
    """True for a party that is no address but a crossing."""
    return ":" in address.text


def outpoint(recipient: Address, tx_hash: str, index: int | None) -> str:
    """Which coin of its recipient a bitcoin output is; a passage holds none, what it has is one sum."""
    return "" if is_passage(recipient) else f"{tx_hash}:{index}"
