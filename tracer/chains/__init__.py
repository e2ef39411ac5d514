"""Chains, the forms of their addresses, and their verified tokens: parse, check, show. No I/O."""

from tracer.chains.addresses import (
    event_topic,
    is_on_chain,
    is_zero,
    parse_address,
    parse_asset,
    parse_caip10,
    parse_tx_hash,
    script,
    tron_contract,
    zero_address,
)
from tracer.chains.chains import CHAINS, Chain, Family, family, parse_chain
from tracer.chains.tokens import SOURCES, TOKENS, Token, fold, is_listed, listed, mimics, wrapper

__all__ = [
    "CHAINS",
    "SOURCES",
    "TOKENS",
    "Chain",
    "Family",
    "Token",
    "event_topic",
    "family",
    "fold",
    "is_listed",
    "is_on_chain",
    "is_zero",
    "listed",
    "mimics",
    "parse_address",
    "parse_asset",
    "parse_caip10",
    "parse_chain",
    "parse_tx_hash",
    "script",
    "tron_contract",
    "wrapper",
    "zero_address",
]
