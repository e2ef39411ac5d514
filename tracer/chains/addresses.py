"""The door for addresses, assets and transaction hashes: checked and brought into one form, once.

After it an EVM address is EIP-55, a TRON address base58, a bitcoin address its own script form (bech32 lower-cased), a
contract is written like an address, and a transaction hash is lower-case hex.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import base58
from bech32 import bech32_hrp_expand, bech32_polymod, convertbits
from eth_hash.auto import keccak

from tracer.chains.chains import CHAINS, Family, family, parse_chain
from tracer.errors import BadAddress, InputError, UnknownAsset
from tracer.model import NATIVE, Address, AssetId

_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_TRON_HEX = re.compile(r"41[0-9a-fA-F]{40}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_IDENTIFIER = re.compile(r"(?!0x)[a-z0-9][a-z0-9._-]{0,31}")
_BECH32_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32, _BECH32M = 1, 0x2BC830A3  # checksum constants of BIP 173 and BIP 350
_TRON_PREFIX = b"\x41"
_BITCOIN_PREFIXES = (b"\x00", b"\x05")  # P2PKH, P2SH

_SCRIPTS = {("bc1q", 42): "p2wpkh", ("bc1q", 62): "p2wsh", ("bc1p", 62): "p2tr"}

ZERO = {
    Family.EVM: "0x" + "0" * 40,
    Family.TRON: base58.b58encode_check(_TRON_PREFIX + bytes(20)).decode(),
}


@lru_cache(maxsize=1 << 17)
def parse_address(chain: str, text: str) -> Address:
    """An address of a chain (id or alias) in its one form.

    EVM: all-lower or all-upper hex is taken, mixed case must be EIP-55. TRON: base58check, or the hex form 41….
    Bitcoin: base58check (P2PKH, P2SH), bech32 and bech32m. Raises BadAddress naming the value and what is wrong with
    it, UnknownChain for the chain.
    """
    chain = parse_chain(chain)
    try:
        _refuse_controls(text)
        return Address(chain, _FORMS[CHAINS[chain].family](text))
    except ValueError as wrong:
        raise BadAddress(f"{_show(text)} is no {CHAINS[chain].alias} address: {wrong}") from None


def parse_caip10(text: str) -> Address:
    """An address written with its chain: `ethereum:0x…` or `eip155:1:0x…`. Raises BadAddress or UnknownChain."""
    chain, colon, address = text.rpartition(":")
    if not colon:
        raise BadAddress(f"{_show(text)} names no chain: write CHAIN:ADDRESS, as in ethereum:0x…")
    return parse_address.__wrapped__(chain, address)  # asked for once: a million of them need not be remembered


def zero_address(chain: str) -> Address | None:
    """Where a chain mints from and burns to; None on bitcoin, which has none."""
    chain = parse_chain(chain)
    text = ZERO.get(family(chain))
    return None if text is None else Address(chain, text)


def is_zero(address: Address) -> bool:
    """True for the zero address of its chain: no pot, never read."""
    chain = CHAINS.get(address.chain)
    return chain is not None and ZERO.get(chain.family) == address.text


def tron_contract(tx_hash: str, owner: Address) -> Address:
    """The contract that a TRON transaction of this owner makes (java-tron, WalletUtil.generateContractAddress)."""
    made = keccak(bytes.fromhex(tx_hash) + base58.b58decode_check(owner.text))
    return parse_address(owner.chain, f"41{made[-20:].hex()}")


def event_topic(signature: str) -> str:
    """The first topic of an event's logs: keccak-256 of its signature, as in `Transfer(address,address,uint256)`."""
    return f"0x{keccak(signature.encode()).hex()}"


def script(address: Address) -> str:
    """The form of a bitcoin address's script: p2pkh, p2sh, p2wpkh, p2wsh, p2tr, or `other`. It was checked at the door.

    BIP 173 and BIP 350: the letter after `bc1` is the witness version, the length tells 20 bytes from 32.
    """
    lead, length = address.text[:4], len(address.text)
    return _SCRIPTS.get((lead, length)) or {"1": "p2pkh", "3": "p2sh"}.get(address.text[:1], "other")


