"""What went through every address, per asset and method: totals that balance to the base unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from tracer.exports.plain import Plain
from tracer.model import Address, AssetId
from tracer.taint.books import Book

IN, OUT = ("tainted", "clean", "unseen"), ("out", "fees", "held", "ended")  # both sums are equal
Place = tuple[Address, AssetId]


def accounts(books: Mapping[str, Book]) -> dict[Address, list[Plain]]:
    """By address, of every asset in which taint came there under any method: one row an asset and method.

    What came in (`tainted`: of all origins, each one's is the `amount` of its row in `taint`; `clean`; `unseen`) is
    what went `out`, `fees` (on bitcoin a fee is part of what went out), what is `held` and what `ended` there.
    """
    tainted = {(address, asset) for book in books.values() for address, asset, _ in book.came()}
    rows: dict[Address, list[Plain]] = defaultdict(list)
    for method, book in books.items():
        sums = totals(book)
        for address, asset in tainted:
            row = sums.get((address, asset), dict.fromkeys((*IN, *OUT), 0))
            head = {"asset": asset.contract, "method": method}
            rows[address].append(head | {name: str(amount) for name, amount in row.items()})
    return {address: sorted(found, key=lambda row: (row["asset"], row["method"])) for address, found in rows.items()}


def totals(book: Book) -> dict[Place, dict[str, int]]:
    """The same of one book, as amounts; an address and asset that nothing went through has no row."""
    sums: dict[Place, dict[str, int]] = defaultdict(lambda: dict.fromkeys((*IN, *OUT), 0))
    for (address, asset, _), (amount, _worth) in book.came().items():
        sums[(address, asset)]["tainted"] += amount
    for (address, asset, _), pot in book.pots.items():
        row = sums[(address, asset)]
        for name in ("clean", "unseen", "out", "fees", "held"):
            row[name] += getattr(pot, name)
    for end in book.ends:
        sums[(end.address, end.asset)]["ended"] += end.amount
    return sums
