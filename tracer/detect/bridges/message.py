"""What a bridge says of money that crosses, on either side, whatever the bridge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracer.chains import CHAINS, TOKENS, Family, family, is_zero, parse_address, parse_asset, wrapper
from tracer.errors import InputError
from tracer.model import NATIVE, OP_RETURN, Address, AssetId, Log


class Way(StrEnum):
    """Which side of a crossing a message is of."""

    OUT = "out"  # the bridge took it
    IN = "in"  # the bridge paid it out


@dataclass(frozen=True, slots=True)
class Message:
    """One side of a crossing, as a contract said it.

    `key` and `terms` are what both sides say alike: terms that differ are another's crossing, or a forgery; an `in`
    without terms says none. `assets`: it was one of these, base units of which `amount` counts (None: it says no
    amount). `recipient`: out: who is to get it on the other chain; in: who got it; None: it does not say.
    `ends`: out: where the money went, the surest first; none: to the transaction's first output. `name`: what a person
    calls this crossing, where the key is not it.
    """

    protocol: str
    key: str
    way: Way
    log: Log
    assets: frozenset[AssetId]
    amount: int | None
    recipient: Address | None
    terms: tuple[str, ...] = ()
    ends: tuple[Address, ...] = ()
    name: str = ""

    @property
    def transaction(self) -> tuple[str, str]:
        """Chain and hash of the transaction in which it was said."""
        return (self.log.contract.chain, self.log.tx_hash)

    @property
    def order(self) -> tuple[datetime, int, str, int]:
        """When it was said."""
        return (self.log.at, self.log.block, self.log.tx_hash, self.log.index)


Read = Callable[[Log], Message]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A bridge: who speaks for it where, and what each of its events means.

    `contracts`: those whose events are read; `holds`: those that money goes into. `events`: signature to topic and
    reader. `repeats`: equal messages are different crossings, paired in order of time.
    """

    name: str
    entity: str
    contracts: frozenset[Address]
    holds: frozenset[Address]
    events: Mapping[str, tuple[str, Read]]
    repeats: bool = False

    @property
    def signatures(self) -> tuple[str, ...]:
        """Its contracts' events; what a bitcoin transaction says is none."""
        return tuple(one for one in self.events if one != OP_RETURN)

    def messages(self, logs: Iterable[Log]) -> Iterable[Message]:
        """What its contracts' logs say; other logs, and such as are not as documented, say nothing."""
        readers = dict(self.events.values())
        for log in logs:
            read = readers.get(log.topics[0]) if log.contract in self.contracts and log.topics else None
            if read is not None:
                try:
                    yield read(log)
                except (ValueError, IndexError, InputError):
                    continue


def places(table: str, column: int = 1) -> frozenset[Address]:
    """Addresses of a table of lines: a chain's alias, then addresses."""
    rows = [line.split() for line in table.strip().splitlines()]
    return frozenset(parse_address(row[0], row[column]) for row in rows)


# --- what logs are made of --------------------------------------------------------------------------------------------


def words(log: Log) -> list[str]:
    """The data in words of 32 bytes, in hex."""
    return [log.data[n : n + 64] for n in range(2, len(log.data), 64)]


def number(word: str) -> int:
    """A word, or a topic, as a number."""
    return int(word, 16)


def tail(log: Log, place: int) -> str:
    """The bytes, in hex, to which the word at this place points. Raises ValueError if they are not all there."""
    start = 2 + 2 * number(words(log)[place])
    length = 2 * number(log.data[start : start + 64])
    found = log.data[start + 64 : start + 64 + length]
    if len(found) != length:
        raise ValueError("shorter than it says")
    return found


def place(chain: str | None, word: str) -> Address | None:
    """A word as an address of a chain; None where that chain is not read or the word is no address of it."""
    word = word.removeprefix("0x")
    if chain is None or family(chain) is not Family.EVM or number(word[:24] or "0"):
        return None
    return parse_address(chain, f"0x{word[-40:].lower()}")


def evm(number_: int) -> str | None:
    """The chain of this chain id; None if it is not read."""
    chain = f"eip155:{number_}"
    return chain if chain in CHAINS else None


def token(address: Address | None) -> frozenset[AssetId]:
    """What a contract may have moved: its token, or the coin that it wraps; the zero address: the coin."""
    if address is None:
        return frozenset()
    coin = AssetId(address.chain, NATIVE)
    if is_zero(address):
        return frozenset({coin})
    asset = parse_asset(address.chain, address.text)
    return frozenset({asset, coin}) if wrapper(asset) else frozenset({asset})


def issued(chain: str, symbols: Collection[str]) -> frozenset[AssetId]:
    """The tokens of a chain with these symbols that their issuer itself put there."""
    return frozenset(
        asset
        for asset, one in TOKENS.items()
        if asset.chain == chain and one.symbol in symbols and one.form == "issued"
    )
