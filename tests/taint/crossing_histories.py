"""Random histories on three chains, and money that crosses between them by random pairs of transfers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.taint.coin_histories import histories
from tests.taint.histories import cases
from tracer.model import Address, AssetId, Crossing, Kind, OriginSpec, Transaction, Transfer, transfer_id
from tracer.taint.flow import Flow, Result
from tracer.taint.stops import Labels

BASE = "eip155:8453"
NOWHERE = (Kind.FEE, Kind.INPUT)


@dataclass(frozen=True)
class CrossingCase:
    """A history, its labels, its origins, which addresses were read, and what crossed a bridge."""

    history: list[Transaction]
    labels: list[Any]
    specs: list[OriginSpec]
    read: set[Address]
    crossings: list[Crossing]

    def fold(self, kernel_from: int | None = None) -> Result:
        """Fed at once."""
        flow = Flow(self.specs, Labels(self.labels))
        flow.feed(self.history, self.read)
        return flow.fold(crossings=self.crossings, kernel_from=kernel_from)


def on(chain: str, one: Transaction) -> Transaction:
    """The same transaction on another chain."""
    return replace(one, chain=chain, transfers=tuple(_on(chain, one.tx_hash, t) for t in one.transfers))


def _on(chain: str, tx_hash: str, t: Transfer) -> Transfer:
    asset = AssetId(chain, t.asset.contract)
    ends = [end and Address(chain, end.text) for end in (t.sender, t.recipient)]
    n = int(t.id.rpartition(":")[2])
    key = transfer_id(chain, tx_hash, t.kind, asset, ends[0], ends[1], t.amount, n)
    return replace(t, id=key, asset=asset, sender=ends[0], recipient=ends[1])


@st.composite
def crossing_cases(draw: st.DrawFn, *, coins: bool = True) -> CrossingCase:
    """Two account chains, bitcoin beside them, and up to six crossings, most of which are possible."""
    here, labels, specs, read = draw(cases())
    there, _, _, more = draw(cases())
    history = [*here, *(on(BASE, one) for one in there), *(draw(histories()) if coins else [])]
    seen = {end for one in history for t in one.transfers for end in (t.sender, t.recipient) if end}
    read = read | {Address(BASE, one.text) for one in more} | {one for one in seen if one.chain.startswith("bip122:")}
    moves = sorted(
        ((one.order, t) for one in history for t in one.transfers if t.kind not in NOWHERE and t.recipient),
        key=lambda move: (move[0], move[1].id),
    )
    pairs = [(a, b) for n, (when, a) in enumerate(moves) for later, b in moves[n + 1 :] if when < later]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=6)) if pairs else []
    made = [Crossing("test", str(n), a.id, b.id, b.recipient) for n, (a, b) in enumerate(chosen)]
    return CrossingCase(history, labels, specs, read, made)
