"""TronGrid's list of a contract's events: rows with named arguments, made into the logs that a node has. Pure.

A row's `event` says which arguments are indexed (topics); of rows without it all stand in the data. `result` holds each
by its place and by its name. Shapes: developers.tron.network/reference/get-events-by-contract-address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tracer.chains import event_topic
from tracer.model import Address, Log
from tracer.sources import tron
from tracer.sources.cells import amount

LIST = "/v1/contracts/{}/events"
_ADDRESS = re.compile(r"(?:0x)?(?:41)?([0-9a-fA-F]{40})")
_BYTES = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


class _Argument(NamedTuple):
    kind: str
    name: str
    indexed: bool


def named(signature: str) -> str:
    """What an event is asked for by: its name, which others with other arguments may bear, too."""
    return signature.partition("(")[0]


def logs(contract: Address, signatures: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> tuple[Log, ...]:
    """The logs of these events among rows that were asked for by their names, oldest first, each once.

    `index` is the place in the transaction. Raises one of decode.WRONG for what is not as documented.
    """
    wanted = {signature: event_topic(signature) for signature in signatures}
    found = {(one.tx_hash, one.index): one for row in rows for one in _logs(contract, wanted, row)}
    return tuple(sorted(found.values(), key=lambda one: (one.block, one.tx_hash, one.index)))


def _logs(contract: Address, wanted: Mapping[str, str], row: Mapping[str, Any]) -> Iterator[Log]:
    """One, or none if it is another event of the same name."""
    if row["contract_address"] != contract.text or row.get("_unconfirmed"):
        raise ValueError("an event of another contract than was asked for, or one that is not final")
    of_name = next((each for each in wanted if named(each) == row["event_name"]), None)
    if of_name is None:
        raise ValueError(f"an event {row['event_name']!a} that was not asked for")
    arguments = _declared(row.get("event") or of_name)
    topic = wanted.get(f"{row['event_name']}({','.join(each.kind for each in arguments)})")
    if topic:
        words = [_word(each, place, row["result"]) for place, each in enumerate(arguments)]
        told = list(zip(arguments, words, strict=True))
        yield Log(
            contract,
            row["transaction_id"],
            int(row["event_index"]),
            row["block_number"],
            tron.moment(row["block_timestamp"]),
            (topic, *(f"0x{word}" for each, word in told if each.indexed)),
            f"0x{''.join(word for each, word in told if not each.indexed)}",
        )


def _declared(event: str) -> list[_Argument]:
    """Of `Name(address indexed who, uint256 value)`, or of bare types."""
    inside = event.partition("(")[2].removesuffix(")")
    parts = (each.split() for each in inside.split(",") if each.strip())
    return [_Argument(kind, more[-1] if more else "", "indexed" in more) for kind, *more in parts]


def _word(argument: _Argument, place: int, result: Mapping[str, Any]) -> str:
    """An argument as 32 bytes in hex. An address is told as its 20 bytes, mostly without TRON's 41 before them."""
    value = result[str(place) if str(place) in result else argument.name]
    form = {"address": _ADDRESS, "bytes32": _BYTES}.get(argument.kind)
    if form and (found := form.fullmatch(value)):
        return found[1].lower().zfill(64)
    if argument.kind.startswith("uint"):
        return f"{amount(value):064x}"
    raise ValueError(f"an argument {argument.kind!a} that cannot be read")