@lru_cache(maxsize=1 << 14)
def parse_asset(chain: str, text: str) -> AssetId:
    """An asset of a chain: `native`, a contract, or a value identifier such as `usd` (which is no on-chain asset).

    Raises UnknownAsset, or BadAddress for a contract whose checksum fails.
    """
    chain = parse_chain(chain)
    if text == NATIVE:
        return AssetId(chain, NATIVE)
    if isinstance(text, str) and _IDENTIFIER.fullmatch(text):
        return AssetId(chain, text)
    if family(chain) is Family.BITCOIN:
        raise UnknownAsset(f"{_show(text)} is no asset of bitcoin: write native, or an identifier such as usd")
    try:
        return AssetId(chain, parse_address(chain, text).text)
    except BadAddress as wrong:
        if _looks_like_contract(text):
            raise
        remedy = "write native, a contract, or a lower-case identifier such as usd"
        raise UnknownAsset(f"{_show(text)} is no asset of {CHAINS[chain].alias}: {remedy}") from wrong


def is_on_chain(asset: AssetId) -> bool:
    """False for a value identifier such as `usd`, which no chain holds."""
    return asset.contract == NATIVE or _IDENTIFIER.fullmatch(asset.contract) is None


def parse_tx_hash(chain: str, text: str) -> str:
    """A transaction hash in lower case: 0x and 64 hex digits on EVM chains, 64 hex digits on TRON and bitcoin."""
    chain = parse_chain(chain)
    prefix = "0x" if CHAINS[chain].family is Family.EVM else ""
    if isinstance(text, str) and text.startswith(prefix) and _HASH.fullmatch(text.removeprefix(prefix)):
        return text.lower()
    form = "0x and 64 hex digits" if prefix else "64 hex digits without 0x"
    raise InputError(f"{_show(text)} is no transaction hash of {CHAINS[chain].alias}: it must be {form}")


def _show(text: object) -> str:
    """A value as a message may show it: control characters escaped, not longer than a line."""
    shown = repr(text)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


def _looks_like_contract(text: object) -> bool:
    return isinstance(text, str) and (text[:2].lower() == "0x" or len(text) >= 34)


def _refuse_controls(text: object) -> None:
    if not isinstance(text, str):
        raise ValueError("it is not text")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("it holds blanks, control characters or letters outside ASCII")


def _evm(text: str) -> str:
    if not _HEX_ADDRESS.fullmatch(text):
        raise ValueError("it must be 0x and 40 hex digits")
    digits = text[2:]
    checked = _eip55(digits.lower())
    if digits not in (digits.lower(), digits.upper()) and text != checked:
        raise ValueError("its EIP-55 checksum fails, a letter may be mistyped")
    return checked


def _eip55(digits: str) -> str:
    """EIP-55 by its words: a letter is upper case where the hash of the lower-case digits has 8 or more.

    eth-utils does the same in five times the time, which is most of reading a list of addresses.
    """
    digest = keccak(digits.encode()).hex()
    both = zip(digits, digits.upper(), digest, strict=False)
    return "0x" + "".join([upper if hashed > "7" else lower for lower, upper, hashed in both])


def _tron(text: str) -> str:
    if _TRON_HEX.fullmatch(text):
        return base58.b58encode_check(bytes.fromhex(text)).decode()
    payload = _base58check(text)
    if len(payload) != 21 or payload[:1] != _TRON_PREFIX:
        raise ValueError("it must be base58check starting with T, or hex starting with 41")
    return text


def _bitcoin(text: str) -> str:
    if text.lower().startswith("bc1"):
        return _segwit(text)
    payload = _base58check(text)
    if len(payload) != 21 or payload[:1] not in _BITCOIN_PREFIXES:
        raise ValueError("it is of another chain or of an unknown script form")
    return text


def _base58check(text: str) -> bytes:
    try:
        payload: bytes = base58.b58decode_check(text)
    except ValueError:
        raise ValueError("its base58 checksum fails, a letter may be mistyped") from None
    return payload


def _segwit(text: str) -> str:
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise ValueError("bech32 must not mix upper and lower case")
    letters = lower[3:]
    if not set(letters) <= set(_BECH32_LETTERS) or not 7 < len(letters) <= 87:
        raise ValueError("it is not bech32")
    numbers = [_BECH32_LETTERS.index(letter) for letter in letters]
    version = numbers[0]
    if bech32_polymod(bech32_hrp_expand("bc") + numbers) != (_BECH32M if version else _BECH32):
        raise ValueError("its bech32 checksum fails, a letter may be mistyped")
    program = convertbits(numbers[1:-6], 5, 8, False)
    if program is None or version > 16 or len(program) not in ((20, 32) if version == 0 else range(2, 41)):
        raise ValueError("its witness program has no valid length")
    return lower


_FORMS: dict[Family, Callable[[str], str]] = {Family.EVM: _evm, Family.TRON: _tron, Family.BITCOIN: _bitcoin}
