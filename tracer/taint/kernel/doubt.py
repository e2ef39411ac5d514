"""Which transactions of a history a rule must look at one by one: those that move nothing, failed, move certain assets,
or touch an address that dealt with two others that look alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from tracer.model import Address, AssetId
from tracer.taint.kernel.history import FEE, History


def doubtful(
    history: History, assets: Collection[AssetId], looks: Mapping[Address, str], dust: int, read: Collection[Address]
) -> tuple[list[int], set[Address]]:
    """The rows of such transactions, and those of `read` that dealt with two others of one look in one asset, one
    moving less than a part in `dust` of what the other did. `looks`: of the addresses whose looks matter.
    """
    moves = history.moves
    odd = np.array([asset in assets for asset in history.assets], np.bool_)[moves.asset]
    odd |= (moves.high == 0) & (moves.low == 0)
    alike = _alike(history, looks, dust, read)
    near = np.zeros(len(history.addresses) + 1, np.bool_)
    near[list(alike)] = True  # the last is none
    some = (odd & (moves.kind != FEE)) | near[moves.sender] | near[moves.recipient]
    rows = np.zeros(len(history), np.bool_)
    rows[history.owner[some]] = True
    return np.flatnonzero(rows | ~history.ok).tolist(), {history.addresses[n] for n in alike}


def _alike(history: History, looks: Mapping[Address, str], dust: int, read: Collection[Address]) -> set[int]:
    """The addresses, by number, that dealt with two others of one look."""
    known: dict[str, int] = {}
    look = np.array([known.setdefault(looks[one], len(known)) if one in looks else -1 for one in history.addresses])
    shared = np.r_[np.bincount(look[look >= 0], minlength=1)[look] > 1, False]
    shared[:-1] &= look >= 0
    watched = np.array([*(one in read and one in looks for one in history.addresses), False], np.bool_)
    moves = history.moves
    met: dict[tuple[int, int, int], dict[int, list[int]]] = {}
    for here, other in ((moves.sender, moves.recipient), (moves.recipient, moves.sender)):
        chosen = np.flatnonzero(watched[here] & shared[other] & (here != other) & (moves.kind != FEE))
        columns = (here[chosen], moves.asset[chosen], look[other[chosen]], other[chosen], chosen)
        for place, asset, seen, whom, row in zip(*(column.tolist() for column in columns), strict=True):
            met.setdefault((place, asset, seen), {}).setdefault(whom, []).append(_amount(history, row))
    return {key[0] for key, others in met.items() if len(others) > 1 and _dusty(others, dust)}


def _amount(history: History, row: int) -> int:
    return (int(history.moves.high[row]) << 64) | int(history.moves.low[row])


def _dusty(others: Mapping[int, list[int]], dust: int) -> bool:
    """Did one move less than a part in `dust` of what another did?"""
    least = {whom: min(amounts) for whom, amounts in others.items()}
    return any(
        least[whom] * dust < max(amounts) for other, amounts in others.items() for whom in others if whom != other
    )
