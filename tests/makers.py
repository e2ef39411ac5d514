"""Short ways to make the model's values, for every test. All defaults are invented."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tracer.model import Address, AssetId, Category, Kind, Label, Transaction, Transfer, transfer_id

ETHEREUM = "eip155:1"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
START = datetime(2024, 1, 1, tzinfo=UTC)
USDT = AssetId(ETHEREUM, "0xdAC17F958D2ee523a2206206994597C13D831ec7")


def address(n: int, chain: str = ETHEREUM) -> Address:
    """The n-th invented address, in the chain's length but without its checksum."""
    return Address(chain, f"0x{n:040x}")


def tx_hash(n: int) -> str:
    """The n-th invented transaction hash."""
    return f"0x{n:064x}"


def transfer(
    sender: Address | None,
    recipient: Address | None,
    amount: int,
    *,
    tx: int | str = 1,
    asset: AssetId = USDT,
    kind: Kind = Kind.TOKEN,
    n: int = 0,
    index: int | None = None,
    outpoint: str | None = None,
) -> Transfer:
    """A transfer with its right id; `tx` is a hash or the number of an invented one."""
    name = tx if isinstance(tx, str) else tx_hash(tx)
    key = transfer_id(asset.chain, name, kind, asset, sender, recipient, amount, n)
    return Transfer(key, kind, asset, amount, sender, recipient, index, outpoint)


def transaction(
    *moves: tuple[Address | None, Address | None, int] | Transfer,
    tx: int | str = 1,
    at: datetime | None = None,
    chain: str = ETHEREUM,
    block: int | None = None,
    initiator: Address | None = None,
    ok: bool = True,
    whole: bool = False,
) -> Transaction:
    """A transaction of moves: transfers, or (sender, recipient, amount of USDT). Number n is n minutes after START."""
    name = tx if isinstance(tx, str) else tx_hash(tx)
    when = at or START + timedelta(minutes=tx if isinstance(tx, int) else 0)
    made: list[Transfer] = []
    for move in moves:
        if isinstance(move, Transfer):
            made.append(move)
        else:
            equal = sum((one.sender, one.recipient, one.amount) == move for one in made)
            made.append(transfer(*move, tx=name, n=equal))
    ordered = tuple(sorted(made, key=lambda one: one.id))
    return Transaction(chain, name, when, block, initiator=initiator, ok=ok, whole=whole, transfers=ordered)


def label(
    where: Address,
    *,
    entity: str = "Example Exchange",
    category: Category = Category.EXCHANGE,
    confidence: str = "0.9",
    source: str = "tests",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Label:
    """A label; `confidence` is decimal text."""
    return Label(where, entity, category, Decimal(confidence), source, valid_from, valid_to)


def ticking(start: datetime = START) -> Callable[[], datetime]:
    """A clock that is one second later at every look, so that what is recorded is the same in every run."""
    now = start

    def look() -> datetime:
        nonlocal now
        now += timedelta(seconds=1)
        return now

    return look
